package agent

import (
	"context"
	"fmt"

	"rolling-ops/jujusim"
)

// agent returns the agent of a unit; c.mu is held.
func (c *Cluster) agent(unit string) (*unitAgent, error) {
	if a := c.agents[unit]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %q", jujusim.ErrNoUnit, unit)
}

// RemoveUnit tells a unit to leave, as juju remove-unit does; a subordinate leaves
// with its principal's unit, which is named in its place. By force it is gone at
// once, with its machine: all its processes are killed.
func (c *Cluster) RemoveUnit(unit string, force bool) error {
	ends := unit
	err := c.update(func() error {
		for _, p := range c.model.Principals() {
			if p.Name == unit {
				ends = p.Unit
				return c.model.RemovePrincipalUnit(unit, force)
			}
		}
		return c.model.RemoveUnit(unit, force)
	})
	if err != nil || !force {
		return err
	}
	_, err = c.end(of(ends, c.Processes))
	return err
}

// RemoveRelation ends the integration of a subordinate application with one of its
// principals: its units beside that one's leave.
func (c *Cluster) RemoveRelation(app string) error {
	return c.update(func() error {
		c.dirty = true // the model does not tell of it
		return c.model.RemoveRelation(app)
	})
}

// Principals returns the units of the applications that a subordinate application
// is integrated with.
func (c *Cluster) Principals() []jujusim.PrincipalInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.Principals()
}

// StartAction queues an action on a unit and returns its id.
func (c *Cluster) StartAction(unit, action string, params map[string]any) (string, error) {
	var id string
	err := c.update(func() error {
		var err error
		id, err = c.model.EnqueueAction(unit, action, params)
		return err
	})
	return id, err
}

// WaitAction waits for the end of an action. That it failed is no error.
func (c *Cluster) WaitAction(ctx context.Context, id string) (jujusim.ActionResult, error) {
	var result jujusim.ActionResult
	err := c.await(ctx, func() bool {
		var ok bool
		result, ok = c.model.Action(id)
		return ok
	})
	if err != nil {
		return result, fmt.Errorf("cannot wait for action %s: %w", id, err)
	}
	return result, nil
}

// ActionStatus returns the unit of an action and the state that it is in, one of
// jujusim's. It reports whether there is such an action.
func (c *Cluster) ActionStatus(id string) (unit, status string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.ActionStatus(id)
}

// CancelAction takes back an action that waits. It reports whether it did.
func (c *Cluster) CancelAction(id string) bool {
	canceled := false
	err := c.update(func() error {
		canceled = c.model.CancelAction(id)
		return nil
	})
	return canceled && err == nil
}

// Charm returns the charm that the application is at.
func (c *Cluster) Charm() *jujusim.Charm {
	c.mu.Lock()
	defer c.mu.Unlock()
	charm, _ := c.model.Charm()
	return charm
}

// Config returns the application's options, as their defaults if they are not set.
func (c *Cluster) Config() map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.Config()
}

// RunAction runs an action on a unit and waits for its end.
func (c *Cluster) RunAction(ctx context.Context, unit, action string, params map[string]any) (jujusim.ActionResult, error) {
	id, err := c.StartAction(unit, action, params)
	if err != nil {
		return jujusim.ActionResult{}, err
	}
	return c.WaitAction(ctx, id)
}

// SetConfig sets options of the application, each to its value as text.
func (c *Cluster) SetConfig(values map[string]string) error {
	return c.update(func() error { return c.model.SetConfig(values) })
}

// Refresh upgrades the application to the charm in dir. Each unit gets a copy
// of it when its agent gets to the upgrade.
func (c *Cluster) Refresh(dir string) error {
	charm, err := loadCharm(dir)
	if err != nil {
		return err
	}
	return c.update(func() error {
		if err := c.model.Refresh(charm); err != nil {
			return err
		}
		c.sources = append(c.sources, charm.Dir)
		return nil
	})
}

// Elect makes a unit the leader. It waits until the present leader runs no
// hook to which is-leader has said true: an agent that lives renews its lease,
// so that leadership does not move away under such a hook.
func (c *Cluster) Elect(ctx context.Context, unit string) error {
	var failed error
	err := c.await(ctx, func() bool {
		if leader := c.agents[c.model.Leader()]; leader != nil && leader.promised {
			return false
		}
		failed = c.model.SetLeader(unit)
		return true
	})
	if err != nil {
		return fmt.Errorf("cannot elect %s: %w", unit, err)
	}
	return failed
}

// ElectNow makes a unit the leader at once, as when the leader's agent was cut
// off: what the old one runs can't write the application databag any more.
func (c *Cluster) ElectNow(unit string) error {
	return c.update(func() error { return c.model.SetLeader(unit) })
}

// UpdateStatus has a unit run update-status.
func (c *Cluster) UpdateStatus(unit string) error {
	return c.update(func() error {
		c.dirty = true // the model does not tell of it
		return c.model.UpdateStatus(unit)
	})
}

// Resolve runs the hook in which a unit is in error again at once.
func (c *Cluster) Resolve(unit string) error {
	return c.update(func() error {
		c.dirty = true
		return c.model.Resolve(unit, false)
	})
}

// SetDatabag changes a unit's databag in its first peer relation behind the
// charm's back. An empty value deletes the key.
func (c *Cluster) SetDatabag(unit string, changes map[string]string) error {
	return c.update(func() error {
		c.fault(unit, "databag changed")
		return c.model.OverwriteUnitDatabag(0, unit, changes)
	})
}
