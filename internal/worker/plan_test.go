package worker

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each case is a story of steps: "ask T" and "call", "ok T", "fail T" and
// "look"; want is what the plan says at its end.
func TestPlan(t *testing.T) {
	for _, test := range []struct{ name, story, want string }{
		{"nothing", "", "done"},
		{"asked for", "ask 5s", "due 5s"},
		{"an earlier time supersedes", "ask 5s, ask 3s", "due 3s"},
		{"a later time is ignored", "ask 5s, ask 7s", "due 5s"},
		{"a time that is over", "ask 5s, ask -1s", "due -1s"},
		{"calls", "ask 5s, call", "calls"},
		{"has called", "ask 5s, call, ok 6s", "done"},
		{"asked for during the call", "ask 5s, call, ask 9s", "calls, then due 9s"},
		{"once more", "ask 5s, call, ask 9s, ok 6s", "due 9s"},
		{"once more, not more", "ask 5s, call, ask 9s, ask 8s, ok 6s, call, ok 9s", "done"},
		{"the earliest of those during the call", "ask 5s, call, ask 9s, ask 8s, ask 10s, ok 6s", "due 8s"},
		{"earlier than the call", "ask 5s, call, ask 1s, ok 6s", "due 1s"},
		{"a failure", "ask 5s, call, fail 6s", "due 7s"},
		{"two failures", "ask 0s, call, fail 0s, call, fail 10s", "due 12s"},
		{"four failures", "ask 0s, call, fail 0s, call, fail 0s, call, fail 0s, call, fail 0s", "due 8s"},
		{"the longest pause", "ask 0s" + strings.Repeat(", call, fail 0s", 7), "due 1m0s"},
		{"never a longer one", "ask 0s" + strings.Repeat(", call, fail 0s", 100), "due 1m0s"},
		{"asked for during a call that fails", "ask 0s, call, ask 500ms, fail 0s", "due 500ms"},
		{"for later than the pause", "ask 0s, call, ask 5s, fail 0s", "due 1s"},
		{"asked for in the pause", "ask 0s, call, fail 0s, ask 1ms", "due 1ms"},
		{"that does not shorten the next pause", "ask 0s, call, fail 0s, ask 1ms, call, fail 1s", "due 3s"},
		{"a success ends the pauses' growth", "ask 0s" + strings.Repeat(", call, fail 0s", 3) + ", call, ask 1s, ok 1s, call, fail 1s", "due 2s"},
		{"looks at a call that nobody waits for", "ask 0s, call, look, look, look, look, look", "calls"},
		{"looks at one that others wait for", "ask 0s, call, ask 0s, look, look", "calls, then due 0s"},
		{"patience is over", "ask 0s, call, ask 0s, look, look, look", "calls, then due 0s, given up"},
		{"looks count from the request on", "ask 0s, call, look, look, look, ask 0s, look, look", "calls, then due 0s"},
		{"looks count anew for each call", "ask 0s, call, ask 0s, look, look, ok 0s, call, ask 0s, look", "calls, then due 0s"},
		{"looks while it waits", "ask 9s, look, look, look, look", "due 9s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := tell(t, Plan{}, test.story); got != test.want {
				t.Errorf("%s: got %q, want %q", test.story, got, test.want)
			}
		})
	}
}

func tell(t *testing.T, p Plan, story string) string {
	t.Helper()
	givenUp := false
	for step := range strings.SplitSeq(story, ", ") {
		verb, at, _ := strings.Cut(step, " ")
		now, err := time.ParseDuration(at)
		if at != "" && err != nil {
			t.Fatal(err)
		}
		switch verb {
		case "":
		case "ask":
			p.Ask(now)
		case "call":
			p.Begin()
		case "ok", "fail":
			p.End(now, verb == "ok")
		case "look":
			givenUp = p.Look()
		default:
			t.Fatalf("unknown step %q", step)
		}
	}
	var state []string
	due, waits := p.Due()
	switch {
	case p.Calling() && p.Wanted():
		state = append(state, "calls", "then due "+due.String())
	case p.Calling():
		state = append(state, "calls")
	case waits:
		state = append(state, "due "+due.String())
	case p.Done():
		state = append(state, "done")
	}
	if givenUp {
		state = append(state, "given up")
	}
	return strings.Join(state, ", ")
}

func TestAskTellsWhatItChanged(t *testing.T) {
	var got []bool
	p := Plan{}
	for _, due := range []time.Duration{5, 5, 6, 4, math.MaxInt64} {
		got = append(got, p.Ask(due))
	}
	if diff := cmp.Diff([]bool{true, false, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPausesAreBounded(t *testing.T) {
	for _, test := range []struct {
		name     string
		min, max time.Duration
		want     []time.Duration // after 1, 2, 3, ... failures
	}{
		{"default", 0, 0, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9}},
		{"not a power of two", 10, 35, []time.Duration{10, 20, 35, 35}},
		{"steady", 10, 10, []time.Duration{10, 10}},
		{"shorter than the first", 10, 5, []time.Duration{5, 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Plan{RetryMin: test.min, RetryMax: test.max}
			var got []time.Duration
			for range test.want {
				p.Begin()
				p.End(100, false)
				due, _ := p.Due()
				got = append(got, due-100)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
