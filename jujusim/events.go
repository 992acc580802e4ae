package jujusim

import (
	"time"
)

// RunKind says what sort of thing a unit's agent runs.
type RunKind int

// The kinds of run.
const (
	HookRun RunKind = iota
	ActionRun
	ExecRun // a juju-exec command
)

func (k RunKind) String() string {
	switch k {
	case ActionRun:
		return "action"
	case ExecRun:
		return "exec"
	}
	return "hook"
}

// Run is one thing that a unit's agent runs, or would run: a hook, an action or
// a juju-exec command.
type Run struct {
	Unit string
	Kind RunKind
	// Name is the hook's name with its endpoint ("restart-relation-changed"),
	// the action's name, or empty for a command.
	Name string

	// For relation hooks.
	Endpoint      string
	RelationID    int    // -1 in everything else
	RemoteUnit    string // empty when the application databag changed
	RemoteApp     string
	DepartingUnit string

	ID      string         // of the action or command
	Params  map[string]any // of the action
	Command string         // of juju-exec

	// Attempt counts the earlier attempts of a hook in error.
	Attempt int
	// NotBefore is when a hook in error may run again; zero for all else.
	NotBefore time.Time

	step hookStep
	// requeued says that a reboot cut off an earlier attempt.
	requeued bool
}

// hookStep says which transition of the agent a hook belongs to.
type hookStep int

const (
	stepOther hookStep = iota
	stepInstall
	stepUpgrade
	stepCreated
	stepElected
	stepConfig
	stepStart
	stepJoined
	stepChanged
	stepDeparted
	stepBroken
	stepUpdateStatus
	stepStop
	stepRemove
)

// DispatchPath is JUJU_DISPATCH_PATH for the run. A juju-exec command has none
// but what it sets itself.
func (r Run) DispatchPath() string {
	switch r.Kind {
	case HookRun:
		return "hooks/" + r.Name
	case ActionRun:
		return "actions/" + r.Name
	}
	return ""
}

// String returns the run in short: "restart-relation-changed probe/1".
func (r Run) String() string {
	text := r.Name
	switch {
	case r.Kind == ActionRun:
		text = "action " + r.Name
	case r.Kind == ExecRun:
		text = "exec " + r.Command
	case r.RelationID >= 0 && r.RemoteUnit != "":
		text += " " + r.RemoteUnit
	case r.RelationID >= 0 && r.step == stepChanged:
		text += " " + r.RemoteApp
	}
	if r.DepartingUnit != "" {
		text += " (departing " + r.DepartingUnit + ")"
	}
	if r.Attempt > 0 {
		text += " (again)"
	}
	return text
}

// Next returns what the unit's agent would run now. For a hook in error the
// result's NotBefore says when. It is false when there is nothing to run, when
// the unit runs something already, and when its agent is down.
func (m *Model) Next(name string) (Run, bool) {
	u, err := m.unit(name)
	if err != nil || u.hook != nil || u.down {
		return Run{}, false
	}
	return u.next(m)
}

// next goes through what may be waiting in the agent's order.
func (u *unit) next(m *Model) (Run, bool) {
	// Nothing new starts while a hook is in error or another must follow.
	ready := u.queued == nil && u.failed == nil
	alive := ready && u.installed && !u.dying
	if alive && u.rebooted && u.started {
		return u.hookRun("start", stepStart), true
	}
	if alive {
		if i, ok := u.nextCreated(); ok {
			return u.relationRun(m, i, stepCreated, ""), true
		}
		// To accept leadership is a step of its own, with leader-elected queued
		// behind it: a command goes between the two, an action does not.
		if m.leader == u.name && !u.accepted && len(u.execs) == 0 {
			return u.hookRun("leader-elected", stepElected), true
		}
	}
	elected := alive && m.leader == u.name && !u.accepted
	if len(u.actions) > 0 && u.installed && (ready && !elected || u.failed != nil) {
		a := u.actions[0]
		return Run{Unit: u.name, Kind: ActionRun, Name: a.name, RelationID: -1, ID: a.id, Params: a.params}, true
	}
	if len(u.execs) > 0 {
		e := u.execs[0]
		return Run{Unit: u.name, Kind: ExecRun, RelationID: -1, ID: e.id, Command: e.command}, true
	}
	switch {
	case u.failed != nil:
		run := *u.failed
		run.Attempt, run.NotBefore = u.retries, u.notBefore
		return run, true
	case u.queued != nil:
		return *u.queued, true
	case u.dying:
		return u.nextDying(m)
	case !u.installed:
		return u.hookRun("install", stepInstall), true
	case u.revision != m.revision:
		return u.hookRun("upgrade-charm", stepUpgrade), true
	case u.configChanged:
		return u.hookRun("config-changed", stepConfig), true
	}
	if run, ok := u.nextOfRelations(m); ok {
		return run, true
	}
	if u.updateStatus {
		return u.hookRun("update-status", stepUpdateStatus), true
	}
	return Run{}, false
}

