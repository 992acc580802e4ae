package juju

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/tests/integration/steps"
)

// lines reads transitions written as "second unit event".
func lines(t *testing.T, text string) []steps.Transition {
	t.Helper()
	var all []steps.Transition
	for line := range strings.SplitSeq(text, ", ") {
		fields := strings.Fields(line)
		second, err := time.ParseDuration(fields[0] + "s")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, steps.Transition{Time: time.Unix(0, 0).Add(second), Unit: "a/" + fields[1], Event: fields[2]})
	}
	return all
}

func TestCheckMutex(t *testing.T) {
	for _, test := range []struct {
		name, history, gone string
		ok                  bool
	}{
		{"one after the other", "1 0 _x:start, 2 0 _x:done, 3 1 _x:start, 4 1 _x:done", "", true},
		{"one within the other", "1 0 _x:start, 2 1 _x:start, 3 1 _x:done, 4 0 _x:done", "", false},
		{"one overlaps the other", "1 0 _x:start, 2 1 _x:start, 3 0 _x:done, 4 1 _x:done", "", false},
		{"cut off and begun anew", "1 0 _x:start, 2 0 _x:start, 3 0 _x:done, 4 1 _x:start", "", true},
		{"other while cut off", "1 0 _x:start, 2 1 _x:start, 3 1 _x:done, 4 0 _x:start", "", false},
		{"cut off for ever", "1 0 _x:start, 2 1 _x:start, 3 1 _x:done", "", false},
		{"cut off by removal", "1 0 _x:start, 2 1 _x:start, 3 1 _x:done", "a/0", true},
		{"asks while other runs", "1 0 _x:start, 2 1 action:x, 3 0 _x:retry_hold, 4 1 _x:start", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := checkMutex(lines(t, test.history), func(unit string) bool { return unit == test.gone })
			if (err == nil) != test.ok {
				t.Errorf("checkMutex: %v", err)
			}
		})
	}
}

func TestHandovers(t *testing.T) {
	history := lines(t, "1 0 action:x, 1 1 action:x, 2 0 _x:start, 3 0 _x:done, 3.5 1 _x:start, 4 1 _x:done,"+
		" 9 0 action:x, 11 0 _x:start, 12 0 _x:done, 13 0 action:x, 15 0 _x:start")
	want := []time.Duration{500 * time.Millisecond, 2 * time.Second}
	if got := handovers(history); !slices.Equal(got, want) {
		t.Errorf("handovers: %v, want %v", got, want)
	}
}
