// Dispatch is what Juju runs for every event of a unit.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
)

func main() { os.Exit(run()) }

func run() int {
	transport, err := hooktool.Auto(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		return 1
	}
	defer transport.Close()
	tools := hooktool.New(transport)
	log := slog.New(hooktool.NewLogHandler(tools, slog.LevelDebug, os.Stderr))
	// Whoever ends the hook ends the operation that runs in it.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return guard(log, func() error { return handle(ctx, tools, log) })
}

// guard runs the hook and returns dispatch's exit code. An error and a panic
// end up in Juju's log, where an operator looks.
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

func handle(ctx context.Context, tools *hooktool.Tools, log *slog.Logger) error {
	event, err := charm.ParseEvent(os.Getenv)
	if err != nil {
		return err
	}
	return charm.New(charm.System(os.Getenv, event, tools, log)).Handle(ctx, event)
}
