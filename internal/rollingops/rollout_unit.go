package rollingops

import (
	"context"
	"errors"
	"fmt"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// A rollout is data that the schedule and the attempt read. It changes who is
// granted the lock and what a grant runs, never when a grant may be written,
// used or cleared. This file is the part of the unit that it names; that of the
// leader is in rollout_leader.go.

// rolls is what the application databag says of rollouts.
type rolls struct {
	record      rollout.Record
	err         error // why the record can't be read: it counts as paused then
	recordText  string
	grant       rollout.Grant // the step for which the lock is granted
	history     rollout.History
	historyText string
}

// readRolls reads it. A history or a grant that can't be read is none.
func readRolls(app map[string]string) rolls {
	r := rolls{recordText: app[rollout.KeyRecord], historyText: app[rollout.KeyHistory]}
	r.record, r.err = rollout.ParseRecord(r.recordText)
	r.grant, _ = rollout.ParseGrant(app[rollout.KeyGrant])
	r.history, _ = rollout.ParseHistory(r.historyText)
	return r
}

// running reports whether steps may begin.
func (r rolls) running() bool { return r.err == nil && r.record.State == rollout.Running }

// isStep reports whether the grant is for a unit's step of some rollout.
func (r rolls) isStep(g grant) bool { return r.grant.ID != 0 && r.grant.At.Compare(g.at) == 0 }

// Rollable lets the operation of a registered callback be rolled: any leader may
// have the unit run it with whatever arguments, which the callback has to check
// as those of a queue.
func (m *Manager) Rollable(id string) { m.rollable[id] = true }

// answer says that the unit is ready for its step, if the rollout wants to know.
// Its state is then not idle: a leader on the Python library frees the lock of a
// unit that is.
func (h *Hook) answer(ctx context.Context) {
	record := h.view.rolls.record
	if h.own.step.State == rollout.StepFailing && h.own.queueErr == nil && !h.stepHead() {
		h.failStep("its retry is no longer in the queue") // a unit on the Python library has run it, for one
	}
	// A retry of the rollout before is dropped first: its step tells that it is one.
	if !h.event.Leaving && h.view.rolls.err == nil && h.own.queueErr == nil && h.own.mayAnswer(record) && !h.stepHead() &&
		record.Wants(unitname.Number(h.m.Unit), h.own.step) {
		h.own.step, h.own.stepErr = rollout.Step{ID: record.ID, Round: record.Round, State: rollout.StepReady}, nil
		h.own.primary = h.isPrimary(ctx)
	}
	if h.own.step == (rollout.Step{}) || h.own.queueErr != nil || h.own.queue.Len() > 0 {
		return
	}
	switch {
	case h.view.rolls.err == nil && record.Active() && h.own.step.Ready(record):
		h.own.state = Requested
	case h.own.state == Requested:
		h.own.state = Idle
	}
}

// isPrimary reports whether the unit asks for the last turn.
func (h *Hook) isPrimary(ctx context.Context) bool {
	if h.m.Primary == nil {
		return false
	}
	primary, err := h.m.Primary(ctx)
	if err != nil {
		h.m.Log.Warn("cannot tell whether this unit should go last, it does not", "error", err)
	}
	return primary && err == nil
}

// mayAnswer reports whether the unit's own step can be overwritten. One that
// can't be read may tell that the unit is done with this very rollout.
func (v unitView) mayAnswer(r rollout.Record) bool {
	if v.stepErr == nil {
		return true
	}
	id := rollout.Salvage(v.bag[rollout.KeyStep])
	return id != 0 && id != r.ID
}

// Step returns the newest rollout and the local unit's step as they will be, and
// whether this hook's attempt is one at the step. A record that can't be read is
// the zero one.
func (h *Hook) Step() (r rollout.Record, s rollout.Step, attempted bool) {
	return h.rolls.record, h.own.step, h.own.rolling
}

// beginStep puts the operation of the rollout in front of the queue, for the
// one attempt that a grant for a step allows. Without an error the head of the
// queue is the step's.
func (h *Hook) beginStep() error {
	record := h.rolls.record
	switch {
	case h.rolls.err != nil:
		return h.rolls.err
	case h.own.queueErr != nil:
		return errors.New("the queue can't be read")
	case !h.rolls.grant.IsFor(record, h.grant.at) || !h.own.step.Ready(record):
		return errors.New("it is not for this unit's step")
	case record.State != rollout.Running && !h.stepBegan():
		return fmt.Errorf("the rollout is %s", record.State)
	}
	limit := record.Retries
	op, err := codec.NewOperation(record.Operation, record.Kwargs, record.At.Time(), &limit)
	if err != nil {
		return err
	}
	op.RequestedAt = record.At
	h.own.queue, h.requeued = append(codec.Queue{op}, h.own.queue...), true
	h.own.rolling = true
	return nil
}

// stepBegan reports whether the attempt of this grant has begun in an earlier
// hook: it goes on then, whatever the record says by now.
func (h *Hook) stepBegan() bool { return h.own.step.Granted.Compare(h.grant.at) == 0 }

// stepGoesOn reports whether the unit is in an attempt at its step, between two
// hooks: it stands in no queue then.
func (h *Hook) stepGoesOn() bool {
	return h.holdsUnused() && h.own.step.Ready(h.rolls.record) && h.stepBegan()
}

// stepHead reports whether the head of the queue is the step's, to be tried
// again.
func (h *Hook) stepHead() bool {
	op, ok := h.own.head()
	return ok && h.own.step.State == rollout.StepFailing && op.Attempt.Int() > 0
}

// abandoned reports whether the rollout of a step that waits for a retry has
// been given up.
func (h *Hook) abandoned() bool {
	record := h.rolls.record
	return h.stepHead() && h.rolls.err == nil && (record.ID != h.own.step.ID || record.State == rollout.Aborted)
}

// conclude records what came of an attempt, in the commit that ends it: of the
// unit's step, or of its last single operation.
func (h *Hook) conclude(op codec.Operation, a *Attempt) {
	reason := ""
	switch {
	case a.Err != nil:
		reason = a.Err.Error()
	case a.Dropped != "":
		reason = a.Dropped
	}
	if !h.own.rolling {
		if a.CallbackID != "" && (a.Result == Release || a.Dropped != "") {
			h.own.last = rollout.Last{Operation: op.CallbackID, Requested: op.RequestedAt, Ended: h.own.executedAt, Attempts: a.Number,
				Outcome: rollout.Succeeded, Error: reason}
			if a.Dropped != "" {
				h.own.last.Outcome = rollout.GaveUp
			}
		}
		return
	}
	step := &h.own.step
	step.State = rollout.StepFailing
	switch {
	case a.Dropped != "":
		step.State = rollout.StepFailed
	case a.Result == Release:
		step.State = rollout.StepDone
	}
	step.Attempts, step.Granted, step.Ended, step.Error = a.Number, h.grant.at, h.own.executedAt, reason
	h.ownRound()
}

// failStep ends the step without another attempt.
func (h *Hook) failStep(reason string) {
	h.own.step.State, h.own.step.Error = rollout.StepFailed, reason
	h.ownRound()
}

// ownRound moves the step to the round in which its attempt has ended: the unit
// may have answered in an earlier one, and one that fails now has had its turn of
// this one.
func (h *Hook) ownRound() {
	if record := h.view.rolls.record; h.view.rolls.err == nil && record.ID == h.own.step.ID {
		h.own.step.Round = record.Round
	}
}

// putOff leaves a step whose attempt goes on in another hook as it was, but for
// the note that it has begun.
func (h *Hook) putOff(a *Attempt) {
	if !h.own.rolling || h.stepHead() {
		return
	}
	h.own.queue = h.own.queue.Pop()
	h.requeued = h.ownRequeued || h.own.queue.Len() != h.view.own.queue.Len()
	if a.is(Continue) {
		h.own.step.Granted = h.grant.at
	}
}
