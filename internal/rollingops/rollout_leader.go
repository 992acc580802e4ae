package rollingops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// pickStep returns the unit whose step is next, if one may be granted the lock:
// the first in order that has not had its turn. Later ones do not overtake one
// that is not ready; the lock stays free then. Without a unit it returns when a
// step may begin, 0 for when something changes.
//
// None begins in a hook in which the leader itself was at work: an operator's
// pause may wait for that hook to end, for minutes, and comes first.
func (h *Hook) pickStep(ctx context.Context) (*unitView, time.Duration, error) {
	record := h.rolls.record
	if !h.rolls.running() || !record.WithinBudget(h.tally()) {
		return nil, 0, nil
	}
	order, err := h.order(ctx)
	if err != nil {
		return nil, 0, err
	}
	n, ready, ok := record.Next(order, h.phase)
	if !ok || !ready {
		if ok {
			h.awaited = h.unitNamed(n)
		}
		return nil, 0, nil
	}
	v, read := h.current(h.unitNamed(n))
	if !read || v.queueErr != nil || v.stampErr() != nil {
		return nil, 0, nil
	}
	if h.report.Attempt != nil {
		return nil, continueAfter, nil
	}
	if wait, err := h.untilWindow(ctx); err != nil || wait > 0 {
		return nil, wait, err
	}
	return &v, 0, nil
}

// onlyAnswered reports whether all that has happened is that a unit has answered
// whose turn has not come: one before it in order has not. Of N units so many
// answer one after the other, and to read all of them each time would cost N².
//
// Nobody else is woken up by this hook. The lock was free, so whoever asks for it,
// or is next in the rollout, has been passed over for a reason of its own or has
// written something of which the leader still hears.
func (h *Hook) onlyAnswered(ctx context.Context) (bool, error) {
	record, remote := h.rolls.record, h.event.Remote
	if h.event.Kind != RelationChanged || remote == "" || !h.view.grant.free() || !h.view.rolls.running() || h.own.asks() {
		return false, nil
	}
	members, err := h.view.relationList(ctx)
	if err != nil || !slices.Contains(members, remote) {
		return false, err
	}
	v, err := h.view.unit(ctx, remote)
	if err != nil || v.asks() || v.unreadable() || !v.step.Ready(record) {
		return false, err
	}
	order, err := h.order(ctx)
	if err != nil {
		return false, err
	}
	for _, n := range order {
		name := h.unitNamed(n)
		if name != h.m.Unit && !slices.Contains(members, name) {
			return false, nil // it may be gone
		}
		if _, err := h.view.unit(ctx, name); err != nil {
			return false, err
		}
		v, _ := h.current(name)
		switch record.Phase(n, v.step, false) {
		case rollout.PhaseWaiting:
			h.awaited = name
			return true, nil
		case rollout.PhaseDone, rollout.PhaseSkipped:
		default:
			return false, nil
		}
	}
	return false, nil
}

// rollsOthers reports whether a rollout runs over other units than the local one:
// who of them is gone goal-state tells.
func (h *Hook) rollsOthers() bool {
	return h.rolls.running() && slices.ContainsFunc(h.rolls.record.Units, func(n int) bool { return n != unitname.Number(h.m.Unit) })
}

// untilWindow is how long no step may begin.
func (h *Hook) untilWindow(ctx context.Context) (time.Duration, error) {
	if h.m.Window == nil {
		return 0, nil
	}
	now := h.m.Clock.Now()
	opens, err := h.m.Window(ctx, now)
	if err != nil {
		return 0, fmt.Errorf("cannot tell whether a step may begin: %w", err)
	}
	return opens.Sub(now), nil
}

// order is the one in which the units' turns come.
func (h *Hook) order(ctx context.Context) (rollout.Units, error) {
	record := h.rolls.record
	order := record.InOrder(unitname.Number(h.m.Unit))
	switch {
	case record.Order == rollout.Given:
		return order, nil
	case h.m.Order == nil:
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(h.asksForLast(a), h.asksForLast(b)) })
		return order, nil
	}
	var names []string
	for _, n := range order {
		names = append(names, h.unitNamed(n))
	}
	given, err := h.m.Order(ctx, slices.Clone(names), h.m.Unit)
	if err != nil {
		return nil, fmt.Errorf("cannot tell the order of the rollout: %w", err)
	}
	if !slices.Equal(slices.Sorted(slices.Values(given)), slices.Sorted(slices.Values(names))) {
		h.m.Log.Warn("the charm's order is not one of the rollout's units, the usual one counts", "order", given)
		return order, nil
	}
	order = nil
	for _, name := range given {
		order = append(order, unitname.Number(name))
	}
	return order, nil
}

// asksForLast is 1 for a unit that asked for the last turn of this rollout, else 0.
func (h *Hook) asksForLast(n int) int {
	if v, _ := h.current(h.unitNamed(n)); v.primary && v.step.ID == h.rolls.record.ID {
		return 1
	}
	return 0
}

// settleRollout ends or pauses the rollout if its units say so, once the lock is
// free. released is the grant that was cleared in this hook.
func (h *Hook) settleRollout(released grant) error {
	if !h.rolls.running() {
		return nil
	}
	if h.forced != "" {
		return h.skipForced(released)
	}
	if h.rolls.record.Token() != h.view.rolls.record.Token() {
		return nil // an operator has been answered this token: the next hook goes on
	}
	doneNow := false
	if holder, read := h.current(released.unit); read {
		doneNow = holder.step.Done(h.rolls.record) && !released.at.IsZero() && holder.step.Granted.Compare(released.at) == 0
	}
	next, changed := h.rolls.record.Settle(h.tally(), doneNow)
	if !changed {
		return nil
	}
	h.m.Log.Info("rollout "+string(next.State), "rollout", next.ID, "why", next.Why)
	h.rolls.record = next
	if next.State == rollout.Done {
		h.remember(next.Entry(h.tally(), h.m.reading()))
	}
	return nil
}

// skipForced leaves a unit out from which an operator has taken the lock in its
// step, and pauses: whether it was in the middle of it nobody knows.
func (h *Hook) skipForced(released grant) error {
	record := h.rolls.record
	holder, read := h.current(h.forced)
	if !h.view.rolls.grant.IsFor(record, released.at) && !(read && holder.step.Failing(record)) {
		return nil
	}
	next, err := record.Released(unitname.Number(h.forced))
	if err != nil {
		return err
	}
	h.m.Log.Info("rollout paused", "rollout", next.ID, "why", next.Why, "skipped", h.forced)
	h.rolls.record = next
	return nil
}

func (h *Hook) remember(e rollout.Entry) { h.rolls.history = h.rolls.history.Add(e) }

// phase is that of unit n as this hook sees it. One whose databag was not read
// has not answered.
func (h *Hook) phase(n int) rollout.Phase {
	name := h.unitNamed(n)
	leaving, exists := h.view.whereabouts(name)
	gone := h.view.goal != nil && (!exists || leaving || h.hasLeft(name)) || name == h.m.Unit && h.event.Leaving
	v, _ := h.current(name)
	return h.rolls.record.Phase(n, v.step, gone)
}

func (h *Hook) tally() rollout.Tally { return h.rolls.record.Tally(h.phase) }

// current is a unit's databag as it will be, if this hook has read it.
func (h *Hook) current(unit string) (unitView, bool) {
	if unit == h.m.Unit {
		return h.own, true
	}
	return h.view.already(unit)
}

func (h *Hook) unitNamed(n int) string { return unitname.Of(unitname.Application(h.m.Unit), n) }
