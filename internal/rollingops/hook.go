package rollingops

import (
	"context"
	"time"
)

// Hook is one hook of the local unit, from Begin to Finish: what it knows, and
// what it decides on that. Nothing is written before the end of Finish.
type Hook struct {
	m     *Manager
	event Event
	view  *view

	// The databags as they will be written.
	grant    grant
	rolls    rolls
	nudge    string // the grant whose holder was nudged, by its stamp
	own      unitView
	requeued bool // own.queue is not what was read

	forced      string // the unit from which an operator takes the lock in this hook
	ownRequeued bool   // requeued before this hook's attempt
	awaited     string // the unit whose step is next and that has not answered
	apart       bool   // a subordinate's attempt has to wait, for want of its principal

	report Report
}

// Report is what Finish did, for the charm's statuses and logs.
type Report struct {
	Attempt  *Attempt // nil when no callback's turn came
	Released string   // the unit whose grant was cleared, "" if none
	Granted  string   // the unit that was granted the lock, "" if none
	// Late says that the leader had something to write and no longer might:
	// too long ago since is-leader was asked. Its worker brings it back.
	Late bool
	// Blind is why goal-state, which was needed, can't be had: nobody was granted
	// the lock then, nor was it taken from a unit that may be gone. The worker
	// brings the leader back.
	Blind error
	// Woken says that the worker was asked for, due after Wake.
	Woken bool
	Wake  time.Duration
}

// Finish ends the hook: the local unit's attempt if its turn has come, then,
// on a leader, release and grant, then the worker, then the writes. It must be
// the last thing in the hook that can fail.
//
// ctx ends the callback alone: what it did is recorded all the same.
func (h *Hook) Finish(ctx context.Context) (Report, error) {
	if h.m.Juju == nil {
		return Report{}, nil
	}
	steady := context.WithoutCancel(ctx)
	h.mendStamp()
	h.partWithLock()
	if err := h.attempt(ctx); err != nil {
		return h.report, err
	}
	h.answer(steady)
	if err := h.followUp(steady); err != nil {
		if h.report.Attempt == nil {
			return h.report, err
		}
		// The callback has run: it would run again, and as often as this fails.
		h.m.Log.Error("cannot schedule, the worker will bring the unit back", "error", err)
		h.grant, h.rolls, h.report.Released, h.report.Granted = h.view.grant, h.view.rolls, "", ""
		h.nudge = h.view.nudge
		h.wake(steady, comeBackAfter)
	}
	h.watchOther(steady)
	return h.report, h.write(steady)
}

// followUp is what comes after the attempt: on a leader release and grant, then
// the worker.
func (h *Hook) followUp(ctx context.Context) error {
	var again time.Duration
	if h.view.leads {
		var err error
		if again, err = h.schedule(ctx); err != nil {
			return err
		}
	}
	return h.wakeIfNeeded(ctx, again)
}

// mendStamp puts the unit's own executed_at right when something else than the
// unit has written it. A foreign one does not tell whether the unit has used its
// grant. So it is replaced by one past the grant, which ends that without a run.
func (h *Hook) mendStamp() {
	if !h.own.foreign {
		return
	}
	h.m.Log.Warn("executed_at is nothing that this unit can have written: it is put right, and a grant given back unused")
	at := h.own.executedAt
	if h.grant.heldBy(h.m.Unit) {
		at = later(at, h.grant.at)
	}
	if h.own.foreign = false; roomFor(1, at) {
		at = next(h.m.reading(), at)
	}
	h.own.executedAt = at
}

// continueAfter is when an attempt that is not over goes on, so that the hooks
// and actions that wait come first: a juju-exec goes before most of them.
const continueAfter = time.Second

// wakeIfNeeded asks for the worker when the local unit ends the hook with an
// unused grant, or leads and has to look again later. A unit that is leaving
// gets no more hooks of that kind.
func (h *Hook) wakeIfNeeded(ctx context.Context, again time.Duration) error {
	switch {
	case h.event.Leaving:
	case h.holdsUnused() && !h.report.Attempt.is(Await):
		wait, err := h.holdersWait(ctx)
		if err != nil {
			return err
		}
		if h.report.Attempt.is(Continue) {
			wait = max(wait, continueAfter)
		}
		if h.apart {
			wait = max(wait, h.blindPause())
		}
		h.wake(ctx, wait)
	case h.rolls.running() && h.rolls.record.Token() != h.view.rolls.record.Token():
		h.wake(ctx, 0) // to answer it: Juju may not tell a leader what it has written itself
	case again > 0:
		h.wake(ctx, again)
	}
	return nil
}

// wake asks for the worker. That it can't be had must not undo the hook, whose
// callback may have run: update-status is there for that.
func (h *Hook) wake(ctx context.Context, delay time.Duration) {
	h.report.Woken, h.report.Wake = true, delay
	if err := h.m.Waker.Wake(ctx, delay); err != nil {
		h.m.Log.Error("cannot start the worker, the next hook will try again", "error", err)
	}
}
