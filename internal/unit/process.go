package unit

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"rolling-ops/hooktool"
)

// AfterWrite is how long all may take that follows the writes of a hook: what was
// written is committed only after it, and no status and no log line is worth the
// leader's promise.
const AfterWrite = 3 * time.Second

// Process is the life of dispatch as a process, around one hook. It returns its
// exit code. Whoever ends the hook with SIGTERM ends the context, and so the
// operation that runs in it. An error and a panic end up in Juju's log, where an
// operator looks.
func Process(hook func(ctx context.Context, tools *hooktool.Tools, log *slog.Logger) error) int {
	transport, err := hooktool.Auto(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		return 1
	}
	defer transport.Close()
	tools := hooktool.New(transport)
	log := slog.New(hooktool.NewLogHandler(tools, slog.LevelDebug, os.Stderr))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return guard(log, func() error { return hook(ctx, tools, log) })
}

// guard runs the hook and returns dispatch's exit code.
func guard(log *slog.Logger, hook func() error) (code int) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("dispatch panicked", "panic", v, "stack", string(debug.Stack()))
			code = 1
		}
	}()
	if err := hook(); err != nil {
		log.Error("hook failed", "error", err)
		return 1
	}
	return 0
}
