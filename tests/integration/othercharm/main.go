// Othercharm is the dispatch of a small charm with operations that the
// rolling-ops charm does not have. It bears the same name and has the same peer
// relation, so that an application can be refreshed from one to the other.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rolling-ops/internal/charm"
	"rolling-ops/internal/unit"
	"rolling-ops/roll"
)

const (
	name = "rolling-ops"
	// retryDelay is the pause between the attempts of the operation hold.
	retryDelay = 100 * time.Millisecond
)

func main() {
	roll.Main(roll.Charm{
		Name:       name,
		Relation:   charm.PeerRelation,
		Operations: map[string]roll.Operation{"_note": note, "_hold": hold},
		Handle:     handle,
		Pacing: func(context.Context, *roll.Hook) (roll.Pacing, error) {
			return roll.Pacing{Delay: retryDelay, Max: retryDelay}, nil
		},
		Status: func(roll.Status) (name, message string) { return "active", "" },
	})
}

type noteArgs struct {
	Text string `json:"text"`
}

func handle(ctx context.Context, h *roll.Hook) error {
	if !h.Event.Action {
		return nil
	}
	request := roll.Request{Operation: "_" + h.Event.Name}
	if h.Event.Name == "note" {
		params, err := h.Tools.ActionParams(ctx)
		if err != nil {
			return err
		}
		size, err := params.Int("size")
		if err != nil {
			return err
		}
		request.Args = noteArgs{strings.Repeat("x", int(size))}
	}
	_, err := h.Request(request)
	return err
}

func note(_ context.Context, h *roll.Hook, args roll.Args) (roll.Result, error) {
	var a noteArgs
	if err := args.Decode(&a); err != nil {
		return 0, err
	}
	return roll.Release, record(h, "_note:start", fmt.Sprintf("_note:%d_bytes", len(a.Text)))
}

func hold(_ context.Context, h *roll.Hook, _ roll.Args) (roll.Result, error) {
	return roll.RetryHold, record(h, "_hold:start", "_hold:retry_hold")
}

func record(h *roll.Hook, events ...string) error {
	log := charm.TransitionLog(filepath.Join(unit.StateDir(os.Getenv, name), "transitions.log"))
	for _, event := range events {
		if err := log.Record(charm.Transition{Time: time.Now(), Unit: h.Event.Unit, Event: event}); err != nil {
			return err
		}
	}
	return nil
}
