package jujusim

import (
	"errors"
	"fmt"
)

// jujuReboot reboots the unit's machine: when the hook has succeeded and its
// writes are committed, or at once.
func jujuReboot(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	switch {
	case c.h.run.Kind == ActionRun:
		//lint:ignore ST1005 it is what Juju says
		return errors.New("juju-reboot is not supported when running an action.")
	case c.flags["now"] != "":
		c.h.rebootNow()
	default:
		c.h.reboot = true
	}
	return nil
}

// rebootNow ends what runs without a commit and reboots. A hook is queued again,
// and is not in error; a command of juju-exec can't be.
func (h *Hook) rebootNow() {
	m, u := h.m, h.u
	h.over = fmt.Errorf("%w: its machine reboots", ErrHookGone)
	u.hook = nil
	m.emit(Event{Kind: HookKilled, Unit: u.name, Run: h.run, Exit: -1, Calls: h.calls})
	if h.run.Kind == HookRun {
		again := h.run
		again.requeued = true
		u.clearError()
		u.queued = &again
	}
	m.reboot(u)
}

// Reboot reboots a unit's machine: its agent stops, with what it runs, until
// StartAgent says that the machine is up again; then the unit gets a start hook.
func (m *Model) Reboot(name string) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot reboot the machine of %s: %w", name, err)
	}
	m.reboot(u)
	return nil
}

func (m *Model) reboot(u *unit) {
	m.stopAgent(u)
	u.rebooted = u.started
	u.boots++
	m.emit(Event{Kind: Rebooted, Unit: u.name})
}
