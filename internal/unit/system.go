package unit

import (
	"context"
	"log/slog"
	"time"

	"rolling-ops/internal/bootclock"
	"rolling-ops/internal/worker"
)

// StateDirVariable is the environment variable that moves the state directory
// of a charm, for several units on one file system.
const StateDirVariable = "ROLLINGOPS_STATE_DIR"

// StateDir is the directory of a charm's own on the unit's machine. Charm is its
// name in metadata.yaml.
func StateDir(getenv func(string) string, charm string) string {
	if dir := getenv(StateDirVariable); dir != "" {
		return dir
	}
	return "/var/lib/charm-" + charm
}

// Clock is the machine's clocks.
type Clock struct{}

// Now implements rollingops.Clock.
func (Clock) Now() time.Time { return time.Now() }

// SinceBoot implements rollingops.Clock.
func (Clock) SinceBoot() time.Duration { return bootclock.Now() }

// Waker starts the worker of the charm.
type Waker worker.Options

// WakerOf returns the one of the event's unit. The worker's program and what
// stands before its arguments may be given, see worker.Options.
func WakerOf(event Event, stateDir string, log *slog.Logger, program ...string) Waker {
	return Waker{Unit: event.Unit, CharmDir: event.CharmDir, StateDir: stateDir, Program: program, Logger: log}
}

// Wake implements rollingops.Waker.
func (w Waker) Wake(ctx context.Context, delay time.Duration) error {
	return worker.Request(ctx, worker.Options(w), delay)
}

// Watch implements rollingops.Waker.
func (w Waker) Watch(ctx context.Context, delay time.Duration) error {
	return worker.RequestWatch(ctx, worker.Options(w), delay)
}
