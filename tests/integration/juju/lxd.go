package juju

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// lxcActions are what can be done to a container, with the arguments that make
// the lxc command do it.
var lxcActions = map[string][]string{
	"stop":    {"stop", "--force"}, // as when the power fails
	"start":   {"start"},           // also goes on with what was paused
	"pause":   {"pause"},           // all processes stand still
	"restart": {"restart"},
	"exec":    {"exec", "--"}, // run the command, past Juju
}

// Container does something to the LXD container that is a unit's machine: stop,
// start, pause, restart, or exec of a command.
func (m *Model) Container(ctx context.Context, unit, action string, command ...string) error {
	args, ok := lxcActions[action]
	if !ok {
		return fmt.Errorf("cannot %s a container", action)
	}
	container, err := m.container(ctx, unit)
	if err != nil {
		return err
	}
	if action == "pause" { // LXD can't remove a container that is paused
		m.controller.beforeDestroy(m.name, func(ctx context.Context) error { return resume(ctx, container) })
	}
	args = slices.Concat(args[:1], []string{container}, args[1:], command)
	if action != "exec" {
		return lxc(ctx, args...)
	}
	// A container that has just been started does not run programs at once.
	return retry(ctx, startLimit, func() error { return lxc(ctx, args...) })
}

// startLimit is how long a container may take until it runs programs.
const startLimit = time.Minute

// resume has a container go on if it is paused.
func resume(ctx context.Context, container string) error {
	state, err := exec.CommandContext(ctx, "lxc", "list", "--format=csv", "--columns=s", "^"+container+"$").Output()
	if err != nil || strings.TrimSpace(string(state)) != "FROZEN" {
		return err
	}
	return lxc(ctx, "start", container)
}

// RestartAgent restarts the Juju agent of a unit's machine. systemd ends what
// runs in the agent's service with it, hooks and workers too.
func (m *Model) RestartAgent(ctx context.Context, unit string) error {
	container, err := m.container(ctx, unit)
	if err != nil {
		return err
	}
	// Juju 4.1 has another name for the service than the versions before.
	return lxc(ctx, "exec", container, "--", "systemctl", "restart", "jujud-machine-*.service", "jujuagentd-machine-*.service")
}

// container returns the name of the container that is a unit's machine. LXD may
// be told about it while Juju has lost contact with the unit.
func (m *Model) container(ctx context.Context, unit string) (string, error) {
	machine, err := m.machineOf(ctx, unit)
	if err != nil {
		return "", err
	}
	return string(machine.InstanceId), nil
}

func lxc(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "lxc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot run lxc %s (these steps need units on LXD, and an lxc command that sees them): %w: %s",
			strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