func (u *unit) nextDying(m *Model) (Run, bool) {
	if run, ok := u.nextOfRelations(m); ok {
		return run, true
	}
	if u.started && !u.stopped {
		return u.hookRun("stop", stepStop), true
	}
	return u.hookRun("remove", stepRemove), true
}

// nextCreated returns the relation whose relation-created is to run.
func (u *unit) nextCreated() (i int, ok bool) {
	waits := func(i int) bool { return u.rels[i].inScope && !u.rels[i].created }
	if u.host != noRelation && waits(u.host) {
		return u.host, true
	}
	for i := range u.rels {
		if waits(i) {
			return i, true
		}
	}
	return 0, false
}

// nextOfRelations returns the next hook of any relation: peers come last.
func (u *unit) nextOfRelations(m *Model) (Run, bool) {
	if u.host != noRelation {
		if run, ok := u.nextRelation(m, u.host); ok {
			return run, true
		}
	}
	for _, peers := range []bool{false, true} {
		for i, r := range m.relations {
			if i == u.host || peers != (r.remote == "") {
				continue
			}
			if run, ok := u.nextRelation(m, i); ok {
				return run, true
			}
		}
	}
	return Run{}, false
}

// nextRelation returns the next hook of one relation: what must follow a
// relation-joined, departures, the application databag, newcomers, changes.
func (u *unit) nextRelation(m *Model, i int) (Run, bool) {
	s := &u.rels[i]
	if !s.inScope {
		return Run{}, false
	}
	if s.changedPending != "" {
		if v := s.peer(s.changedPending); v != nil && v.held {
			return Run{}, false
		}
		return u.relationRun(m, i, stepChanged, s.changedPending), true
	}
	ends := u.dying || m.relations[i].ends
	for j := range s.peers {
		v := &s.peers[j]
		if v.joined && !v.held && (ends || v.gone && !v.missed) {
			return u.relationRun(m, i, stepDeparted, v.unit), true
		}
	}
	if ends {
		if m.relations[i].remote != "" && s.created {
			return u.relationRun(m, i, stepBroken, ""), true
		}
		return Run{}, false
	}
	if s.app.dirty && !s.app.quiet() {
		return u.relationRun(m, i, stepChanged, ""), true
	}
	for j := range s.peers {
		if v := &s.peers[j]; !v.joined && !v.gone && !v.quiet() {
			return u.relationRun(m, i, stepJoined, v.unit), true
		}
	}
	for j := range s.peers {
		if v := &s.peers[j]; v.joined && v.dirty && !v.gone && !v.quiet() {
			return u.relationRun(m, i, stepChanged, v.unit), true
		}
	}
	return Run{}, false
}

func (u *unit) hookRun(name string, step hookStep) Run {
	return Run{Unit: u.name, Name: name, RelationID: -1, step: step}
}

var relationHooks = map[hookStep]string{
	stepCreated:  "-relation-created",
	stepJoined:   "-relation-joined",
	stepChanged:  "-relation-changed",
	stepDeparted: "-relation-departed",
	stepBroken:   "-relation-broken",
}

func (u *unit) relationRun(m *Model, i int, step hookStep, remote string) Run {
	r := m.relations[i]
	run := Run{
		Unit:       u.name,
		Name:       r.endpoint.Name + relationHooks[step],
		Endpoint:   r.endpoint.Name,
		RelationID: r.id,
		RemoteUnit: remote,
		RemoteApp:  m.remoteApp(i),
		step:       step,
	}
	if step == stepDeparted {
		run.DepartingUnit = remote
		if u.dying {
			run.DepartingUnit = u.name
		}
	}
	return run
}

// Pending returns all that the unit's agent would run, in order, if all of it
// succeeded and nothing else happened.
func (m *Model) Pending(name string) []Run {
	c := m.Clone()
	c.SetObserver(nil)
	var runs []Run
	for len(runs) < 10_000 {
		run, ok := c.Next(name)
		if !ok {
			break
		}
		runs = append(runs, run)
		hook, err := c.Begin(name)
		if err != nil || hook.Finish(0) != nil {
			break
		}
	}
	return runs
}
