package rollingops

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	"github.com/google/go-cmp/cmp"
)

// A grant must read each unit once, however many there are.
func TestGrantReadsEachUnitOnce(t *testing.T) {
	s := stage{unit: "app/0", leader: true, now: noon, units: map[string]map[string]string{}}
	for i := range 50 {
		s.units[fmt.Sprintf("app/%d", i)] = waiting(Requested, 0, time.Time{})
	}
	s.hook(t, OtherEvent, nil)
	count := make(map[string]int)
	for _, call := range s.calls {
		count[call]++
	}
	for call, n := range count {
		if n != 1 {
			t.Errorf("%s was asked for %d times", call, n)
		}
	}
	if want := 50 + len([]string{"is-leader", "app", "goal-state", "relation-list", "set-app"}); len(s.calls) != want {
		t.Errorf("%d calls, want %d", len(s.calls), want)
	}
}

func TestPacing(t *testing.T) {
	p := Pacing{Delay: 10 * time.Second, Max: time.Minute}
	for failed, want := range map[int]time.Duration{1: 10, 2: 20, 3: 40, 4: 60, 5: 60, 10000: 60} {
		if got := p.before(failed); got != want*time.Second {
			t.Errorf("pause before attempt %d is %v, want %v s", failed+1, got, want)
		}
	}
	if got := (Pacing{Delay: time.Hour}).before(1 << 30); got != longest {
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
		{"a stamp in the future counts as due", stage{units: bags("app/1", waiting(AwaitRetry, 2, noon.Add(time.Hour)))},
			"app/1", nil, false},
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

// A leader whose hook has taken too long keeps its own result and leaves the
// lock to the next hook.
func TestLateLeader(t *testing.T) {
	newStage := func() *stage {
		return &stage{unit: "app/0", leader: true, now: noon, app: held("app/0", noon.Add(-time.Second)),
			units: bags("app/0", waiting(Requested, 0, time.Time{}), "app/1", waiting(Requested, 0, time.Time{}))}
	}
	tests := []struct {
		name  string
		stage *stage
		slow  func(*stage) // in the callback
		late  bool
	}{
		{"in time", newStage(), func(s *stage) { s.boot += LeaseMargin }, false},
		{"slow callback", newStage(), func(s *stage) { s.boot += LeaseMargin + 1 }, true},
		{"suspended just before the write", newStage(), func(s *stage) { s.onWrite = func() { s.boot += time.Minute } }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := tt.stage.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) {
				tt.slow(tt.stage)
				return Release, nil
			})
			if tt.stage.wrote["state"] != "idle" {
				t.Errorf("own result not written: %v", tt.stage.wrote)
			}
			if report.Late != tt.late || (tt.stage.wroteA == nil) != tt.late || (len(tt.stage.wakes) > 0) != tt.late {
				t.Errorf("late %v, wrote %v, wakes %v", report.Late, tt.stage.wroteA, tt.stage.wakes)
			}
		})
	}
}

// With Juju 3 the last event about a unit that leaves comes before it is gone.
func TestLeaderLooksAgainAfterALeavingHolder(t *testing.T) {
	units := map[string]map[string]string{"app/0": {}, "app/1": waiting(Requested, 0, time.Time{}), "app/2": {}}
	s := &stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon), units: units, leaving: "app/1"}
	s.hook(t, OtherEvent, nil)
	if diff := cmp.Diff([]time.Duration{recheckAfter}, s.wakes); diff != "" || s.wroteA != nil {
		t.Errorf("worker (-want +got):\n%s, wrote %v", diff, s.wroteA)
	}
	delete(units, "app/1")
	s.hook(t, LockGranted, nil)
	if want := map[string]string{"granted_unit": "", "granted_at": ""}; !cmp.Equal(s.wroteA, want) {
		t.Errorf("want the lock free, wrote %v", s.wroteA)
	}
}

// That is how the leader hears of it where Juju does not tell (juju#23326).
func TestLeavingHolderSaysSo(t *testing.T) {
	stamp := codec.TimestampOf(noon).String()
	tests := []struct {
		name  string
		app   map[string]string
		own   map[string]string
		wrote map[string]string
	}{
		{"holder", held("app/1", noon), nil, map[string]string{KeyLeaving: stamp}},
		{"holder that said so", held("app/1", noon), map[string]string{KeyLeaving: stamp}, nil},
		{"grant used", held("app/1", noon), map[string]string{KeyExecutedAt: codec.TimestampOf(noon.Add(time.Second)).String()}, nil},
		{"another holds", held("app/2", noon), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			units := map[string]map[string]string{"app/1": tt.own, "app/2": nil}
			s := &stage{unit: "app/1", now: noon, app: tt.app, units: units}
			h, err := s.manager().Begin(t.Context(), Event{Leaving: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.wrote, s.wrote); diff != "" {
				t.Errorf("wrote (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForcedHolderIsLastInLine(t *testing.T) {
	stuck := waiting(Requested, 0, time.Time{}) // the oldest request: it would be next
	later := waiting(AwaitRetry, 1, noon)
	tests := []struct {
		name  string
		units map[string]map[string]string
		want  string
	}{
		{"another waits", bags("app/0", map[string]string{}, "app/1", stuck, "app/2", later), "app/2"},
		{"the other has a lower number", bags("app/0", later, "app/1", stuck), "app/0"},
		{"nobody else waits", bags("app/0", map[string]string{}, "app/1", stuck), "app/1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon.Add(-time.Hour)), units: tt.units}
			h, err := s.manager().Begin(t.Context(), Event{})
			if err != nil {
				t.Fatal(err)
			}
			if holder, err := h.ForceRelease(); holder != "app/1" || err != nil {
				t.Errorf("ForceRelease = %q, %v", holder, err)
			}
			if report, err := h.Finish(t.Context()); report.Granted != tt.want || report.Released != "app/1" || err != nil {
				t.Errorf("released %q and granted %q, want app/1 and %q (%v)", report.Released, report.Granted, tt.want, err)
			}
		})
	}
}
