// Config is the dispatch of a charm whose service is restarted, one unit at a
// time, whenever the configuration has changed. A unit whose health check fails
// keeps the lock: the roll stops there.
package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/roll"
)

func main() {
	roll.Main(roll.Charm{
		Name:       "config",
		Relation:   "peers",
		Operations: map[string]roll.Operation{"restart": restart},
		Handle:     handle,
		Pacing: func(context.Context, *roll.Hook) (roll.Pacing, error) {
			return roll.Pacing{Delay: 5 * time.Second, Max: time.Minute}, nil
		},
		Status: roll.Describe,
	})
}

func handle(_ context.Context, h *roll.Hook) error {
	if h.Event.Name != "config-changed" {
		return nil
	}
	ticket, err := h.Request(roll.Request{Operation: "restart"})
	if err == nil && ticket.Retry {
		_, err = h.RetryNow() // what made the last attempt fail may be mended
	}
	return err
}

func restart(ctx context.Context, h *roll.Hook, _ roll.Args) (roll.Result, error) {
	config, err := h.Tools.Config(ctx)
	if err != nil {
		return roll.RetryRelease, err
	}
	for _, option := range []string{"restart-command", "health-check"} {
		if err := run(ctx, config, option); err != nil {
			h.Log.Warn("this unit is not well, the roll stops here", "error", err)
			return roll.RetryHold, nil
		}
	}
	return roll.Release, nil
}

// run runs the command of an option: words between spaces, without a shell.
func run(ctx context.Context, config hooktool.Settings, option string) error {
	text, err := config.String(option)
	words := strings.Fields(text)
	if err != nil || len(words) == 0 {
		return err
	}
	if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.200s", option, err, out)
	}
	return nil
}
