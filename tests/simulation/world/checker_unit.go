package world

import (
	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
)

// unitWritten checks what a unit committed to its own databag: an attempt
// moves executed_at and the queue, a request the queue alone.
func (c *checker) unitWritten(e jujusim.Event, changes map[string]string) {
	bag := c.w.UnitBag(e.Unit)
	u := c.unit(e.Unit)
	was, now := u.stamp, invariant.StampOf(bag)
	u.stamp = now
	if isStamp(e.Run) {
		u.foreign = true
		return
	}
	attempt := c.attempt(e.Unit)
	attempt.Grant = c.firstFitting(c.grants(e.Unit), func(g invariant.Grant) *invariant.Broken {
		attempt.Grant = g
		return invariant.Stamped(e.Unit, was, now, attempt)
	})
	if now.At.Compare(was.At) != 0 {
		c.stamped(e.Unit, u, was, attempt)
	}
	if _, ok := changes["executed_at"]; ok {
		c.w.cover.matter("foreign stamp", u.foreign)
		u.foreign = false
	}
	if _, ok := changes["operations"]; ok || attempt.Step != nil && u.ended && !u.unreadable {
		c.queueWritten(e, u, attempt, bag["operations"])
	}
	c.stepWritten(e, u, attempt, bag)
	if ofCharm(e.Run) {
		c.w.must(invariant.SaysIdle(e.Unit, bag, c.appRead()))
	}
}

// attempt is what the unit's run made of its grant, whichever that is.
func (c *checker) attempt(unit string) invariant.Attempt {
	u, read := c.unit(unit), c.appRead()
	a := invariant.Attempt{Ran: u.grant.Unit != "", Result: u.result}
	op, step := c.head(unit, read)
	if op == nil {
		return a
	}
	t := u.of(*op)
	a.CutShort = t.lost >= cutShort
	if a.OfStep = step || t.rollout != 0; step {
		a.Step = op
		return a
	}
	a.Unknown = op.CallbackID == goneCallback
	a.Abandoned = t.rollout != 0 && invariant.Abandoned(read, t.rollout)
	return a
}

// cutShort is how many hooks may end in mid-operation until that counts as a
// failed attempt.
const cutShort = 3

// stamped is the commit of an attempt's end. Without a callback that is one of an
// empty or unreadable queue or of an unknown operation, or a foreign stamp was
// put right.
func (c *checker) stamped(unit string, u *record, was invariant.Stamp, a invariant.Attempt) {
	c.forward++
	if a.Grant.Unit != unit || !a.Grant.UsedBy(u.stamp) {
		return
	}
	if u.used == a.Grant.At && !was.Foreign {
		c.w.violation("%s ended another attempt on the grant of %s", unit, u.used)
	}
	if a.Ran {
		u.trying.lost--
	}
	u.used, u.ended = a.Grant.At, true
}

func (c *checker) queueWritten(e jujusim.Event, u *record, attempt invariant.Attempt, text string) {
	queue, err := codec.ParseQueue(text)
	switch {
	case err != nil && e.Run.Command != corruptCommand:
		c.w.violation("%s wrote a queue that can't be read: %v", e.Unit, err)
	case e.Run.Name == "clear-queue" && len(queue) > 0:
		c.w.violation("%s was to clear its queue and left %d operations", e.Unit, len(queue))
	case e.Run.Name == "clear-queue" || err != nil:
		u.tries = nil
	case u.unreadable:
		c.w.violation("%s overwrote a queue that could not be read", e.Unit)
	default:
		op, step := c.head(e.Unit, c.appRead())
		head, broken := invariant.QueueMoved(e.Unit, u.queue, queue, c.w.UnitBag(e.Unit)["state"], attempt)
		c.w.must(broken)
		if head == invariant.Counted && !attempt.Ran {
			t := u.of(*op)
			t.runs, t.lost = t.runs-cutShort+1, t.lost-cutShort // all of them are one attempt
		}
		if head == invariant.Counted && step {
			u.of(*op).rollout = u.step.ID
		}
		if head == invariant.Dropped {
			c.w.cover.matter("unknown callback", attempt.Unknown && !attempt.Ran)
			c.w.cover.matter("rollout aborted", attempt.Abandoned && !attempt.Ran)
			delete(u.tries, nameOf(*op))
		}
		c.w.cover.matter("rollout paused", step && !attempt.Ran && c.appRead()["rollingops-rollout"] != "" && u.ended)
	}
	u.queue, u.unreadable = queue, err != nil
}
