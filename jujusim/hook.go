package jujusim

import (
	"fmt"
	"maps"
	"time"
)

// Hook is a running hook, action or juju-exec command: the context that hook
// tools act on. What it writes is kept back until Finish.
type Hook struct {
	m   *Model
	u   *unit
	run Run
	seq int // tells it from all others

	over   error // why it is over, nil while it runs
	minion bool  // is-leader said false: it keeps saying so
	reboot bool  // the machine reboots when it has succeeded
	calls  int

	rels   []hookRelation // one for each of Model.relations
	config map[string]any // as first read here
	state  map[string]string
	dirty  bool // state was changed
	opened []string
	closed []string
	action *queuedAction
}

// hookRelation is what a hook has read and written of one relation.
type hookRelation struct {
	// own is the unit's databag with its writes, app the application's as its
	// leader sees it; nil until used, and replaced at each write. Changes, with "" for a deletion, are what
	// the commit writes.
	own, ownChanges map[string]string
	app, appChanges map[string]string
	appDirty        bool
	// appSeen is the application databag as a follower first read it.
	appSeen map[string]string
	// others are databags of units that are no members, as first read.
	others map[string]map[string]string
}

// Begin starts what Next returns, whatever its NotBefore: time is the caller's.
func (m *Model) Begin(name string) (*Hook, error) {
	u, err := m.unit(name)
	if err != nil {
		return nil, fmt.Errorf("cannot run anything on %s: %w", name, err)
	}
	if u.hook != nil {
		return nil, fmt.Errorf("cannot run anything on %s: %w", name, ErrBusy)
	}
	if u.down {
		return nil, fmt.Errorf("cannot run anything on %s: %w", name, ErrAgentDown)
	}
	run, ok := u.next(m)
	if !ok {
		return nil, fmt.Errorf("cannot run anything on %s: %w", name, ErrIdle)
	}
	m.nextContext++
	h := &Hook{m: m, u: u, run: run, seq: m.nextContext, rels: make([]hookRelation, len(m.relations))}
	u.hook = h
	h.start()
	m.emit(Event{Kind: HookBegan, Unit: u.name, Run: run})
	return h, nil
}

// start does what the agent does before it runs the charm.
func (h *Hook) start() {
	u, m := h.u, h.m
	switch h.run.Kind {
	case ActionRun:
		h.action = u.actions[0]
		u.actions = u.actions[1:]
		h.action.started = m.Time()
		return
	case ExecRun:
		u.execs = u.execs[1:]
		return
	}
	if u.failed == nil {
		u.queued = nil
	}
	switch h.run.step {
	case stepInstall:
		u.charm, u.revision = m.charm, m.revision
		if !u.statusSet {
			u.status = Status{Status: "maintenance", Message: "installing charm software", Since: m.Time()}
		}
	case stepUpgrade:
		u.charm, u.revision = m.charm, m.revision
	case stepElected:
		u.accepted = true
	case stepConfig:
		u.configChanged = false
	case stepUpdateStatus:
		u.updateStatus = false
	case stepStart:
		u.rebooted = false
	case stepStop:
		u.status = Status{Status: "maintenance", Message: "stopping charm software", Since: m.Time()}
	case stepRemove:
		u.status = Status{Status: "maintenance", Message: "cleaning up prior to charm deletion", Since: m.Time()}
	case stepJoined, stepChanged, stepDeparted:
		s := &u.rels[h.run.RelationID]
		v := &s.app
		if h.run.RemoteUnit != "" {
			v = s.peer(h.run.RemoteUnit)
		}
		if v == nil {
			return
		}
		v.cache = nil
		// A retry stands for the change that it was first run for: one that came
		// since has an event of its own, though the retry sees it already.
		if u.failed == nil && !h.run.requeued && h.run.step != stepDeparted {
			v.dirty = false
		}
	}
}

// Unit returns the name of the unit that runs the hook.
func (h *Hook) Unit() string { return h.u.name }

// Run returns what runs.
func (h *Hook) Run() Run { return h.run }

// ContextID returns JUJU_CONTEXT_ID.
func (h *Hook) ContextID() string {
	label := h.run.Name
	if h.run.Kind == ExecRun {
		label = "run-commands"
	}
	return fmt.Sprintf("%s-%s-%016x", h.u.name, label, h.seq)
}

// Charm returns the charm that the unit runs, which may be behind the
// application's.
func (h *Hook) Charm() *Charm { return h.u.charm }

// Over returns why the hook is over, or nil while it runs.
func (h *Hook) Over() error { return h.over }

