package rollingops

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	gocmp "github.com/google/go-cmp/cmp"
)

// notes are those of a machine, in memory.
type notes struct {
	key   string
	begun int
	err   error
}

func (n *notes) Begin(key string) (int, error) {
	if n.err != nil {
		return 0, n.err
	}
	if n.key != key {
		n.key, n.begun = key, 0
	}
	n.begun++
	return n.begun - 1, nil
}

func (n *notes) End(key string) error {
	if n.key == key {
		*n = notes{}
	}
	return n.err
}

// An operation that ends its own hook each time counts as failed after the
// third, and the next unit goes on.
func TestAttemptThatIsCutShort(t *testing.T) {
	n := &notes{}
	runs := 0
	hook := func(callback Callback) (*stage, Report) {
		s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
		s.attempts = n
		return s, s.hook(t, LockGranted, callback)
	}
	for range maxCutShort {
		func() {
			defer func() { recover() }()
			s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
			m := s.manager()
			m.Attempts = crashing{n}
			m.Register("restart", func(context.Context, codec.Args) (Result, error) { runs++; return Release, nil })
			h, err := m.Begin(t.Context(), Event{Kind: LockGranted})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = h.Finish(t.Context())
		}()
	}
	if runs != 0 || n.begun != maxCutShort {
		t.Fatalf("the crashes were %d, runs %d", n.begun, runs)
	}
	s, report := hook(func(context.Context, codec.Args) (Result, error) { runs++; return Release, nil })
	if runs != 0 || report.Attempt.Result != RetryRelease || report.Attempt.Err == nil || s.wrote["state"] != "retry-release" {
		t.Errorf("ran %d times, attempt %+v, wrote %v", runs, report.Attempt, s.wrote)
	}
	if n.key != "" {
		t.Error("the note was not removed")
	}
	if _, report = hook(func(context.Context, codec.Args) (Result, error) { runs++; return Release, nil }); runs != 1 || report.Attempt.Err != nil {
		t.Errorf("the next attempt: ran %d times, %+v", runs, report.Attempt)
	}
}

// crashing is a machine that goes down as soon as an attempt has begun.
type crashing struct{ *notes }

func (c crashing) Begin(key string) (int, error) {
	_, _ = c.notes.Begin(key)
	panic("power cut")
}

func TestNoteThatCannotBeMadeStopsNothing(t *testing.T) {
	s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
	s.attempts = &notes{err: errors.New("disk full")}
	report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { return Release, nil })
	if report.Attempt == nil || report.Attempt.Err != nil || s.wrote["state"] != "idle" {
		t.Errorf("attempt %+v, wrote %v", report.Attempt, s.wrote)
	}
}

func TestCallbackFailures(t *testing.T) {
	tests := []struct {
		name     string
		callback Callback
		logged   string
	}{
		{"error", func(context.Context, codec.Args) (Result, error) { return Release, errors.New("disk full") }, "disk full"},
		{"panic", func(context.Context, codec.Args) (Result, error) { panic("disk full") }, "TestCallbackFailures"},
		{"unknown result", func(context.Context, codec.Args) (Result, error) { return 7, nil }, "Result(7)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
			report := s.hook(t, RelationChanged, tt.callback)
			if report.Attempt.Result != RetryRelease || report.Attempt.Err == nil {
				t.Errorf("attempt %+v", report.Attempt)
			}
			if s.wrote["state"] != "retry-release" {
				t.Errorf("wrote %v", s.wrote)
			}
			if !strings.Contains(s.log.String(), tt.logged) {
				t.Errorf("log does not mention %q:\n%s", tt.logged, &s.log)
			}
		})
	}
}

func TestRetryLimit(t *testing.T) {
	for _, tt := range []struct {
		max, failed int
		state       string
	}{
		{0, 0, "idle"}, {1, 0, "retry-release"}, {1, 1, "idle"}, {2, 1, "retry-release"}, {2, 2, "idle"}, {2, 3, "idle"},
	} {
		op, err := codec.NewOperation("restart", codec.Args{}, noon, &tt.max)
		if err != nil {
			t.Fatal(err)
		}
		for range tt.failed {
			op = op.Next()
		}
		text, err := codec.Queue{op}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", bag(KeyState, "retry-release", KeyOperations, text))}
		report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { return RetryRelease, nil })
		state := cmp.Or(s.wrote[KeyState], "retry-release")
		if dropped := report.Attempt.Dropped != ""; state != tt.state || dropped != (tt.state == "idle") {
			t.Errorf("max_retry %d after %d failed attempts: state %s, dropped %v", tt.max, tt.failed, state, dropped)
		}
	}
}

// An attempt that is not over leaves everything as it is, and the worker brings
// the unit back to go on with it, unless it awaits another hook.
func TestAttemptThatGoesOn(t *testing.T) {
	for _, tt := range []struct {
		result Result
		state  State
		failed int
		woken  bool
	}{
		{Continue, Requested, 0, true},
		{Continue, AwaitRetryHold, 1, true},
		{Await, Requested, 0, false},
		{Await, AwaitRetryHold, 1, false},
	} {
		s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(tt.state, tt.failed, noon.Add(-time.Hour)))}
		report := s.hook(t, RelationChanged, func(context.Context, codec.Args) (Result, error) { return tt.result, nil })
		if report.Attempt == nil || report.Attempt.Result != tt.result {
			t.Fatalf("%v: %+v", tt.result, report.Attempt)
		}
		if report.Woken != tt.woken || report.Woken && report.Wake != continueAfter {
			t.Errorf("%v in %s: woken %v after %v", tt.result, tt.state, report.Woken, report.Wake)
		}
		if want := []string{"is-leader", "app", "app/1"}; gocmp.Diff(want, s.calls) != "" {
			t.Errorf("%v in %s: calls %q: something was written", tt.result, tt.state, s.calls)
		}
		// Any later hook of the unit goes on with it.
		if again := s.hook(t, OtherEvent, nil); !again.Woken {
			t.Errorf("%v in %s: the next hook does not ask for the worker", tt.result, tt.state)
		}
	}
}
