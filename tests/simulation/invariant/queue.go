package invariant

import (
	"slices"

	"rolling-ops/internal/codec"
)

// Head is what became of the head of a queue.
type Head int

const (
	Kept Head = iota
	Counted
	Dropped
)

// QueueMoved holds if a queue is what it was with new entries at the end and,
// after an attempt, its head counted or dropped as the attempt's result demands. In
// the attempt at a step its operation is in front, and nothing else ever comes there.
func QueueMoved(unit string, was, now codec.Queue, state string, a Attempt) (Head, *Broken) {
	if a.Step != nil && (a.Ran || a.CutShort && !startsWith(now, was)) {
		was = append(codec.Queue{*a.Step}, was...)
	}
	if a.CutShort && !a.Ran && len(was) > 0 && !startsWith(now, was) {
		a.Ran, a.Result = true, "retry_release"
	}
	retry := a.Result == "retry_hold" || a.Result == "retry_release"
	switch {
	case !a.Ran && startsWith(now, was): // requests alone
		return Kept, nil
	case len(was) == 0:
		return Kept, broken("%s attempted an operation that it did not have", unit)
	case a.Ran && len(now) >= len(was) && counted(was[0], now[0]) && startsWith(now[1:], was[1:]):
		if !retry || spent(now[0], 0) {
			return Counted, broken("%s keeps an operation that said %q, attempt %s of %s", unit, a.Result, now[0].Attempt, now[0].MaxRetry)
		}
		if (a.Result == "retry_hold") != (state == "retry-hold") {
			return Counted, broken("%s says %q after its operation said %q", unit, state, a.Result)
		}
		return Counted, nil
	case startsWith(now, was[1:]):
		if !((a.Unknown || a.Abandoned) && !a.Ran) && !(a.Ran && a.Result == "done") && !(a.Ran && retry && spent(was[0], 1)) {
			return Dropped, broken("%s dropped an operation that said %q, attempt %s of %s", unit, a.Result, was[0].Attempt, was[0].MaxRetry)
		}
		return Dropped, nil
	}
	return Kept, broken("%s changed the order of its queue: from %v to %v", unit, was, now)
}

// SaysIdle holds if a unit is idle when its queue is empty, and only then; but a
// unit that has answered the rollout that it has read asks for the lock. Of a queue
// that can't be read nothing is known.
func SaysIdle(unit string, own, read Bag) *Broken {
	queue, err := codec.ParseQueue(own["operations"])
	idle := own["state"] == "" || own["state"] == "idle"
	s, r := StepOf(own), RolloutOf(read)
	if err == nil && len(queue) == 0 && s.State == "ready" && s.ID == r.ID && r.Active() {
		if own["state"] != "request" {
			return broken("%s is ready for its step and says %q", unit, own["state"])
		}
		return nil
	}
	if err == nil && idle != (len(queue) == 0) {
		return broken("%s has %d operations and says %q", unit, len(queue), own["state"])
	}
	return nil
}

func startsWith(q, prefix codec.Queue) bool {
	return len(q) >= len(prefix) && slices.EqualFunc(q[:len(prefix)], prefix, same)
}

// counted reports whether now is the operation was after one more attempt.
func counted(was, now codec.Operation) bool {
	n := now.Attempt.Int()
	now.Attempt = was.Attempt
	return n == was.Attempt.Int()+1 && same(was, now)
}

// spent reports whether the operation, after so many more attempts, may not be
// tried again.
func spent(op codec.Operation, more int) bool {
	limit, bounded := op.MaxRetry.Limit()
	return bounded && op.Attempt.Int()+more > limit
}

// same compares what Equal does, and all that a queue must not lose.
func same(a, b codec.Operation) bool {
	return a.Equal(b) && a.RequestedAt == b.RequestedAt && a.Attempt == b.Attempt && a.MaxRetry == b.MaxRetry
}
