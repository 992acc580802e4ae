package rollout_test

import (
	"fmt"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// A canary: the rollout pauses when its first unit is done.
func Example() {
	at := codec.TimestampOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	r, err := rollout.Record{}.Start(rollout.Request{
		Operation: "_restart", Units: rollout.Units{0, 1, 2}, Order: rollout.Auto, PauseAfter: rollout.PauseFirst, Retries: 2,
	}, rollout.NextID(6), at)
	if err != nil {
		fmt.Println(err)
		return
	}
	steps := map[int]rollout.Step{2: {ID: 7, State: rollout.StepDone}}
	phase := func(n int) rollout.Phase { return r.Phase(n, steps[n], false) }
	r, _ = r.Settle(r.Tally(phase), true)
	fmt.Println(r.State, r.Why, r.Token())

	r, changed, err := r.Resume(r.Token(), nil)
	fmt.Println(r.State, r.PauseAfter, r.Token(), changed, err)
	next, ready, _ := r.Next(r.InOrder(1), phase)
	fmt.Println("unit", next, ready)
	// Output:
	// paused canary 7.2
	// running none 7.3 true <nil>
	// unit 0 false
}
