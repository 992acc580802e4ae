package world

import (
	"slices"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/jujusim"
)

// unitWritten checks what a unit committed to its own databag: an attempt
// moves executed_at and the queue, a request the queue alone.
func (c *checker) unitWritten(e jujusim.Event, changes map[string]string) {
	bag := c.w.UnitBag(e.Unit)
	u := c.unit(e.Unit)
	if stamp, ok := changes["executed_at"]; ok {
		at, err := codec.ParseTimestamp(stamp)
		if err != nil {
			c.w.violation("%s wrote an executed_at that can't be read: %v", e.Unit, err)
		}
		c.attempted(e, u, at)
	}
	if _, ok := changes["operations"]; ok {
		c.queueWritten(e, u, bag["operations"])
	}
	idle := bag["state"] == "" || bag["state"] == string(rollingops.Idle)
	charm := e.Run.Command == "" || e.Run.Command == LockGranted // and no operator
	if charm && !u.unreadable && idle != (len(u.queue) == 0) {
		c.w.violation("%s has %d operations and says %q", e.Unit, len(u.queue), bag["state"])
	}
}

// attempted is the commit of an attempt's end.
func (c *checker) attempted(e jujusim.Event, u *record, at codec.Timestamp) {
	if at.Compare(u.executedAt) <= 0 {
		c.w.violation("%s set its executed_at back, from %s to %s", e.Unit, u.executedAt, at)
	}
	on := u.granted
	if on == "" { // no callback: an empty or unreadable queue, or an unknown callback
		lock := c.heldBy(e.Unit)
		on = lock.at
		if lock.unit != e.Unit {
			c.w.violation("%s ended an attempt and held no grant", e.Unit)
		}
	}
	if u.used == on {
		c.w.violation("%s ended a second attempt on the grant of %s", e.Unit, on)
	}
	if g, err := codec.ParseTimestamp(on); err == nil && at.Compare(g) <= 0 {
		c.w.violation("%s ended its attempt at %s, not after its grant of %s", e.Unit, at, on)
	}
	if u.granted != "" {
		u.lost--
	}
	u.used, u.executedAt = on, at
	c.forward++
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
		c.queueMoved(e, u, queue)
	}
	u.queue, u.unreadable = queue, err != nil
}

// queueMoved checks that a queue is what it was with new entries at the end
// and, after an attempt, its head counted or dropped, as the attempt's result
// demands.
func (c *checker) queueMoved(e jujusim.Event, u *record, now codec.Queue) {
	was := u.queue
	retry := u.result == "retry_hold" || u.result == "retry_release"
	switch {
	case u.granted == "" && StartsWith(now, was): // requests alone
	case len(was) == 0:
		c.w.violation("%s attempted an operation that it did not have", e.Unit)
	case len(now) >= len(was) && counted(was[0], now[0]) && StartsWith(now[1:], was[1:]):
		if !retry || spent(now[0], 0) {
			c.w.violation("%s keeps an operation that said %q, attempt %s of %s", e.Unit, u.result, now[0].Attempt, now[0].MaxRetry)
		}
		if state := c.w.UnitBag(e.Unit)["state"]; (u.result == "retry_hold") != (state == string(rollingops.AwaitRetryHold)) {
			c.w.violation("%s says %q after its operation said %q", e.Unit, state, u.result)
		}
	case StartsWith(now, was[1:]):
		unknown := was[0].CallbackID == goneCallback && u.granted == ""
		if !unknown && u.result != "done" && !(retry && spent(was[0], 1)) {
			c.w.violation("%s dropped an operation that said %q, attempt %s of %s", e.Unit, u.result, was[0].Attempt, was[0].MaxRetry)
		}
		c.w.cover.matter("unknown callback", unknown)
		u.runs, u.lost = 0, 0
	default:
		c.w.violation("%s changed the order of its queue: from %v to %v", e.Unit, was, now)
	}
}

func StartsWith(q, prefix codec.Queue) bool {
	return len(q) >= len(prefix) && slices.EqualFunc(q[:len(prefix)], prefix, Same)
}

// counted tells whether now is the operation was after one more attempt.
func counted(was, now codec.Operation) bool {
	n := now.Attempt.Int()
	now.Attempt = was.Attempt
	return n == was.Attempt.Int()+1 && Same(was, now)
}

// spent tells whether the operation, after so many more attempts, may not be
// tried again.
func spent(op codec.Operation, more int) bool {
	limit, bounded := op.MaxRetry.Limit()
	return bounded && op.Attempt.Int()+more > limit
}

// Same compares what Equal does, and all that a queue must not lose.
func Same(a, b codec.Operation) bool {
	return a.Equal(b) && a.RequestedAt == b.RequestedAt && a.Attempt == b.Attempt && a.MaxRetry == b.MaxRetry
}