// Hook returns what the unit runs now, or nil.
func (m *Model) Hook(unit string) *Hook {
	u, err := m.unit(unit)
	if err != nil {
		return nil
	}
	return u.hook
}

// Env returns the environment that the agent gives the run, as "key=value". The
// charm's and the socket's place are for Options.Env to add.
func (h *Hook) Env() []string {
	m := h.m
	hookName := h.run.Name
	if h.run.Kind != HookRun {
		hookName = ""
	}
	env := []string{
		"JUJU_CONTEXT_ID=" + h.ContextID(),
		"JUJU_HOOK_NAME=" + hookName,
		"JUJU_UNIT_NAME=" + h.u.name,
		"JUJU_MODEL_UUID=" + m.opts.ModelUUID,
		"JUJU_MODEL_NAME=" + m.opts.ModelName,
		"JUJU_API_ADDRESSES=10.0.255.1:17070",
		fmt.Sprintf("JUJU_MACHINE_ID=%d", h.u.num),
		"JUJU_PRINCIPAL_UNIT=" + h.u.principal,
		"JUJU_AVAILABILITY_ZONE=",
		"JUJU_VERSION=" + m.opts.Version,
		"JUJU_CHARM_HTTP_PROXY=",
		"JUJU_CHARM_HTTPS_PROXY=",
		"JUJU_CHARM_FTP_PROXY=",
		"JUJU_CHARM_NO_PROXY=127.0.0.1,localhost,::1",
		"JUJU_CHARM_TRACE_CONFIG_HTTP=",
		"JUJU_CHARM_TRACE_CONFIG_GRPC=",
		"JUJU_CHARM_TRACE_CONFIG_CA_CERT=",
		"CLOUD_API_VERSION=",
	}
	if path := h.run.DispatchPath(); path != "" {
		env = append(env, "JUJU_DISPATCH_PATH="+path)
	}
	if h.run.RelationID >= 0 {
		env = append(env,
			"JUJU_RELATION="+h.run.Endpoint,
			"JUJU_RELATION_ID="+m.relations[h.run.RelationID].key,
			"JUJU_REMOTE_UNIT="+h.run.RemoteUnit,
			"JUJU_REMOTE_APP="+h.run.RemoteApp,
		)
		if h.run.DepartingUnit != "" {
			env = append(env, "JUJU_DEPARTING_UNIT="+h.run.DepartingUnit)
		}
	}
	if h.run.Kind == ActionRun {
		env = append(env,
			"JUJU_ACTION_NAME="+h.run.Name,
			"JUJU_ACTION_UUID="+h.run.ID,
			"JUJU_ACTION_TAG=action-"+h.run.ID,
		)
	}
	if m.opts.Env != nil {
		env = append(env, m.opts.Env(h.u.name)...)
	}
	return env
}

// Finish ends the run with the exit code of its process.
//
// A hook that ends with 0 is committed; otherwise, or when the commit is
// refused, its writes are dropped and the unit is in error until the hook has
// run again with success. An action likewise, but it just fails. A command is
// committed whatever its code. The error says why a commit was refused; the
// agent has dealt with it by then.
func (h *Hook) Finish(exit int) error {
	if h.over != nil {
		return fmt.Errorf("cannot finish %s on %s: %w", h.run, h.u.name, h.over)
	}
	var refused error
	var writes []Write
	if exit == 0 || h.run.Kind == ExecRun {
		writes, refused = h.commit()
	}
	h.over = ErrHookGone
	h.u.hook = nil
	h.m.emit(Event{
		Kind: HookEnded, Unit: h.u.name, Run: h.run, Exit: exit, Err: refused,
		Calls: h.calls, Writes: writes,
	})
	h.conclude(exit, refused)
	if h.reboot && refused == nil && (exit == 0 || h.run.Kind == ExecRun) && h.m.has(h.u) {
		h.m.reboot(h.u)
	}
	return refused
}

// conclude moves the agent on.
func (h *Hook) conclude(exit int, refused error) {
	m, u := h.m, h.u
	switch {
	case h.run.Kind == ActionRun:
		h.concludeAction(exit, refused)
	case h.run.Kind == ExecRun:
	case exit != 0 || refused != nil:
		u.fail(h.run, m.Time())
	default:
		u.clearError()
		h.advance()
	}
	u.resignIfDeposed(m)
	u.tidy()
	m.enterScope(u)
}

