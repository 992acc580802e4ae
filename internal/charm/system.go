package charm

import (
	"context"
	"log/slog"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/bootclock"
	"rolling-ops/internal/worker"
)

// StateDirVariable is the environment variable that moves the state directory
// of the charm, for several units on one file system.
const StateDirVariable = "ROLLINGOPS_STATE_DIR"

const defaultStateDir = "/var/lib/charm-rolling-ops"

// System returns the real dependencies of the unit that the event is for.
func System(getenv func(string) string, event Event, tools *hooktool.Tools, log *slog.Logger) Deps {
	stateDir := getenv(StateDirVariable)
	if stateDir == "" {
		stateDir = defaultStateDir
	}
	return Deps{
		Tools:       tools,
		Clock:       systemClock{},
		Waker:       waker{worker.Options{Unit: event.Unit, CharmDir: event.CharmDir, StateDir: stateDir, Logger: log}},
		Commands:    Programs{},
		Transitions: TransitionLog(stateDir + "/transitions.log"),
		Notes:       NoteFiles(stateDir),
		Log:         log,
		Sleep:       sleep,
	}
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) SinceBoot() time.Duration { return bootclock.Now() }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waker starts the worker of the charm.
type waker struct{ options worker.Options }

func (w waker) Wake(ctx context.Context, delay time.Duration) error {
	return worker.Request(ctx, w.options, delay)
}
