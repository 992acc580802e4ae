package steps

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"rolling-ops/jujusim/charmfacts"
)

// ParseTransitions reads a transitions.log: a line of JSON a transition, whose
// time is ISO 8601 or the seconds since 1970.
func ParseTransitions(log []byte) ([]Transition, error) {
	var transitions []Transition
	for line := range bytes.Lines(log) {
		transition, err := charmfacts.ParseTransition(line)
		if err != nil {
			return nil, err
		}
		transitions = append(transitions, transition)
	}
	return transitions, nil
}

// SortTransitions puts transitions in the order of time; those of the same time
// stay as they are.
func SortTransitions(transitions []Transition) {
	slices.SortStableFunc(transitions, byTime)
}

func byTime(a, b Transition) int { return a.Time.Compare(b.Time) }

// attempt is one run of a unit's callback, as far as its transitions tell.
type attempt struct {
	unit       string
	operation  string // such as _restart
	start, end time.Time
	ended      bool // false: the end was not seen, and may come any time
}

func (a attempt) String() string {
	end := "?"
	if a.ended {
		end = a.end.Format(clockFormat)
	}
	return fmt.Sprintf("%s %s from %s to %s", a.unit, a.operation, a.start.Format(clockFormat), end)
}

// attemptEnded is the event of an attempt that a script knows to have ended.
const attemptEnded = "ended"

const clockFormat = "15:04:05.000000"

// attempts returns the units' attempts in the order of their starts. An attempt
// whose end was never written, because its hook was killed, lasts until the
// unit begins another, meanwhile the unit holds the lock, or until the script
// says that it has ended. If it was the last
// one of a unit that is gone, nothing is known but its start.
func attempts(transitions []Transition, present func(unit string) bool) []attempt {
	var all []attempt
	open := map[string]int{} // unit -> index in all
	for _, tr := range transitions {
		if i, ok := open[tr.Unit]; ok && tr.Event == attemptEnded {
			all[i].end, all[i].ended = tr.Time, true
			delete(open, tr.Unit)
			continue
		}
		operation, phase, ok := strings.Cut(tr.Event, ":")
		if !ok || !strings.HasPrefix(operation, "_") {
			continue
		}
		if i, ok := open[tr.Unit]; ok && (phase == "start" || all[i].operation == operation) {
			all[i].end, all[i].ended = tr.Time, true
			delete(open, tr.Unit)
		}
		if phase == "start" {
			open[tr.Unit] = len(all)
			all = append(all, attempt{unit: tr.Unit, operation: operation, start: tr.Time})
		}
	}
	for unit, i := range open {
		if !present(unit) {
			all[i].end, all[i].ended = all[i].start, true
		}
	}
	return all
}

// checkOneAtATime returns an error if attempts of two units overlap.
func checkOneAtATime(all []attempt) error {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b attempt) int { return a.start.Compare(b.start) })
	for i, a := range sorted {
		for _, b := range sorted[i+1:] {
			if a.unit != b.unit && (!a.ended || b.start.Before(a.end)) {
				return fmt.Errorf("two units at once: %v, and %v", a, b)
			}
		}
	}
	return nil
}

// starts returns the units of the attempts; in turns, attempts of a unit in a
// row are one.
func starts(all []attempt, turns bool) []string {
	var units []string
	for _, a := range all {
		if !turns || len(units) == 0 || units[len(units)-1] != a.unit {
			units = append(units, a.unit)
		}
	}
	return units
}

// eventsOf returns the unit's events in their order.
func eventsOf(transitions []Transition, unit string) []string {
	var events []string
	for _, tr := range transitions {
		if tr.Unit == unit {
			events = append(events, tr.Event)
		}
	}
	return events
}
