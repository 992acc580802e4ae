package world

import (
	"context"

	"rolling-ops/internal/charm"
	"rolling-ops/jujusim"
)

// Program is what a unit runs in its hooks and actions, and in the hook that its
// worker runs. [Machine] has one: a charm of another kind can stand among those of
// this charm.
type Program interface {
	// Run runs to the end of the hook. It lets others go on at each hook-tool call
	// that reads or writes what they may change, and where it sleeps. An error fails the
	// hook; the checker takes it for a defect.
	Run(ctx context.Context, on Host) error
}

// Host is what the unit's machine offers to one run.
type Host struct {
	Run jujusim.Run
	Env func(name string) string
	// Deps are hook tools, clocks, the worker and what else this charm uses. Whoever
	// runs an operation tells Transitions when it begins and how it ends.
	Deps charm.Deps
}

// Charm is this charm.
type Charm struct{}

// Run implements [Program].
func (Charm) Run(ctx context.Context, on Host) error {
	event, err := charm.ParseEvent(on.Env)
	if err != nil {
		return err
	}
	return charm.New(on.Deps).Handle(ctx, event)
}
