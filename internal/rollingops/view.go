package rollingops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rolling-ops/internal/codec"
)

// view is what one hook knows of the world as it was before the hook. Each thing
// is asked of Juju once, and only when a decision needs it; nothing in here is
// decided or written.
type view struct {
	m *Manager

	leads   bool
	askedAt time.Duration // boot-time clock, just before is-leader was asked

	// The application databag.
	grant     grant
	rolls     rolls
	marks     marks // units that an operator took the lock from
	marksText string
	nudge     string // the grant whose holder was nudged, by its stamp

	own    unitView
	others map[string]unitView // the databags of other units, once read

	members  []string // relation-list, once asked
	listed   bool
	goal     map[string]bool // goal-state, once asked: true for a unit that is leaving
	goalErr  error           // why it can't be had
	surveyed bool            // every unit was read
	pacing   *Pacing         // once asked
}

// begin reads what every hook needs. is-leader is asked before anything is read,
// so that what a leader overwrites is what it read: no other unit can have written
// the application databag in between.
func (v *view) begin(ctx context.Context) error {
	v.askedAt = v.m.Clock.SinceBoot()
	var err error
	if v.leads, err = v.m.Juju.IsLeader(ctx); err != nil {
		return fmt.Errorf("cannot tell whether this unit leads: %w", err)
	}
	app, err := v.m.Juju.App(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the application databag: %w", err)
	}
	v.grant, v.rolls, v.nudge = readGrant(app, v.m.Unit), readRolls(app), app[KeyNudge]
	v.marks, v.marksText = readMarks(app[KeyForced], v.m.Unit), app[KeyForced]
	if v.own, err = v.read(ctx, v.m.Unit); err != nil {
		return err
	}
	if v.own.queueErr != nil {
		v.m.Log.Warn("queue can't be read, requests on this unit fail until it is cleared", "unit", v.m.Unit, "error", v.own.queueErr)
	} else if v.own.unreadable() {
		v.m.Log.Warn("databag can't be used, the unit is passed over", "unit", v.m.Unit, "error", v.own.stampErr())
	}
	return nil
}

// read reads a unit's databag. One that is too large is like one that can't be
// decoded: it stops nobody else.
func (v *view) read(ctx context.Context, name string) (unitView, error) {
	bag, err := v.m.Juju.Unit(ctx, name)
	if err != nil && !errors.Is(err, codec.ErrTooLarge) {
		return unitView{}, fmt.Errorf("cannot read the databag of %s: %w", name, err)
	}
	u := newUnitView(name, bag)
	if err != nil {
		u.queue, u.queueErr = nil, err
	}
	return u, nil
}

// unit returns a unit's databag.
func (v *view) unit(ctx context.Context, name string) (unitView, error) {
	if u, ok := v.already(name); ok {
		return u, nil
	}
	u, err := v.read(ctx, name)
	if err != nil {
		return unitView{}, err
	}
	if u.queueErr != nil {
		v.m.Log.Warn("queue can't be read, the unit is passed over", "unit", name, "error", u.queueErr)
	} else if u.unreadable() {
		v.m.Log.Warn("databag can't be used, the unit is passed over", "unit", name, "error", u.stampErr())
	}
	v.others[name] = u
	return u, nil
}

// already is a unit's databag, if this hook has read it.
func (v *view) already(name string) (u unitView, ok bool) {
	if name == v.m.Unit {
		return v.own, true
	}
	u, ok = v.others[name]
	return u, ok
}

// everybody returns the databags of all other units in relation-list. One that
// can't be read is left out, if it may be gone.
func (v *view) everybody(ctx context.Context) ([]unitView, error) {
	members, err := v.relationList(ctx)
	if err != nil {
		return nil, err
	}
	var found []unitView
	var failed []string
	why := make(map[string]error)
	for _, name := range members {
		u, err := v.unit(ctx, name)
		if err != nil {
			failed, why[name] = append(failed, name), err
			continue
		}
		found = append(found, u)
	}
	v.surveyed = true
	for _, name := range failed {
		exists, err := v.inGoalState(ctx, name)
		switch {
		case err == nil && !exists:
		case err == nil && v.beyondKnowing(name):
			v.m.Log.Warn("databag can't be read, the unit is passed over: it may be gone", "unit", name, "error", why[name])
		default:
			return nil, cmp.Or(err, why[name])
		}
	}
	return found, nil
}

