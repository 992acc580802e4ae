package juju

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// lxcActions are the things that can happen to a container, with the arguments
// that make the lxc command do them.
var lxcActions = map[string][]string{
	"stop":    {"stop", "--force"}, // as when the power fails
	"start":   {"start"},           // also goes on with what was paused
	"pause":   {"pause"},           // all processes stand still
	"restart": {"restart"},
}

// Container does something to the LXD container that is a unit's machine: stop,
// start, pause or restart.
func (m *Model) Container(ctx context.Context, unit, action string) error {
	args, ok := lxcActions[action]
	if !ok {
		return fmt.Errorf("cannot %s a container", action)
	}
	container, err := m.container(ctx, unit)
	if err != nil {
		return err
	}
	return lxc(ctx, append(slices.Clone(args), container)...)
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
