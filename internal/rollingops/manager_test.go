package rollingops

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestCost(t *testing.T) {
	units := map[string]map[string]string{"app/0": {}, "app/1": waiting(Requested, 0, time.Time{}), "app/2": {}}
	tests := []struct {
		name  string
		stage stage
		want  []string
	}{
		{"follower, nothing to do", stage{unit: "app/0", app: held("app/1", noon)}, []string{"is-leader", "app", "app/0"}},
		{"leader, lock held", stage{unit: "app/0", leader: true, app: held("app/1", noon)},
			[]string{"is-leader", "app", "app/0", "relation-list", "app/1", "goal-state"}},
		{"leader, lock free and nobody waits", stage{unit: "app/0", leader: true, units: bags("app/0", map[string]string{}, "app/1", map[string]string{})},
			[]string{"is-leader", "app", "app/0", "relation-list", "app/1"}},
		{"leader, used grant and nobody waits", stage{unit: "app/0", leader: true, app: held("app/1", noon),
			units: bags("app/0", map[string]string{}, "app/1", bag(KeyExecutedAt, codec.TimestampOf(noon.Add(time.Second)).String()))},
			[]string{"is-leader", "app", "app/0", "relation-list", "app/1", "set-app"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.stage.now = noon; tt.stage.units == nil {
				tt.stage.units = units
			}
			tt.stage.hook(t, RelationChanged, nil)
			if diff := gocmp.Diff(tt.want, tt.stage.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The holder's pause goes on although dispatch was told to end.
func TestCancelledHookKeepsThePause(t *testing.T) {
	s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), pacing: &Pacing{Delay: time.Minute}}
	s.units = bags("app/1", waiting(AwaitRetryHold, 1, noon.Add(-time.Second)))
	ctx, cancel := context.WithCancel(t.Context())
	m := s.manager()
	h, err := m.Begin(ctx, Event{Kind: LockGranted})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := h.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]time.Duration{59 * time.Second}, s.wakes); diff != "" {
		t.Errorf("worker (-want +got):\n%s", diff)
	}
}

// The callback's context ends with the hook's; what it did is written anyway.
func TestCancelledHookKeepsItsResult(t *testing.T) {
	s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
	m := s.manager()
	ctx, cancel := context.WithCancel(t.Context())
	m.Register("restart", func(ctx context.Context, _ codec.Args) (Result, error) {
		cancel()
		return Release, ctx.Err()
	})
	h, err := m.Begin(ctx, Event{Kind: LockGranted})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if s.wrote["state"] != "retry-release" {
		t.Errorf("wrote %v", s.wrote)
	}
}

// An attempt that never began does not count.
func TestHookCancelledBeforeItsAttempt(t *testing.T) {
	s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
	m := s.manager()
	m.Register("restart", func(context.Context, codec.Args) (Result, error) {
		t.Error("the callback ran")
		return Release, nil
	})
	h, err := m.Begin(t.Context(), Event{Kind: LockGranted})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Finish(ctx); !errors.Is(err, context.Canceled) || s.wrote != nil {
		t.Errorf("Finish: %v, wrote %v", err, s.wrote)
	}
}

// What a callback did must not be done again for what the leader does after it.
func TestAttemptOutlivesAFailedSchedule(t *testing.T) {
	s := &stage{unit: "app/0", leader: true, now: noon, app: held("app/0", noon), listErr: errors.New("not found"),
		units: bags("app/0", waiting(Requested, 0, time.Time{}), "app/1", waiting(Requested, 0, time.Time{}))}
	report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { return Release, nil })
	if s.wrote["state"] != "idle" || s.wrote["executed_at"] == "" {
		t.Errorf("own result not written: %v", s.wrote)
	}
	if s.wroteA != nil || report.Granted != "" || report.Released != "" {
		t.Errorf("the lock was changed: %v, %+v", s.wroteA, report)
	}
	if diff := gocmp.Diff([]time.Duration{comeBackAfter}, s.wakes); diff != "" {
		t.Errorf("worker (-want +got):\n%s", diff)
	}
}

func TestUnusableStampIsNamed(t *testing.T) {
	for _, unit := range []string{"app/0", "app/1"} {
		t.Run(unit, func(t *testing.T) {
			units := bags("app/0", map[string]string(nil), "app/1", map[string]string(nil))
			units[unit] = waiting(AwaitRetry, 1, time.Time{})
			s := &stage{unit: "app/0", leader: true, now: noon, units: units}
			s.hook(t, OtherEvent, nil)
			if got := strings.Count(s.log.String(), "the unit is passed over\" unit="+unit); got != 1 {
				t.Errorf("named %d times:\n%s", got, &s.log)
			}
		})
	}
}

