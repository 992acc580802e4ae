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
	attempt := u.attempt()
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
	if _, ok := changes["operations"]; ok {
		c.queueWritten(e, u, bag["operations"])
	}
	if ofCharm(e.Run) {
		c.w.must(invariant.SaysIdle(e.Unit, bag))
	}
}

// attempt is what the unit's run made of its grant, whichever that is.
func (u *record) attempt() invariant.Attempt {
	a := invariant.Attempt{Ran: u.grant.Unit != "", Result: u.result}
	a.CutShort = u.lost >= cutShort
	a.Unknown = len(u.queue) > 0 && u.queue[0].CallbackID == goneCallback
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
		u.lost--
	}
	u.used, u.ended = a.Grant.At, true
}

func (c *checker) queueWritten(e jujusim.Event, u *record, text string) {
	queue, err := codec.ParseQueue(text)
	switch {
	case err != nil && e.Run.Command != corruptCommand:
		c.w.violation("%s wrote a queue that can't be read: %v", e.Unit, err)
	case e.Run.Name == "clear-queue" && len(queue) > 0:
		c.w.violation("%s was to clear its queue and left %d operations", e.Unit, len(queue))
	case e.Run.Name == "clear-queue" || err != nil:
		u.runs, u.lost = 0, 0
	case u.unreadable:
		c.w.violation("%s overwrote a queue that could not be read", e.Unit)
	default:
		attempt := u.attempt()
		head, broken := invariant.QueueMoved(e.Unit, u.queue, queue, c.w.UnitBag(e.Unit)["state"], attempt)
		c.w.must(broken)
		if head == invariant.Counted && !attempt.Ran {
			u.runs, u.lost = u.runs-cutShort+1, u.lost-cutShort // all of them are one attempt
		}
		if head == invariant.Dropped {
			c.w.cover.matter("unknown callback", attempt.Unknown && !attempt.Ran)
			u.runs, u.lost = 0, 0
		}
	}
	u.queue, u.unreadable = queue, err != nil
}
