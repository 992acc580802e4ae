package hooktool

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// RelationIDs returns the ids ("restart:0") of the relations that endpoint has (relation-ids), none when there is no
// relation yet.
func (t *Tools) RelationIDs(ctx context.Context, endpoint string) ([]string, error) {
	var ids []string
	err := t.ask(ctx, query("relation-ids", "--", endpoint), &ids)
	return ids, err
}

// RelationList returns the names of the other units in a relation (relation-list): those whose relation-joined was
// delivered to this unit and whose relation-departed was not.
func (t *Tools) RelationList(ctx context.Context, relationID string) ([]string, error) {
	var units []string
	err := t.ask(ctx, query("relation-list", "-r", relationID), &units)
	return units, err
}

// RelationGet returns the databag of a unit (relation-get). The unit's own includes what it has written in this hook;
// that of another unit is as Juju last delivered it, which may be old.
func (t *Tools) RelationGet(ctx context.Context, relationID, unit string) (map[string]string, error) {
	return t.relationGet(ctx, "-r", relationID, "--", "-", unit)
}

// RelationGetApp returns the application databag (relation-get --app), which Juju reads at most once a hook. Of a
// unit's own application it can be read by every unit of a peer relation.
func (t *Tools) RelationGetApp(ctx context.Context, relationID, application string) (map[string]string, error) {
	return t.relationGet(ctx, "-r", relationID, "--app", "--", "-", application)
}

// RelationGetKey returns one value of a unit's databag (relation-get KEY), "" if there is none. It is for a databag
// that is too large to be read whole: see ErrTooMuchOutput.
func (t *Tools) RelationGetKey(ctx context.Context, relationID, unit, key string) (string, error) {
	return t.relationGetKey(ctx, "-r", relationID, "--", key, unit)
}

// RelationGetAppKey is like RelationGetKey for the application databag (relation-get --app KEY).
func (t *Tools) RelationGetAppKey(ctx context.Context, relationID, application, key string) (string, error) {
	return t.relationGetKey(ctx, "-r", relationID, "--app", "--", key, application)
}

func (t *Tools) relationGetKey(ctx context.Context, args ...string) (string, error) {
	var value *string // null for none
	if err := t.ask(ctx, query("relation-get", args...), &value); err != nil || value == nil {
		return "", err
	}
	return *value, nil
}

func (t *Tools) relationGet(ctx context.Context, args ...string) (map[string]string, error) {
	var databag map[string]string
	err := t.ask(ctx, query("relation-get", args...), &databag)
	return databag, err
}

// RelationSet changes keys of the unit's own databag (relation-set) when the hook succeeds. An empty value deletes
// the key; keys that are not named stay. Without changes no call is made. Errors name keys only.
func (t *Tools) RelationSet(ctx context.Context, relationID string, changes map[string]string) error {
	return t.set(ctx, "relation-set", []string{"-r", relationID}, changes)
}

// RelationSetApp is like RelationSet for the application databag (relation-set --app). Only the leader may, when it
// is called and again when the hook's writes are committed.
func (t *Tools) RelationSetApp(ctx context.Context, relationID string, changes map[string]string) error {
	return t.set(ctx, "relation-set", []string{"-r", relationID, "--app"}, changes)
}

// set gives the values on stdin: as arguments they would be trimmed, bounded by the kernel, and seen in the process
// list.
func (t *Tools) set(ctx context.Context, tool string, args []string, values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	c := call{tool: tool, args: append(args, "--file", "-")}
	c.shown = slices.Concat(c.args, hideValues(values))
	stdin, err := encodeSettings(values)
	if err != nil {
		return c.explain(failed(tool, err))
	}
	c.stdin = stdin
	return t.tell(ctx, c)
}

// hideValues shows which keys were to be written.
func hideValues(values map[string]string) []string {
	const most = 10
	var shown []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(shown) == most {
			return append(shown, hidden)
		}
		shown = append(shown, clip(key, 64)+"="+hidden)
	}
	return shown
}

// GoalState is what the controller means the application to be, whatever this unit's events have told it so far.
type GoalState struct {
	// Units are the units of the application, this one included, by name.
	Units map[string]GoalStatus `json:"units"`
	// Relations are the units on the other side of each relation, by endpoint. A peer relation is not listed.
	Relations map[string]map[string]GoalStatus `json:"relations"`
}

// GoalStatus is one unit's part of a GoalState.
type GoalStatus struct {
	// Status is the unit's workload status, or "dying".
	Status string
	// Since says when the status changed; zero when Juju does not say.
	Since time.Time
}

// UnmarshalJSON reads Juju's form. A time that it does not understand is left zero: who is there matters more.
func (s *GoalStatus) UnmarshalJSON(data []byte) error {
	var raw struct{ Status, Since string }
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	s.Status, s.Since = raw.Status, time.Time{}
	if since, err := time.Parse("2006-01-02 15:04:05Z", raw.Since); err == nil {
		s.Since = since
	}
	return nil
}

// goalStateTries is how often goal-state is asked. Juju lists the units and then looks each of them up: it answers `unit
// "probe/2" not found` if that one is removed in between (seen on 4.1), and does not list it the next time.
const goalStateTries = 3

// GoalState asks the controller for the goal state (goal-state). It costs more than other tools: a round trip to the
// controller. It asks again when it met a unit that was just being removed.
func (t *Tools) GoalState(ctx context.Context) (GoalState, error) {
	var err error
	for range goalStateTries {
		var state GoalState
		err = t.ask(ctx, query("goal-state"), &state)
		var e *Error
		if !errors.As(err, &e) || !strings.HasSuffix(e.Stderr, "not found") {
			return state, err
		}
	}
	return GoalState{}, err
}
