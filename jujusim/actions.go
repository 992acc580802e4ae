package jujusim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The states of an action: before it runs, while it does, and those that it ends in.
const (
	ActionPending   = "pending"
	ActionRunning   = "running"
	ActionCompleted = "completed"
	ActionFailed    = "failed"
	ActionCancelled = "cancelled"
)

// queuedAction is an action that waits or runs.
type queuedAction struct {
	id      string
	name    string
	params  map[string]any // never changed
	started time.Time

	results map[string]any
	failed  bool
	message string
	log     []string
}

// queuedExec is a juju-exec command that waits.
type queuedExec struct {
	id      string
	command string
}

// ActionResult is an action that is over.
type ActionResult struct {
	ID, Unit, Name string
	Status         string // ActionCompleted, ActionFailed or ActionCancelled
	Message        string
	Results        map[string]any
	Log            []string
	Started        time.Time // zero if it never ran
	Finished       time.Time
}

// EnqueueAction queues an action on a unit, if its charm has it and takes the
// parameters, and returns its id.
func (m *Model) EnqueueAction(unit, name string, params map[string]any) (string, error) {
	u, err := m.unit(unit)
	if err != nil {
		return "", fmt.Errorf("cannot queue action %q: %w", name, err)
	}
	action, ok := m.charm.Actions[name]
	if !ok {
		return "", fmt.Errorf("cannot queue action %q: not defined by charm %q", name, m.charm.Name)
	}
	if err := action.Check(params); err != nil {
		return "", fmt.Errorf("cannot queue action %q: %w", name, err)
	}
	m.nextAction++
	a := &queuedAction{id: fmt.Sprint(m.nextAction), name: name, params: action.withDefaults(params)}
	u.actions = append(u.actions, a)
	m.emit(Event{Kind: ActionQueued, Unit: unit, Run: Run{
		Unit: unit, Kind: ActionRun, Name: name, RelationID: -1, ID: a.id, Params: a.params,
	}})
	return a.id, nil
}

// EnqueueExec queues a juju-exec command on a unit and returns its id. The model
// does not look at the command. It is lost when the unit's agent restarts; the
// observer hears so.
func (m *Model) EnqueueExec(unit, command string) (string, error) {
	u, err := m.unit(unit)
	if err != nil {
		return "", fmt.Errorf("cannot queue command: %w", err)
	}
	if u.down {
		return "", fmt.Errorf("cannot queue command on %s: %w", unit, ErrAgentDown)
	}
	m.nextExec++
	e := queuedExec{id: fmt.Sprint(m.nextExec), command: command}
	u.execs = append(u.execs, e)
	return e.id, nil
}

// loseExecs drops the commands that wait on a unit.
func (m *Model) loseExecs(u *unit) {
	for _, e := range u.execs {
		m.emit(Event{Kind: ExecLost, Unit: u.name, Run: Run{
			Unit: u.name, Kind: ExecRun, RelationID: -1, ID: e.id, Command: e.command,
		}})
	}
	u.execs = nil
}

// keptResults is how many results of actions the model keeps at least.
const keptResults = 5000

// Action returns the result of an action that is over. Very old ones are
// forgotten.
func (m *Model) Action(id string) (ActionResult, bool) {
	for i := len(m.done) - 1; i >= 0; i-- {
		if m.done[i].ID == id {
			return m.done[i], true
		}
	}
	return ActionResult{}, false
}

// ActionStatus returns the unit of an action and the state that it is in. It reports
// whether the model knows the action, as it does not very old ones.
func (m *Model) ActionStatus(id string) (unit, status string, ok bool) {
	if result, ok := m.Action(id); ok {
		return result.Unit, result.Status, true
	}
	for _, u := range m.units {
		if u.hook != nil && u.hook.action != nil && u.hook.action.id == id {
			return u.name, ActionRunning, true
		}
		for _, a := range u.actions {
			if a.id == id {
				return u.name, ActionPending, true
			}
		}
	}
	return "", "", false
}

// CancelAction takes back an action that waits, as juju cancel-task does. It reports
// whether it did: one that runs or is over stays.
func (m *Model) CancelAction(id string) bool {
	for _, u := range m.units {
		for i, a := range u.actions {
			if a.id == id {
				u.actions = slices.Concat(u.actions[:i], u.actions[i+1:])
				m.finishAction(u, a, ActionCancelled, "action cancelled via the API", nil)
				return true
			}
		}
	}
	return false
}

// Output adds what an action's process printed to its results. It does nothing for
// hooks and commands.
func (h *Hook) Output(stdout, stderr []byte) {
	if h.action == nil || h.over != nil {
		return
	}
	for name, text := range map[string][]byte{"stdout": stdout, "stderr": stderr} {
		if len(text) == 0 {
			continue
		}
		if h.action.results == nil {
			h.action.results = map[string]any{}
		}
		value := string(text)
		if !utf8.Valid(text) {
			value = base64.StdEncoding.EncodeToString(text)
			h.action.results[name+"-encoding"] = "base64"
		}
		h.action.results[name] = value
	}
}

// concludeAction settles how an action ended.
func (h *Hook) concludeAction(exit int, refused error) {
	a := h.action
	status, message := ActionCompleted, a.message
	results := maps.Clone(a.results)
	if results == nil {
		results = map[string]any{}
	}
	results["return-code"] = exit
	if a.failed {
		status = ActionFailed
	}
	switch {
	case exit < 0:
		status, message = ActionFailed, "terminated"
	case exit > 0:
		status, message = ActionFailed, fmt.Sprintf("exit status %d", exit)
	case refused != nil:
		status = ActionFailed
		stderr, _ := results["stderr"].(string)
		results["stderr"] = strings.TrimPrefix(stderr+"\n"+refused.Error(), "\n")
		if message == "" {
			message = "committing requested changes failed"
		}
	}
	h.m.finishAction(h.u, a, status, message, results)
}

func (m *Model) finishAction(u *unit, a *queuedAction, status, message string, results map[string]any) {
	result := ActionResult{
		ID: a.id, Unit: u.name, Name: a.name, Status: status, Message: message,
		Results: results, Log: a.log, Started: a.started, Finished: m.Time(),
	}
	if len(m.done) >= 2*keptResults {
		m.done = slices.Clone(m.done[keptResults:])
	}
	m.done = append(m.done, result)
	m.emit(Event{Kind: ActionEnded, Unit: u.name, Action: &result})
}