// A queue that is too large to be read is like one that can't be decoded: its
// unit alone is passed over. It gives back its grant all the same.
func TestOversizedQueue(t *testing.T) {
	used := codec.TimestampOf(noon.Add(time.Second)).String()
	for _, large := range []string{"app/0", "app/1"} {
		t.Run(large, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, large: large, app: held(large, noon),
				units: bags("app/0", map[string]string(nil), "app/1", map[string]string(nil), "app/2", waiting(Requested, 0, time.Time{}))}
			s.units[large] = bag(KeyState, "request", KeyExecutedAt, used)
			m := s.manager()
			m.Register("restart", nil)
			h, err := m.Begin(t.Context(), Event{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Request("restart", nil, nil); errors.As(err, new(*UndecodableQueueError)) != (large == "app/0") {
				t.Errorf("request: %v", err)
			}
			if report, err := h.Finish(t.Context()); report.Released != large || report.Granted != "app/2" && report.Granted != "app/0" || err != nil {
				t.Errorf("released %q, granted %q, %v", report.Released, report.Granted, err)
			}
			if want := "unit=" + large; !strings.Contains(s.log.String(), want) {
				t.Errorf("no %q in the log:\n%s", want, &s.log)
			}
		})
	}
}

func TestWorkerThatCannotStartKeepsTheHook(t *testing.T) {
	s := stage{unit: "app/0", leader: true, now: noon, wakeErr: errors.New("no processes left"),
		units: bags("app/0", waiting(Requested, 0, time.Time{}))}
	s.hook(t, OtherEvent, nil)
	if s.wroteA["granted_unit"] != "app/0" {
		t.Errorf("wrote %v", s.wroteA)
	}
	if !strings.Contains(s.log.String(), "no processes left") {
		t.Errorf("log: %s", &s.log)
	}
}

func TestStatus(t *testing.T) {
	requested := codec.TimestampOf(noon.Add(-time.Hour)).String()
	long := noon.Add(-StallAfter - time.Second)
	tests := []struct {
		name  string
		stage stage
		want  Status
	}{
		{"idle", stage{units: bags("app/1", map[string]string{})}, Status{Kind: StatusIdle}},
		{"third in the line", stage{units: bags("app/1", waiting(Requested, 0, time.Time{}), "app/0", waiting(Requested, 0, time.Time{}),
			"app/2", waiting(AwaitRetryHold, 1, noon), "app/3", waiting(AwaitRetry, 1, noon))},
			Status{Kind: StatusWaiting, Operation: "restart", Requested: requested, Queued: 1, Position: 3}},
		{"granted", stage{app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))},
			Status{Kind: StatusGranted, Operation: "restart", Requested: requested, Queued: 1, Position: 1, Holder: "app/1", Since: noon}},
		{"stalled", stage{app: held("app/1", long), units: bags("app/1", waiting(Requested, 0, time.Time{}))},
			Status{Kind: StatusStalled, Operation: "restart", Requested: requested, Queued: 1, Position: 1, Holder: "app/1", Since: long}},
		{"waits for a stalled holder", stage{app: held("app/2", long), units: bags("app/1", waiting(Requested, 0, time.Time{}), "app/2", map[string]string{})},
			Status{Kind: StatusWaiting, Operation: "restart", Requested: requested, Queued: 1, Position: 1, Holder: "app/2", Since: long, StalledHolder: true}},
		{"pausing", stage{units: bags("app/1", waiting(AwaitRetry, 1, noon))},
			Status{Kind: StatusRetrying, Operation: "restart", Requested: requested, Queued: 1, Position: 1, Failed: 1, Until: noon.Add(10 * time.Second)}},
		{"unreadable", stage{units: bags("app/1", map[string]string{"operations": "?"}, "app/10", map[string]string{"operations": "?"}, "app/9", map[string]string{"operations": "?"})},
			Status{Kind: StatusUnreadable, Unreadable: []string{"app/1", "app/9", "app/10"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &tt.stage
			s.unit, s.now, s.pacing = "app/1", noon, &Pacing{Delay: 10 * time.Second}
			h, err := s.manager().Begin(t.Context(), Event{})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Survey(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := h.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Surveyed = true
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoRelation(t *testing.T) {
	m := New(Config{Unit: "app/0"})
	m.Register("restart", nil)
	h, err := m.Begin(t.Context(), Event{Kind: UpdateStatus})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Request("restart", nil, nil); !errors.Is(err, ErrNoRelation) {
		t.Errorf("Request: %v", err)
	}
	if _, err := h.DiscardQueue(); !errors.Is(err, ErrNoRelation) {
		t.Errorf("DiscardQueue: %v", err)
	}
	if _, err := h.ForceRelease(); !errors.Is(err, ErrNoRelation) {
		t.Errorf("ForceRelease: %v", err)
	}
	if report, err := h.Finish(t.Context()); err != nil || report != (Report{}) {
		t.Errorf("Finish = %+v, %v", report, err)
	}
	if s, err := h.Status(t.Context()); err != nil || s.Kind != StatusNotReady {
		t.Errorf("Status = %+v, %v", s, err)
	}
}
