package agent

import (
	"errors"
	"fmt"
	"syscall"
)

// KillHook kills the process group of what a unit runs. To the agent that is a
// failure.
func (c *Cluster) KillHook(unit string) error {
	return c.signalHook(unit, syscall.SIGKILL, "hook killed")
}

// Hang stops the process group of what a unit runs until Resume.
func (c *Cluster) Hang(unit string) error {
	return c.signalHook(unit, syscall.SIGSTOP, "hook stopped")
}

// Resume lets go on what Hang stopped.
func (c *Cluster) Resume(unit string) error {
	return c.signalHook(unit, syscall.SIGCONT, "hook goes on")
}

// signalHook waits for the process of a hook that is being started.
func (c *Cluster) signalHook(unit string, sig syscall.Signal, what string) error {
	var failed error
	err := c.await(c.ctx, func() bool {
		a, err := c.agent(unit)
		switch {
		case err != nil:
			failed = err
		case c.model.Hook(unit) == nil:
			failed = fmt.Errorf("cannot signal a hook: %s runs none", unit)
		case a.proc == nil:
			return false
		default:
			c.fault(unit, what)
			failed = a.proc.signal(sig)
		}
		return true
	})
	return errors.Join(err, failed)
}

func (c *Cluster) fault(unit, what string) {
	c.dirty = true
	c.trace.add(Event{Kind: Fault, Unit: unit, Text: what})
}

// KillBackground kills the processes that a unit's hooks left running, and
// returns them. It is an error if there are none.
func (c *Cluster) KillBackground(unit string) ([]Process, error) {
	killed, err := c.end(of(unit, c.Background))
	if err != nil {
		return killed, err
	}
	if len(killed) == 0 {
		return nil, fmt.Errorf("cannot kill: %s has no process in the background", unit)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range killed {
		c.fault(unit, "killed in the background: "+p.Command)
	}
	c.publish()
	return killed, nil
}

// Signal sends sig to one process of the model and to no other: not to its
// group, nor to what it started. It is no error if the process is gone.
func (c *Cluster) Signal(p Process, sig syscall.Signal) error {
	_ = c.update(func() error {
		c.fault(p.Unit, fmt.Sprintf("%v: %s", sig, p.Command))
		return nil
	})
	return p.signal(c.id, sig)
}

// StopAgent stops a unit's agent: what it runs is killed, juju-exec commands
// that wait are lost and new ones fail, until StartAgent. What hooks have left
// in the background is killed too: it belongs to the agent's service, and
// systemd ends all of that.
func (c *Cluster) StopAgent(unit string) error {
	var commands *server
	err := c.update(func() error {
		a, err := c.agent(unit)
		if err != nil {
			return err
		}
		if a.commands != nil {
			a.commands.hangUp() // nobody is there to answer
		}
		if err := c.model.StopAgent(unit); err != nil {
			return err
		}
		commands = a.down()
		return nil
	})
	if commands != nil {
		commands.Close()
	}
	if err == nil {
		_, err = c.end(of(unit, c.Processes))
	}
	return err
}

// LoseDeparture keeps from the other units what becomes of a unit, above all
// that it departs, until their agents restart: juju#23326.
func (c *Cluster) LoseDeparture(unit string) error {
	return c.update(func() error {
		if _, err := c.agent(unit); err != nil {
			return err
		}
		for _, other := range c.model.Units() {
			for _, r := range c.model.Relations() {
				if other == unit {
					continue
				}
				if err := c.model.Hold(other, r.Key, unit); err != nil {
					return err
				}
			}
		}
		c.fault(unit, "departure not told to the others")
		return nil
	})
}

// StartAgent starts a unit's agent again.
func (c *Cluster) StartAgent(unit string) error {
	return c.update(func() error {
		a, err := c.agent(unit)
		switch {
		case err != nil:
			return err
		case a.machine != up:
			return fmt.Errorf("cannot start the agent of %s: its machine is down", unit)
		}
		return c.startAgent(a)
	})
}

// startAgent starts an agent; c.mu is held.
func (c *Cluster) startAgent(a *unitAgent) error {
	if a.commands == nil {
		if err := a.serveCommands(); err != nil {
			return err
		}
	}
	if err := c.model.ReleaseAll(a.name); err != nil {
		return err
	}
	return c.model.StartAgent(a.name)
}

// RestartAgent stops a unit's agent and starts it again.
func (c *Cluster) RestartAgent(unit string) error {
	if err := c.StopAgent(unit); err != nil {
		return err
	}
	return c.StartAgent(unit)
}
