package rollingops

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// Why an operator's command to a rollout is refused, besides the errors of
// package rollout.
var (
	// ErrRecordUnreadable says that only AbortRollout helps.
	ErrRecordUnreadable = errors.New("the record of the rollout can't be read: abort-rollout discards it")
	// ErrNotRollable says that an operation can't be rolled.
	ErrNotRollable = errors.New("this operation can't be rolled")
)

// operate begins an operator's command: it is the leader's to carry out.
func (h *Hook) operate() error {
	switch {
	case h.m.Juju == nil:
		return ErrNoRelation
	case !h.view.leads:
		return ErrNotLeader
	case h.event.Leaving:
		return errors.New("this unit is being removed")
	}
	return nil
}

// StartRollout begins a rollout. Without units it is over all that the
// application has; Order and At are set by what is given. The leader grants the
// first step when that unit has answered.
//
// Errors: ErrNoRelation, ErrNotLeader, ErrRecordUnreadable, ErrNotRollable,
// rollout.ErrActive, goal-state that can't be had, or what is wrong with the
// request.
func (h *Hook) StartRollout(ctx context.Context, q rollout.Request) (rollout.Record, error) {
	if err := h.operate(); err != nil {
		return rollout.Record{}, err
	}
	if h.rolls.err != nil {
		return rollout.Record{}, fmt.Errorf("%w (%w)", ErrRecordUnreadable, h.rolls.err)
	}
	if !h.m.rollable[q.Operation] || h.m.callbacks[q.Operation] == nil {
		return rollout.Record{}, fmt.Errorf("%w: %q", ErrNotRollable, q.Operation)
	}
	if _, err := h.view.inGoalState(ctx, h.m.Unit); err != nil {
		return rollout.Record{}, err
	}
	if _, err := h.candidates(ctx); err != nil { // reads every unit
		return rollout.Record{}, err
	}
	if err := h.fixUnits(&q); err != nil {
		return rollout.Record{}, err
	}
	started, err := h.rolls.record.Start(q, h.nextID(), h.m.reading())
	if err != nil {
		return rollout.Record{}, err
	}
	h.rolls.record, h.rolls.err = started, nil
	return started, nil
}

// fixUnits takes the units that the application has now, or checks those given.
func (h *Hook) fixUnits(q *rollout.Request) error {
	q.Order = rollout.Given
	if len(q.Units) == 0 {
		q.Order = rollout.Auto
		for _, name := range h.applicationUnits() {
			if n := unitname.Number(name); n >= 0 && h.stays(name) {
				q.Units = append(q.Units, n)
			}
		}
		slices.Sort(q.Units)
		return nil
	}
	for _, n := range q.Units {
		if !h.stays(h.unitNamed(n)) {
			return fmt.Errorf("the application has no unit %s: juju status lists those it has", h.unitNamed(n))
		}
	}
	return nil
}

// nextID is an id that no rollout has had of which anybody knows.
func (h *Hook) nextID() int {
	shown := []int{h.rolls.record.ID, h.own.step.ID}
	for _, e := range h.rolls.history {
		shown = append(shown, e.ID)
	}
	for _, v := range h.view.others {
		shown = append(shown, v.step.ID)
		if v.stepErr != nil {
			shown = append(shown, rollout.Salvage(v.bag[rollout.KeyStep]))
		}
	}
	return rollout.NextID(shown...)
}

// PauseRollout stops the rollout before its next step; a unit that has not begun
// gives the lock back. It reports whether that changes anything.
//
// Errors: as of StartRollout, and *rollout.TokenError, rollout.ErrNotActive.
func (h *Hook) PauseRollout(expect rollout.Token) (rollout.Record, bool, error) {
	return h.change(func(r rollout.Record) (rollout.Record, bool, error) { return r.Pause(expect) })
}

// ResumeRollout goes on with a rollout: units that have failed get another turn,
// those in skip get none.
//
// Errors: as of PauseRollout.
func (h *Hook) ResumeRollout(expect rollout.Token, skip rollout.Units) (rollout.Record, bool, error) {
	return h.change(func(r rollout.Record) (rollout.Record, bool, error) { return r.Resume(expect, skip) })
}

// AbortRollout ends the rollout: what runs goes on, retries are dropped. It is
// also the way out when the record can't be read, which needs no token then.
//
// Errors: as of PauseRollout.
func (h *Hook) AbortRollout(ctx context.Context, expect rollout.Token) (rollout.Record, bool, error) {
	if err := h.operate(); err != nil {
		return rollout.Record{}, false, err
	}
	if _, err := h.candidates(ctx); err != nil && !errors.As(err, new(*blindError)) {
		return rollout.Record{}, false, err // its entry in the history would be wrong
	}
	if h.rolls.err != nil {
		id := rollout.Salvage(h.rolls.recordText)
		if id == 0 {
			id = h.nextID()
		}
		h.rolls.record, h.rolls.err = rollout.Record{}, nil
		h.remember(rollout.Entry{ID: id, Ended: h.m.reading(), State: rollout.Aborted})
		return rollout.Record{ID: id, State: rollout.Aborted}, true, nil
	}
	r, changed, err := h.change(func(r rollout.Record) (rollout.Record, bool, error) { return r.Abort(expect) })
	if err == nil && changed {
		h.remember(r.Entry(h.tally(), h.m.reading()))
	}
	return r, changed, err
}

func (h *Hook) change(f func(rollout.Record) (rollout.Record, bool, error)) (rollout.Record, bool, error) {
	if err := h.operate(); err != nil {
		return rollout.Record{}, false, err
	}
	if h.rolls.err != nil {
		return rollout.Record{}, false, fmt.Errorf("%w (%w)", ErrRecordUnreadable, h.rolls.err)
	}
	r, changed, err := f(h.rolls.record)
	if err == nil {
		h.rolls.record = r
	}
	return r, changed, err
}
