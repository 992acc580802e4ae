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

// agentService is the systemd unit of a machine's Juju agent. Juju 4.1 has
// another name for it than the versions before.
const agentService = "juju*d-machine-*.service"

// RestartAgent restarts the Juju agent of a unit's machine. systemd ends what
// runs in the agent's service with it: hooks, but no workers, which have scopes
// of their own.
func (m *Model) RestartAgent(ctx context.Context, unit string) error {
	container, err := m.container(ctx, unit)
	if err != nil {
		return err
	}
	before, err := agentPID(ctx, container)
	if err != nil {
		return err
	}
	if err := lxc(ctx, "exec", container, "--", "systemctl", "restart", agentService); err != nil {
		return err
	}
	after, err := agentPID(ctx, container)
	if err == nil && after == before { // systemctl is content when no unit has such a name
		err = fmt.Errorf("the agent of %s did not restart: its process is still %s", unit, before)
	}
	return err
}

// agentPID returns the process of a container's Juju agent.
func agentPID(ctx context.Context, container string) (string, error) {
	out, err := exec.CommandContext(ctx, "lxc", "exec", container, "--", "systemctl", "show", "--property=MainPID", "--value", agentService).Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the agent in container %s: %w", container, err)
	}
	pid := strings.TrimSpace(string(out))
	if pid == "" || pid == "0" {
		return "", fmt.Errorf("cannot find the agent in container %s: no unit %s runs", container, agentService)
	}
	return pid, nil
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
