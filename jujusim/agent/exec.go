package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// serveCommands takes juju-exec's requests for the unit until the agent goes
// down; c.mu is held.
func (a *unitAgent) serveCommands() error {
	s, err := serve(filepath.Join(a.dir, runSocket), &JujuExecServer{run: func(args RunCommandsArgs) (ExecResponse, error) {
		switch {
		case args.UnitName != a.name:
			return ExecResponse{}, fmt.Errorf("no runner is registered for unit %s", args.UnitName)
		case args.RelationId >= 0:
			return ExecResponse{}, errors.New("cannot run commands in a relation's context on a simulated model")
		}
		return a.c.Exec(a.c.ctx, a.name, args.Commands)
	}})
	if err != nil {
		return err
	}
	a.commands = s
	return nil
}

// Exec runs a shell command in the unit's turn, as juju-exec does, and returns
// what it came to. That it exits non-zero is no error.
func (c *Cluster) Exec(ctx context.Context, unit, command string) (ExecResponse, error) {
	answer := make(chan commandResult, 1)
	err := c.update(func() error {
		a, err := c.agent(unit)
		if err != nil {
			return err
		}
		id, err := c.model.EnqueueExec(a.name, command)
		if err != nil {
			return err
		}
		a.waiting[id] = answer
		c.dirty = true
		return nil
	})
	if err != nil {
		return ExecResponse{}, err
	}
	select {
	case result := <-answer:
		return result.ExecResponse, result.err
	case <-ctx.Done():
		return ExecResponse{}, ctx.Err()
	}
}

// Commands returns how many commands of juju-exec run or wait on a unit.
func (c *Cluster) Commands(unit string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[unit]; a != nil {
		return len(a.waiting)
	}
	return 0
}

// answer tells a waiting juju-exec what its command came to; c.mu is held.
func (a *unitAgent) answer(id string, result commandResult) {
	if waiting, ok := a.waiting[id]; ok {
		delete(a.waiting, id)
		waiting <- result
	}
}

// abandon fails all waiting juju-execs; c.mu is held.
func (a *unitAgent) abandon(err error) {
	for id := range a.waiting {
		a.answer(id, commandResult{err: err})
	}
}
