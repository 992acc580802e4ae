package sim

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long Settle waits for workers to end.
const patience = 10 * time.Second

// Settle implements steps.Settler. A worker may be left on each unit that waits
// for a time long after: the pause after which it was to bring the unit back was
// cut short by something else.
func (b *Backend) Settle(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := b.cluster.WaitIdle(short, false)
	if err == nil {
		return nil
	}
	if err := b.cluster.WaitIdle(ctx, true); err != nil {
		return err
	}
	left, listErr := b.cluster.Background()
	if listErr != nil {
		return listErr
	}
	seen := map[string]bool{}
	for _, p := range left {
		program, _, _ := strings.Cut(p.Command, " ")
		if filepath.Base(program) != "worker" || seen[p.Unit] {
			return err
		}
		seen[p.Unit] = true
	}
	return nil
}

const maxLogLines = 60

// Log implements steps.Logger.
func (b *Backend) Log(_ context.Context, unit string) (string, error) {
	log, err := os.ReadFile(b.cluster.LogPath(unit))
	if err != nil {
		return "", err
	}
	lines := bytes.SplitAfter(log, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-maxLogLines):], nil)), nil
}

// Elect implements steps.Elector.
func (b *Backend) Elect(ctx context.Context, unit string, now bool) error {
	if now {
		return b.cluster.ElectNow(unit)
	}
	return b.cluster.Elect(ctx, unit)
}

// KillHook implements steps.HookKiller.
func (b *Backend) KillHook(_ context.Context, unit string) error { return b.cluster.KillHook(unit) }

// UpdateStatus implements steps.Ticker.
func (b *Backend) UpdateStatus(_ context.Context, unit string) error {
	return b.cluster.UpdateStatus(unit)
}

// StopAgent implements steps.AgentStopper.
func (b *Backend) StopAgent(_ context.Context, unit string) error { return b.cluster.StopAgent(unit) }

// StartAgent implements steps.AgentStopper.
func (b *Backend) StartAgent(_ context.Context, unit string) error { return b.cluster.StartAgent(unit) }

// Reboot implements steps.Rebooter.
func (b *Backend) Reboot(ctx context.Context, unit string) error { return b.cluster.Reboot(ctx, unit) }

// StayDown implements steps.Rebooter.
func (b *Backend) StayDown(_ context.Context, unit string) error { return b.cluster.StayDown(unit) }

// Boot implements steps.Rebooter. It waits until the machine has gone down.
func (b *Backend) Boot(ctx context.Context, unit string) error {
	return poll(ctx, func() error { return b.cluster.Boot(unit) })
}

// KillWorker implements steps.WorkerKiller.
func (b *Backend) KillWorker(ctx context.Context, unit string) error {
	err := poll(ctx, func() error {
		_, err := b.cluster.KillBackground(unit)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot kill the worker of %s: %w", unit, err)
	}
	return nil
}

// pollProcesses is how often processes and machines are looked at of which no event
// tells.
const pollProcesses = 10 * time.Millisecond

// poll does something as soon as it can be done.
func poll(ctx context.Context, do func() error) error {
	again := time.NewTicker(pollProcesses)
	defer again.Stop()
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

// systemctl stands in for systemd's. Every unit has the service cron, which has
// become active at its last restart, or at 0.
const systemctl = `#!/bin/sh
command=$1
for service; do :; done
started=$ROLLINGOPS_STATE_DIR/cron-started
if [ "$service" != cron ]; then
	echo "Unit $service.service not found." >&2
	exit 5
fi
case $command in
restart) date +%s%6N >"$started" ;;
reload-or-restart | is-active) ;;
show) cat "$started" 2>/dev/null || echo 0 ;;
*) exit 1 ;;
esac
`

func writeSystemctl(dir string) error {
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "systemctl"), []byte(systemctl), 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot write systemctl: %w", err)
	}
	return nil
}
