package rollingops

import (
	"context"
	"time"

	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// lookForGone asks goal-state, once all units were read, if that leaves any of
// the rollout's: it is gone then, and no longer counts. Without goal-state it is
// one that has not answered.
func (h *Hook) lookForGone(ctx context.Context, units rollout.Units) {
	if !h.view.surveyed {
		return
	}
	for _, n := range units {
		if _, read := h.current(h.unitNamed(n)); !read {
			if _, err := h.view.inGoalState(ctx, h.m.Unit); err != nil {
				h.m.Log.Warn("units that are gone count as units of the rollout", "error", err)
			}
			return
		}
	}
}

// RolloutUnit is one unit of a rollout as a hook sees it.
type RolloutUnit struct {
	Name  string
	Phase rollout.Phase
	Step  rollout.Step
	Last  rollout.Last
	Err   error // why its step can't be read
}

// Rollout is the newest rollout as a hook sees it.
type Rollout struct {
	Record  rollout.Record
	Err     error // why the record can't be read
	History rollout.History
	// Units are those of the rollout in the order of their turns. Phases of units
	// that this hook has not read are waiting.
	Units []RolloutUnit
	Tally rollout.Tally
	// Surveyed says that all units were read.
	Surveyed bool
	// Holder is the unit that holds the lock for its step, "" if none does.
	Holder string
	Since  time.Time
	// WaitsFor is the unit whose turn is next and that has not answered.
	WaitsFor string
	// Opens is when a step may begin; zero for now.
	Opens time.Time
	// Own is the local unit's phase, "" if it is none of the rollout's units.
	Own rollout.Phase
}

// Rollout returns the newest rollout as it will be when this hook is committed,
// from what the hook has read so far; Survey reads all units. The order of the
// units is the local unit's idea if it leads, else the usual one.
func (h *Hook) Rollout(ctx context.Context) (Rollout, error) {
	r := Rollout{Record: h.rolls.record, Err: h.rolls.err, History: h.rolls.history, Surveyed: h.view.surveyed}
	if h.m.Juju == nil || r.Err != nil || r.Record.State == rollout.None {
		return r, nil
	}
	order, err := h.order(ctx)
	if err != nil {
		return r, err
	}
	h.lookForGone(ctx, order)
	for _, n := range order {
		v, _ := h.current(h.unitNamed(n))
		r.Units = append(r.Units, RolloutUnit{Name: h.unitNamed(n), Phase: h.phase(n), Step: v.step, Last: v.last, Err: v.stepErr})
	}
	r.Tally = h.tally()
	if own := unitname.Number(h.m.Unit); r.Record.Units.Has(own) {
		r.Own = h.phase(own)
	}
	if holder, read := h.current(h.grant.unit); h.rolls.grant.IsFor(r.Record, h.grant.at) || read && holder.step.Failing(r.Record) {
		r.Holder, r.Since = h.grant.unit, h.grant.at.Time()
	}
	if !h.rolls.running() || r.Holder != "" {
		return r, nil
	}
	if n, ready, ok := r.Record.Next(order, h.phase); ok && !ready {
		r.WaitsFor = h.unitNamed(n)
	}
	if h.view.leads && h.m.Window != nil {
		now := h.m.Clock.Now()
		if opens, err := h.m.Window(ctx, now); err == nil && opens.After(now) {
			r.Opens = opens
		}
	}
	return r, nil
}
