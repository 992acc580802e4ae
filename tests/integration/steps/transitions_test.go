package steps

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// history reads transitions such as "0 a _x:start", a millisecond, a unit and
// an event, separated by semicolons.
func history(t *testing.T, text string) []Transition {
	t.Helper()
	var transitions []Transition
	for line := range strings.SplitSeq(text, ";") {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("cannot read %q", line)
		}
		at, err := time.ParseDuration(fields[0] + "ms")
		if err != nil {
			t.Fatal(err)
		}
		transitions = append(transitions, Transition{Time: time.UnixMilli(0).Add(at), Unit: fields[1], Event: fields[2]})
	}
	return transitions
}

func TestOneAtATime(t *testing.T) {
	tests := []struct {
		name    string
		history string
		gone    string // a unit that is no longer there
		overlap bool
	}{
		{"one after the other", "0 a _x:start; 1 a _x:done; 2 b _x:start; 3 b _x:done", "", false},
		{"end and start at once", "0 a _x:start; 1 a _x:done; 1 b _x:start; 2 b _x:done", "", false},
		{"overlap", "0 a _x:start; 2 b _x:start; 3 a _x:done; 4 b _x:done", "", true},
		{"within another", "0 a _x:start; 1 b _y:start; 2 b _y:done; 3 a _x:done", "", true},
		{"overlap with a later one", "0 a _x:start; 1 b _x:start; 2 b _x:done; 9 c _x:start; 10 a _x:done", "", true},
		{"actions do not count", "0 a _x:start; 1 b action:x; 2 a _x:done", "", false},
		{"asks while another runs", "1 a _x:start; 2 b action:x; 3 a _x:retry_hold; 4 b _x:start", "", false},
		{"killed and run again", "0 a _x:start; 5 a _x:start; 6 a _x:done; 7 b _x:start", "", false},
		{"killed, another goes before it runs again", "0 a _x:start; 3 b _x:start; 4 b _x:done; 5 a _x:start", "", true},
		{"killed, and known to have ended", "0 a _x:start; 2 a ended; 3 b _x:start; 4 b _x:done; 5 a _x:start", "", false},
		{"known to have ended too late", "0 a _x:start; 2 b _x:start; 3 a ended; 4 b _x:done", "", true},
		{"never ended", "0 a _x:start; 9 b _x:start; 10 b _x:done", "", true},
		{"never ended on a unit that is gone", "0 a _x:start; 9 b _x:start; 10 b _x:done", "a", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transitions := history(t, test.history)
			present := func(unit string) bool { return unit != test.gone }
			if err := checkOneAtATime(attempts(transitions, present)); (err != nil) != test.overlap {
				t.Errorf("overlap: %v, want one: %v", err, test.overlap)
			}
			if err := checkMutex(transitions, present); (err != nil) != test.overlap {
				t.Errorf("checkMutex: %v, want an error: %v", err, test.overlap)
			}
		})
	}
}

func TestStarts(t *testing.T) {
	all := attempts(history(t, "0 a action:x; 1 a _x:start; 2 a _x:retry_hold; 3 a _x:start; 4 a _x:done; 5 b _x:start; 6 b _x:done; 7 a _x:start"),
		func(string) bool { return true })
	for _, test := range []struct {
		turns bool
		want  []string
	}{
		{false, []string{"a", "a", "b", "a"}},
		{true, []string{"a", "b", "a"}},
	} {
		if diff := cmp.Diff(test.want, starts(all, test.turns)); diff != "" {
			t.Errorf("starts with turns=%v (-want +got):\n%s", test.turns, diff)
		}
	}
}

func TestBusy(t *testing.T) {
	idle := func(databag map[string]string) State {
		return State{Units: []Unit{{Name: "a/0", Idle: true, Databag: databag}}}
	}
	tests := []struct {
		name  string
		state State
		want  string
	}{
		{"nothing ever happened", idle(nil), ""},
		{"all done", idle(map[string]string{"operations": "[]", "state": "idle", "executed_at": "x"}), ""},
		{"an operation waits", idle(map[string]string{"operations": `["{}"]`, "state": "request"}), "a/0 has 1 operations"},
		{"a state without an operation", idle(map[string]string{"state": "retry-hold"}), "a/0 is in state retry-hold"},
		{"granted", State{App: map[string]string{"granted_unit": "a/7"}}, "a/7 holds the lock"},
		{"a hook runs", State{Units: []Unit{{Name: "a/0"}}}, "a/0 has something to run"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.state.busy(); got != test.want {
				t.Errorf("busy: %q, want %q", got, test.want)
			}
		})
	}
	if got := idle(map[string]string{"operations": "nonsense"}).busy(); !strings.HasPrefix(got, "cannot read the operations of a/0") {
		t.Errorf("a queue that can't be read: %q", got)
	}
}
