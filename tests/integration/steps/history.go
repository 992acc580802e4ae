package steps

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// mutexInput is what a unit does to the lock.
type mutexInput struct {
	unit   string
	unlock bool
}

// mutex is the lock as it ought to be. Its state is the name of the unit that
// holds it, or "". A unit whose attempt was cut off holds it on, and may begin
// the attempt anew.
var mutex = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		holder, in := state.(string), input.(mutexInput)
		if in.unlock {
			return holder == in.unit, ""
		}
		return holder == "" || holder == in.unit, in.unit
	},
	DescribeOperation: func(input, _ any) string {
		in := input.(mutexInput)
		if in.unlock {
			return in.unit + " unlocks"
		}
		return in.unit + " locks"
	},
}

// checkMutex returns an error if the transitions of all units are not those of
// units that run their operations under one lock. A unit takes the lock at some
// time between its line before _NAME:start and that line; it gives it back at
// some time between the attempt's last line and the unit's next one.
func checkMutex(transitions []Transition, present func(unit string) bool) error {
	operations := mutexHistory(transitions, present)
	if porcupine.CheckOperations(mutex, operations) {
		return nil
	}
	var b strings.Builder
	for _, t := range transitions {
		fmt.Fprintf(&b, "%s  %s  %s\n", t.Time.Format(clockFormat), t.Unit, t.Event)
	}
	return fmt.Errorf("the units did not keep to one lock:\n%s", b.String())
}

// mutexHistory returns what the units did to the lock. Of a unit that is gone,
// and whose last attempt has no end, it is not known when the lock was free
// again.
func mutexHistory(transitions []Transition, present func(unit string) bool) []porcupine.Operation {
	var history []porcupine.Operation
	byUnit := map[string][]Transition{}
	for _, t := range transitions {
		byUnit[t.Unit] = append(byUnit[t.Unit], t)
	}
	client := 0 // a number for each unit
	for unit, own := range byUnit {
		add := func(unlock bool, from, to int64) {
			history = append(history, porcupine.Operation{
				Input: mutexInput{unit, unlock}, Call: from, Return: to, ClientId: client,
			})
		}
		client++
		running := ""
		for i, t := range own {
			operation, phase, _ := strings.Cut(t.Event, ":")
			switch {
			case phase == "start":
				add(false, before(own, i), t.Time.UnixNano())
				running = operation
			case operation == running, t.Event == attemptEnded && running != "":
				add(true, t.Time.UnixNano(), after(own, i))
				running = ""
			}
		}
		if running != "" && !present(unit) {
			add(true, own[len(own)-1].Time.UnixNano(), math.MaxInt64)
		}
	}
	return history
}

// before returns the time of the unit's line before line i.
func before(own []Transition, i int) int64 {
	if i == 0 {
		return math.MinInt64
	}
	return own[i-1].Time.UnixNano()
}

// after returns the time of the unit's line after line i.
func after(own []Transition, i int) int64 {
	if i+1 == len(own) {
		return math.MaxInt64
	}
	return own[i+1].Time.UnixNano()
}

// Handovers returns how long each unit waited for its first attempt, since it
// had asked for it and the unit before had ended its own.
func Handovers(transitions []Transition) []time.Duration {
	var waits []time.Duration
	last := map[string]Transition{} // by unit
	var end Transition              // of the latest attempt
	for _, t := range transitions {
		operation, phase, _ := strings.Cut(t.Event, ":")
		asked := last[t.Unit]
		switch {
		case phase == "start":
			if strings.HasPrefix(asked.Event, "action:") && end.Unit != "" && end.Unit != t.Unit {
				waits = append(waits, t.Time.Sub(slices.MaxFunc([]Transition{asked, end}, byTime).Time))
			}
		case strings.HasPrefix(operation, "_"):
			end = t
		}
		last[t.Unit] = t
	}
	return waits
}
