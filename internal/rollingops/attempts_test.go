package rollingops

import (
	"context"
	"errors"
	"testing"
	"time"

	"rolling-ops/internal/codec"
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
