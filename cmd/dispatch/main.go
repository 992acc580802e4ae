// Dispatch is what Juju runs for every event of a unit.
package main

import (
	"context"
	"log/slog"
	"os"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
	"rolling-ops/internal/unit"
)

func main() { os.Exit(run()) }

func run() int { return unit.Process(handle) }

func handle(ctx context.Context, tools *hooktool.Tools, log *slog.Logger) error {
	event, err := charm.ParseEvent(os.Getenv)
	if err != nil {
		return err
	}
	return charm.New(charm.System(os.Getenv, event, tools, log)).Handle(ctx, event)
}
