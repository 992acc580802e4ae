package jujusim

import "fmt"

// StopAgent stops a unit's agent. A hook that runs dies and will run again, in
// error until it has; an action that runs fails; queued commands are lost.
// Nothing runs until StartAgent.
func (m *Model) StopAgent(name string) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot stop agent of %s: %w", name, err)
	}
	m.stopAgent(u)
	return nil
}

func (m *Model) stopAgent(u *unit) {
	if u.down {
		return
	}
	u.down = true
	u.updateStatus = false
	if h := u.hook; h != nil {
		h.die("agent stopped")
		if h.run.Kind == HookRun {
			u.fail(h.run, m.Time())
		}
	}
	m.loseExecs(u)
	m.emit(Event{Kind: AgentStopped, Unit: u.name})
}

// StartAgent starts a unit's agent. It compares what it delivered with what the
// controller has, so events that were lost come now; and it has read no databag
// yet.
func (m *Model) StartAgent(name string) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot start agent of %s: %w", name, err)
	}
	if !u.down {
		return nil
	}
	u.down = false
	u.watchHosts(m)
	for i := range u.rels {
		s := &u.rels[i]
		s.app.missed, s.app.cache = false, nil
		for j := range s.peers {
			s.peers[j].missed, s.peers[j].cache = false, nil
		}
	}
	if u.failed != nil {
		u.retries, u.notBefore = 1, m.Time().Add(retryMin)
	}
	u.resignIfDeposed(m)
	u.tidy()
	m.enterScope(u)
	m.emit(Event{Kind: AgentStarted, Unit: name})
	return nil
}

// RestartAgent stops a unit's agent and starts it again.
func (m *Model) RestartAgent(name string) error {
	if err := m.StopAgent(name); err != nil {
		return err
	}
	return m.StartAgent(name)
}

// DropEvents loses the relation events that wait for a unit. Each comes back
// with the next change of the same databag, or when the agent restarts. It
// returns how many were lost.
func (m *Model) DropEvents(name string) (int, error) {
	u, err := m.unit(name)
	if err != nil {
		return 0, fmt.Errorf("cannot drop events: %w", err)
	}
	dropped := 0
	for i := range u.rels {
		s := &u.rels[i]
		if s.app.dirty && !s.app.missed {
			s.app.missed = true
			dropped++
		}
		for j := range s.peers {
			v := &s.peers[j]
			if (!v.joined || v.dirty || v.gone) && !v.missed && v.unit != s.changedPending {
				v.missed = true
				dropped++
			}
		}
	}
	return dropped, nil
}

// Hold delays every event about one databag of a relation on its way to a unit:
// joined, changed and departed of the remote unit, or changed of the application
// databag if remote is empty. Release lets them through.
func (m *Model) Hold(unit, relation, remote string) error {
	return m.setHeld(unit, relation, remote, true)
}

// Release lets held events through.
func (m *Model) Release(unit, relation, remote string) error {
	return m.setHeld(unit, relation, remote, false)
}

func (m *Model) setHeld(unit, relation, remote string, held bool) error {
	v, err := m.view(unit, relation, remote)
	if err != nil {
		return fmt.Errorf("cannot hold events: %w", err)
	}
	v.held = held
	return nil
}

// ReleaseAll lets all events through that are held on their way to a unit.
func (m *Model) ReleaseAll(unit string) error {
	u, err := m.unit(unit)
	if err != nil {
		return fmt.Errorf("cannot release events: %w", err)
	}
	for i := range u.rels {
		u.rels[i].app.held = false
		for j := range u.rels[i].peers {
			u.rels[i].peers[j].held = false
		}
	}
	return nil
}

// Redeliver sends a unit another relation-changed about a databag that has not
// changed.
func (m *Model) Redeliver(unit, relation, remote string) error {
	v, err := m.view(unit, relation, remote)
	if err != nil {
		return fmt.Errorf("cannot repeat event: %w", err)
	}
	v.dirty = true
	return nil
}

func (m *Model) view(unit, relation, remote string) (*view, error) {
	u, err := m.unit(unit)
	if err != nil {
		return nil, err
	}
	for i, r := range m.relations {
		if r.key != relation && r.endpoint.Name != relation {
			continue
		}
		if remote == "" {
			return &u.rels[i].app, nil
		}
		if v := u.rels[i].peer(remote); v != nil {
			return v, nil
		}
		return nil, fmt.Errorf("%s knows no unit %q in %s", unit, remote, relation)
	}
	return nil, fmt.Errorf("no relation %q", relation)
}

// Resolve ends the error of a unit, as `juju resolve` does: the hook runs again
// at once, or never if skip.
func (m *Model) Resolve(name string, skip bool) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot resolve %s: %w", name, err)
	}
	if u.failed == nil || u.hook != nil {
		return fmt.Errorf("cannot resolve %s: not in error", name)
	}
	if !skip {
		u.retries, u.notBefore = 0, m.Time()
		return nil
	}
	h := &Hook{m: m, u: u, run: *u.failed}
	h.conclude(0, nil)
	return nil
}
