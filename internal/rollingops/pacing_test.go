package rollingops

import (
	"context"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	"github.com/google/go-cmp/cmp"
)

func TestPacing(t *testing.T) {
	p := Pacing{Delay: 10 * time.Second, Max: time.Minute}
	for failed, want := range map[int]time.Duration{1: 10, 2: 20, 3: 40, 4: 60, 5: 60, 10000: 60} {
		if got := p.pause(failed); got != want*time.Second {
			t.Errorf("pause before attempt %d is %v, want %v s", failed+1, got, want)
		}
	}
	if got := (Pacing{Delay: time.Hour}).pause(1 << 30); got != longest {
		t.Errorf("without a limit the pause grows to %v, want %v", got, longest)
	}
}

func TestPausedRetries(t *testing.T) {
	pacing := &Pacing{Delay: 10 * time.Second, Max: time.Minute}
	retried := noon.Add(-15 * time.Second)
	tests := []struct {
		name    string
		stage   stage
		granted string
		wakes   []time.Duration
		ran     bool
	}{
		{"first retry is due", stage{units: bags("app/1", waiting(AwaitRetry, 1, retried))}, "app/1", nil, false},
		{"second is not: the leader comes back for it", stage{units: bags("app/1", waiting(AwaitRetry, 2, retried))},
			"", []time.Duration{5 * time.Second}, false},
		{"earliest of two", stage{units: bags("app/1", waiting(AwaitRetry, 3, retried), "app/2", waiting(AwaitRetry, 2, retried))},
			"", []time.Duration{5 * time.Second}, false},
		{"others go first", stage{units: bags("app/1", waiting(AwaitRetry, 2, retried), "app/2", waiting(Requested, 0, noon))},
			"app/2", nil, false},
		{"a stamp ahead means the whole pause", stage{units: bags("app/1", waiting(AwaitRetry, 2, noon.Add(time.Microsecond)))},
			"", []time.Duration{20 * time.Second}, false},
		{"up to a pause ahead", stage{units: bags("app/1", waiting(AwaitRetry, 2, noon.Add(20*time.Second)))},
			"", []time.Duration{20 * time.Second}, false},
		{"one further ahead counts as due", stage{units: bags("app/1", waiting(AwaitRetry, 2, noon.Add(20*time.Second+time.Microsecond)))},
			"app/1", nil, false},
		{"the holder's too", stage{unit: "app/1", app: held("app/1", noon.Add(3*time.Second)),
			units: bags("app/1", waiting(AwaitRetryHold, 1, noon.Add(3*time.Second)))}, "", []time.Duration{10 * time.Second}, false},
		{"an operator wants it now", stage{units: bags("app/1", now(waiting(AwaitRetry, 2, retried)))}, "app/1", nil, false},
		{"from the holder", stage{unit: "app/1", app: held("app/1", noon.Add(-time.Second)),
			units: bags("app/1", now(waiting(AwaitRetryHold, 2, retried)))}, "", nil, true},
		{"wanted before the last attempt", stage{units: bags("app/1", stamped(now(waiting(AwaitRetry, 2, noon.Add(-time.Hour))), codec.TimestampOf(retried).String(), ""))},
			"", []time.Duration{5 * time.Second}, false},
		{"hold is granted at once", stage{units: bags("app/1", waiting(AwaitRetryHold, 2, retried))}, "app/1", nil, false},
		{"the holder waits its pause out", stage{unit: "app/1", app: held("app/1", noon.Add(-time.Second)),
			units: bags("app/1", waiting(AwaitRetryHold, 2, retried))}, "", []time.Duration{5 * time.Second}, false},
		{"and runs when it is over", stage{unit: "app/1", app: held("app/1", noon.Add(-time.Second)),
			units: bags("app/1", waiting(AwaitRetryHold, 1, retried))}, "", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &tt.stage
			s.pacing, s.now = pacing, noon
			if s.unit == "" {
				s.unit, s.leader = "app/0", true
			}
			s.units["app/0"] = map[string]string{}
			ran := false
			report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { ran = true; return Release, nil })
			if report.Granted != tt.granted || ran != tt.ran {
				t.Errorf("granted %q, ran %v", report.Granted, ran)
			}
			if diff := cmp.Diff(tt.wakes, s.wakes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryNow(t *testing.T) {
	failed := noon.Add(-time.Second)
	stamp := codec.TimestampOf(failed).String()
	tests := []struct {
		name    string
		bag     map[string]string
		request map[string]any
		ticket  Ticket
		retry   bool
		wrote   map[string]string
	}{
		{"nothing failed", waiting(Requested, 0, time.Time{}), nil, Ticket{Position: 1, Duplicate: true}, false, nil},
		{"in its pause", waiting(AwaitRetry, 1, failed), nil, Ticket{Position: 1, Duplicate: true, Retry: true}, true, map[string]string{KeyRetryNow: stamp}},
		{"in its pause, with the lock", waiting(AwaitRetryHold, 1, failed), nil, Ticket{Position: 1, Duplicate: true, Retry: true}, true, map[string]string{KeyRetryNow: stamp}},
		{"twice", now(waiting(AwaitRetry, 1, failed)), nil, Ticket{Position: 1, Duplicate: true, Retry: true}, true, nil},
		{"another operation", waiting(AwaitRetry, 1, failed), map[string]any{"a": 1}, Ticket{Position: 2, MaxRetry: new(int)}, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/1", now: noon, units: bags("app/1", tt.bag), pacing: &Pacing{Delay: time.Hour}}
			m := s.manager()
			m.Register("restart", nil)
			h, err := m.Begin(t.Context(), Event{})
			if err != nil {
				t.Fatal(err)
			}
			limit := 0
			ticket, err := h.Request("restart", tt.request, &limit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.ticket, ticket); diff != "" {
				t.Errorf("ticket: %s", diff)
			}
			if tt.request != nil {
				return
			}
			if got := h.RetryNow(); got != tt.retry {
				t.Errorf("RetryNow = %v", got)
			}
			if _, err := h.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.wrote, s.wrote); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The attempt uses up the wish, also one that its own callback has.
func TestRetryNowCountsOnce(t *testing.T) {
	s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), pacing: &Pacing{Delay: time.Hour}}
	s.units = bags("app/1", now(waiting(AwaitRetryHold, 1, noon.Add(-time.Second))))
	m := s.manager()
	var h *Hook
	m.Register("restart", func(context.Context, codec.Args) (Result, error) {
		h.RetryNow()
		return RetryHold, nil
	})
	h, err := m.Begin(t.Context(), Event{Kind: LockGranted})
	if err != nil {
		t.Fatal(err)
	}
	if report, err := h.Finish(t.Context()); report.Attempt == nil || err != nil {
		t.Errorf("%+v, %v", report, err)
	}
	if value, ok := s.wrote[KeyRetryNow]; value != "" || !ok {
		t.Errorf("wrote %v", s.wrote)
	}
}