// anyUnreadable reports whether another unit is to be named to the operator.
func (v *view) anyUnreadable() bool {
	for _, u := range v.others {
		if u.unreadable() {
			return true
		}
	}
	return false
}

// relationList returns the other units.
func (v *view) relationList(ctx context.Context) ([]string, error) {
	if v.listed {
		return v.members, nil
	}
	members, err := v.m.Juju.Members(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the units of the peer relation: %w", err)
	}
	v.members, v.listed = members, true
	return members, nil
}

// unlisted reports whether relation-list was asked and does not have the unit.
func (v *view) unlisted(unit string) bool { return v.listed && !slices.Contains(v.members, unit) }

// blindError says that goal-state can't be had.
type blindError struct{ err error }

func (e *blindError) Error() string { return e.err.Error() }
func (e *blindError) Unwrap() error { return e.err }

// inGoalState reports whether the controller still knows the unit, delivered
// events or not. Its error is a blindError.
func (v *view) inGoalState(ctx context.Context, name string) (bool, error) {
	if v.goal == nil && v.goalErr == nil {
		v.goal, v.goalErr = v.askGoalState(ctx)
	}
	if v.goalErr != nil {
		return false, &blindError{v.goalErr}
	}
	_, exists := v.whereabouts(name)
	return exists, nil
}

func (v *view) askGoalState(ctx context.Context) (map[string]bool, error) {
	units, err := v.m.Juju.GoalState(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read goal-state: %w", err)
	}
	if _, ok := units[v.m.Unit]; !ok && v.m.Principal == "" {
		return nil, fmt.Errorf("cannot use goal-state: it does not name %s itself", v.m.Unit) // everybody would seem gone
	}
	if len(units) == 0 {
		return nil, errors.New("cannot use goal-state: it names no unit that a subordinate is beside")
	}
	return units, nil
}

// gone reports whether goal-state was asked and does not have the unit.
func (v *view) gone(unit string) bool {
	_, exists := v.whereabouts(unit)
	return v.goal != nil && !exists
}

// whereabouts is what goal-state, once it was asked, has of a unit. A subordinate
// whose principal nobody has recorded counts as there.
func (v *view) whereabouts(unit string) (leaving, exists bool) {
	switch {
	case v.m.Principal == "":
		leaving, exists = v.goal[unit]
	case v.beyondKnowing(unit):
		exists = true
	default:
		leaving, exists = v.goal[v.principalOf(unit)]
	}
	return leaving, exists
}

// beyondKnowing reports whether goal-state can't tell if the unit is there.
func (v *view) beyondKnowing(unit string) bool {
	return v.m.Principal != "" && v.principalOf(unit) == ""
}

// principalOf is the unit's principal, "" if nobody has recorded it as far as this
// hook has read. It never changes, so what was recorded with the grant counts.
func (v *view) principalOf(unit string) string {
	switch {
	case unit == v.m.Unit:
		return v.m.Principal
	case unit == v.grant.unit && v.grant.principal != "":
		return v.grant.principal
	}
	return v.others[unit].principal
}

// retryPacing is the pauses before retries, none if they are not configured.
func (v *view) retryPacing(ctx context.Context) (Pacing, error) {
	if v.m.Pacing == nil {
		return Pacing{}, nil
	}
	if v.pacing == nil {
		p, err := v.m.Pacing(ctx)
		if err != nil {
			return Pacing{}, fmt.Errorf("cannot tell the pause before a retry: %w", err)
		}
		v.pacing = &p
	}
	return *v.pacing, nil
}
