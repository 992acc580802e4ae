package roll_test

import (
	"context"
	"fmt"
	"time"

	"rolling-ops/roll"
)

// backUpArgs are the arguments of the operation back-up, as they are requested and
// as they come back.
type backUpArgs struct {
	Target string `json:"target"`
}

// The main function of a charm whose action back-up has the unit queue for its
// turn to make a backup.
func ExampleMain() {
	main := func() {
		roll.Main(roll.Charm{
			Name:     "my-database",
			Relation: "cluster",
			Operations: map[string]roll.Operation{
				"back-up": func(ctx context.Context, h *roll.Hook, args roll.Args) (roll.Result, error) {
					var a backUpArgs
					if err := args.Decode(&a); err != nil {
						return roll.Release, err
					}
					h.Log.Info("backing up", "target", a.Target)
					return roll.Release, nil
				},
			},
			Handle: func(ctx context.Context, h *roll.Hook) error {
				if !h.Event.Action || h.Event.Name != "back-up" {
					return nil
				}
				params, err := h.Tools.ActionParams(ctx)
				if err != nil {
					return err
				}
				target, err := params.String("target")
				if err != nil {
					return err
				}
				_, err = h.Request(roll.Request{Operation: "back-up", Args: backUpArgs{target}, Retries: new(2)})
				return err
			},
			Pacing: func(context.Context, *roll.Hook) (roll.Pacing, error) {
				return roll.Pacing{Delay: 10 * time.Second, Max: 5 * time.Minute}, nil
			},
			Status: roll.Describe,
		})
	}
	_ = main // dispatch's
	// Output:
}

// A status of the charm's own where the library has nothing to say.
func ExampleDescribe() {
	status := func(s roll.Status) (name, message string) {
		if s.Kind == roll.StatusIdle {
			return "active", "ready"
		}
		return roll.Describe(s)
	}
	fmt.Println(status(roll.Status{Kind: roll.StatusIdle}))
	fmt.Println(status(roll.Status{Kind: roll.StatusWaiting, Operation: "back-up", Position: 2}))
	fmt.Println(status(roll.Status{
		Kind: roll.StatusRetrying, Operation: "back-up", Failed: 3, Holds: true,
		Until: time.Date(2026, 4, 23, 12, 30, 0, 0, time.UTC),
	}))
	// Output:
	// active ready
	// waiting Awaiting back-up: number 2 in line
	// waiting Awaiting back-up: attempt 3 failed, others wait, next at 2026-04-23 12:30:00 UTC
}