// advance notes that a hook has run.
func (h *Hook) advance() {
	u, m := h.u, h.m
	switch h.run.step {
	case stepInstall:
		u.installed = true
	case stepUpgrade:
		next := u.hookRun("config-changed", stepConfig)
		u.queued = &next
	case stepConfig:
		if !u.started {
			next := u.hookRun("start", stepStart)
			u.queued = &next
		}
	case stepStart:
		u.started, u.stopped = true, false
		if !u.statusSet {
			u.status = Status{Status: "unknown", Since: m.Time()}
		}
	case stepStop:
		u.stopped = true
		u.status = Status{Status: "maintenance", Since: m.Time()}
	case stepRemove:
		m.vanish(u)
	case stepBroken:
		u.rels[h.run.RelationID].inScope = false
		if h.run.RelationID == u.host {
			u.leftPrincipal = true
			m.relations[u.host].bag(u.name).inScope = false
			m.dropRemovedApps()
			m.tellToLeave(u)
		}
	case stepCreated:
		u.rels[h.run.RelationID].created = true
	case stepJoined, stepChanged, stepDeparted:
		h.advanceRelation(&u.rels[h.run.RelationID])
	}
}

func (h *Hook) advanceRelation(s *membership) {
	remote := h.run.RemoteUnit
	if remote == "" {
		return
	}
	switch h.run.step {
	case stepJoined:
		if v := s.peer(remote); v != nil {
			v.joined = true
			s.changedPending = remote
		}
	case stepChanged:
		s.changedPending = ""
	case stepDeparted:
		s.dropPeer(remote)
	}
}

// Kill ends the run as a signal to its process does: nothing is committed, and
// the agent, which lives, takes it as a failure.
func (h *Hook) Kill() error {
	if h.over != nil {
		return fmt.Errorf("cannot kill %s on %s: %w", h.run, h.u.name, h.over)
	}
	h.over = ErrHookGone
	h.u.hook = nil
	h.m.emit(Event{Kind: HookKilled, Unit: h.u.name, Run: h.run, Exit: -1, Calls: h.calls})
	h.conclude(-1, nil)
	return nil
}

// die ends the run together with its agent or unit; the caller sees to what
// follows.
func (h *Hook) die(why string) {
	h.over = fmt.Errorf("%w: %s", ErrHookGone, why)
	h.u.hook = nil
	if h.action != nil {
		h.m.finishAction(h.u, h.action, ActionFailed, "action terminated", nil)
	}
	h.m.emit(Event{Kind: HookKilled, Unit: h.u.name, Run: h.run, Exit: -1, Calls: h.calls})
}

// commit writes what the hook kept back, all of it or nothing.
func (h *Hook) commit() ([]Write, error) {
	for i := range h.rels {
		if h.rels[i].appDirty && h.m.leader != h.u.name {
			return nil, fmt.Errorf("cannot commit %s on %s: %s is not leader of %q",
				h.run, h.u.name, h.u.name, h.m.app)
		}
	}
	for i := range h.rels {
		if h.rels[i].ownChanges != nil && h.m.relations[i].bag(h.u.name) == nil {
			return nil, fmt.Errorf("cannot commit %s on %s: it has no databag in %s", h.run, h.u.name, h.m.relations[i].key)
		}
	}
	var writes []Write
	for i := range h.rels {
		r := &h.rels[i]
		id := h.m.relations[i].key
		before := h.m.UnitDatabag(i, h.u.name)
		if h.m.writeUnit(i, h.u.name, r.ownChanges) {
			writes = append(writes, Write{Relation: id, Unit: h.u.name, Changes: changesOf(before, r.ownChanges)})
		}
		if !r.appDirty {
			continue
		}
		// Juju writes the whole databag as the hook loaded it, not only what it
		// changed.
		whole := maps.Clone(r.app)
		maps.Copy(whole, r.appChanges)
		before = h.m.relations[i].app
		if h.m.writeApp(i, h.u.name, whole) {
			writes = append(writes, Write{Relation: id, Changes: changesOf(before, whole)})
		}
	}
	if h.dirty {
		h.u.state = h.state
	}
	h.commitPorts()
	return writes, nil
}

// changesOf returns those of changes that differ from before.
func changesOf(before, changes map[string]string) map[string]string {
	out := make(map[string]string, len(changes))
	for key, value := range changes {
		if before[key] != value {
			out[key] = value
		}
	}
	return out
}

// IsLeader asks for the leadership, as the hook tool does.
func (h *Hook) IsLeader() bool { return h.over == nil && h.isLeader() }

// isLeader asks for the leadership. True is a promise for LeasePromise; false
// stays false for the rest of the hook.
func (h *Hook) isLeader() bool {
	if h.minion || h.m.leader != h.u.name {
		h.minion = true
		return false
	}
	until := h.m.Time().Add(LeasePromise)
	if until.After(h.m.promise) {
		h.m.promise = until
	}
	return true
}

func since(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
