// Minimal is the dispatch of a charm with one operation: its action "touch" has
// the unit rewrite a file while no other unit does.
package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"rolling-ops/roll"
)

func main() {
	roll.Main(roll.Charm{
		Name:       "minimal",
		Relation:   "peers",
		Operations: map[string]roll.Operation{"touch": touch},
		Handle:     handle,
		Status:     roll.Describe,
	})
}

// handle is called in every hook and action.
func handle(_ context.Context, h *roll.Hook) error {
	if h.Event.Action {
		_, err := h.Request(roll.Request{Operation: h.Event.Name})
		return err
	}
	return nil
}

// touch is called when the unit holds the lock.
func touch(_ context.Context, h *roll.Hook, _ roll.Args) (roll.Result, error) {
	name := filepath.Join(h.Event.CharmDir, "touched")
	if err := os.WriteFile(name, []byte(time.Now().String()), 0o600); err != nil {
		return roll.RetryRelease, err // tried again, others go first
	}
	return roll.Release, nil
}
