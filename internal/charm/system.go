package charm

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/unit"
)

// charmName is the charm's, in metadata.yaml.
const charmName = "rolling-ops"

// System returns the real dependencies of the unit that the event is for.
func System(getenv func(string) string, event Event, tools *hooktool.Tools, log *slog.Logger) Deps {
	stateDir := unit.StateDir(getenv, charmName)
	return Deps{
		Tools:       tools,
		Clock:       unit.Clock{},
		Waker:       unit.WakerOf(event, stateDir, log),
		Commands:    Programs{},
		Transitions: TransitionLog(stateDir + "/transitions.log"),
		Notes:       unit.NotesOf(event, stateDir),
		Boots:       bootFiles(getenv),
		Log:         log,
		Sleep:       sleep,
	}
}

func bootFiles(getenv func(string) string) BootFiles {
	return BootFiles{
		BootID: cmp.Or(getenv(bootIDVariable), "/proc/sys/kernel/random/boot_id"),
		Run:    cmp.Or(getenv(runVariable), "/run"),
	}
}

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
