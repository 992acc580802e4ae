package rollingops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rolling-ops/internal/rollout"
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
	if h.event.Kind != RelationChanged || remote == "" || !h.grantRead.free() || !h.rollsRead.running() || h.own.asks() {
		return false, nil
	}
	members, err := h.relationList(ctx)
	if err != nil || !slices.Contains(members, remote) {
		return false, err
	}
	v, err := h.unit(ctx, remote)
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
		v, err := h.unit(ctx, name)
		if err != nil {
			return false, err
		}
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
	return h.rolls.running() && slices.ContainsFunc(h.rolls.record.Units, func(n int) bool { return n != unitIndex(h.m.Unit) })
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
	order := record.InOrder(unitIndex(h.m.Unit))
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
		order = append(order, unitIndex(name))
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
	if h.rolls.record.Token() != h.rollsRead.record.Token() {
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
	if !h.rollsRead.grant.IsFor(record, released.at) && !(read && holder.step.Failing(record)) {
		return nil
	}
	next, err := record.Released(unitIndex(h.forced))
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
	leaving, exists := h.whereabouts(name)
	gone := h.goal != nil && (!exists || leaving || h.hasLeft(name)) || name == h.m.Unit && h.event.Leaving
	v, _ := h.current(name)
	return h.rolls.record.Phase(n, v.step, gone)
}

func (h *Hook) tally() rollout.Tally { return h.rolls.record.Tally(h.phase) }

// current is a unit's databag as it will be, if this hook has read it.
func (h *Hook) current(unit string) (unitView, bool) {
	if unit == h.m.Unit {
		return h.own, true
	}
	v, read := h.bags[unit]
	return v, read
}

func (h *Hook) unitNamed(n int) string { return fmt.Sprintf("%s/%d", applicationOf(h.m.Unit), n) }

// changes are those of the application databag.
func (r rolls) changes(read rolls, changes map[string]string) error {
	if r.record.Token() != read.record.Token() || r.err != read.err {
		text, err := r.record.Encode()
		if err != nil {
			return err
		}
		changes[rollout.KeyRecord] = text
	}
	if r.grant != read.grant {
		changes[rollout.KeyGrant] = r.grant.String()
	}
	text, err := r.history.Encode()
	if err != nil {
		return err
	}
	if len(r.history) > 0 && text != read.historyText {
		changes[rollout.KeyHistory] = text
	}
	return nil
}

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
	case h.m.Relation == nil:
		return ErrNoRelation
	case !h.leads:
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
	if _, err := h.inGoalState(ctx, h.m.Unit); err != nil {
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
			if n := unitIndex(name); n >= 0 && h.stays(name) {
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
	for _, v := range h.bags {
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

// lookForGone asks goal-state, once all units were read, if that leaves any of
// the rollout's: it is gone then, and no longer counts. Without goal-state it is
// one that has not answered.
func (h *Hook) lookForGone(ctx context.Context, units rollout.Units) {
	if !h.surveyed {
		return
	}
	for _, n := range units {
		if _, read := h.current(h.unitNamed(n)); !read {
			if _, err := h.inGoalState(ctx, h.m.Unit); err != nil {
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
	r := Rollout{Record: h.rolls.record, Err: h.rolls.err, History: h.rolls.history, Surveyed: h.surveyed}
	if h.m.Relation == nil || r.Err != nil || r.Record.State == rollout.None {
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
	if own := unitIndex(h.m.Unit); r.Record.Units.Has(own) {
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
	if h.leads && h.m.Window != nil {
		now := h.m.Clock.Now()
		if opens, err := h.m.Window(ctx, now); err == nil && opens.After(now) {
			r.Opens = opens
		}
	}
	return r, nil
}
