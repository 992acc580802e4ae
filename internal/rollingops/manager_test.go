package rollingops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stage is the world of one hook, for tests that no recorded decision covers.
type stage struct {
	unit    string
	leader  bool
	app     map[string]string
	units   map[string]map[string]string
	leaving string // a unit that is being removed and not listed any more
	pacing  *Pacing
	now     time.Time
	boot    time.Duration
	onWrite func()
	wakeErr error

	calls  []string
	wakes  []time.Duration
	log    bytes.Buffer
	wrote  map[string]string
	wroteA map[string]string
}

func (s *stage) manager() *Manager {
	c := Config{Unit: s.unit, Leadership: s, GoalState: stageGoalState{s}, Clock: s, Waker: s, Relation: s,
		Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	if s.pacing != nil {
		c.Pacing = func(context.Context) (Pacing, error) { return *s.pacing, nil }
	}
	return New(c)
}

func (s *stage) IsLeader(context.Context) (bool, error) {
	s.calls = append(s.calls, "is-leader")
	return s.leader, nil
}
func (s *stage) App(context.Context) (map[string]string, error) {
	s.calls = append(s.calls, "app")
	return s.app, nil
}
func (s *stage) Unit(_ context.Context, unit string) (map[string]string, error) {
	s.calls = append(s.calls, unit)
	return s.units[unit], nil
}
func (s *stage) Members(context.Context) ([]string, error) {
	s.calls = append(s.calls, "relation-list")
	var others []string
	for unit := range s.units {
		if unit != s.unit && unit != s.leaving {
			others = append(others, unit)
		}
	}
	return others, nil
}
func (s *stage) SetUnit(_ context.Context, changes map[string]string) error {
	s.calls = append(s.calls, "set-unit")
	s.wrote = changes
	if s.onWrite != nil {
		s.onWrite()
	}
	return nil
}
func (s *stage) SetApp(_ context.Context, changes map[string]string) error {
	s.calls = append(s.calls, "set-app")
	s.wroteA = changes
	return nil
}
func (s *stage) Now() time.Time           { return s.now }
func (s *stage) SinceBoot() time.Duration { return s.boot }
func (s *stage) Wake(_ context.Context, d time.Duration) error {
	s.wakes = append(s.wakes, d)
	return s.wakeErr
}

type stageGoalState struct{ s *stage }

func (g stageGoalState) Units(context.Context) (map[string]bool, error) {
	g.s.calls = append(g.s.calls, "goal-state")
	units := make(map[string]bool)
	for unit := range g.s.units {
		units[unit] = unit == g.s.leaving
	}
	return units, nil
}

// waiting is the databag of a unit with one operation.
func waiting(state State, failed int, executedAt time.Time) map[string]string {
	op, err := NewOperation("restart", Args{}, noon.Add(-time.Hour), nil)
	if err != nil {
		panic(err)
	}
	for range failed {
		op = op.Next()
	}
	text, err := Queue{op}.Encode()
	if err != nil {
		panic(err)
	}
	bag := map[string]string{"state": string(state), "operations": text}
	if !executedAt.IsZero() {
		bag["executed_at"] = TimestampOf(executedAt).String()
	}
	return bag
}

func held(unit string, at time.Time) map[string]string {
	return map[string]string{"granted_unit": unit, "granted_at": TimestampOf(at).String()}
}

func (s *stage) hook(t *testing.T, kind EventKind, cb Callback) Report {
	t.Helper()
	m := s.manager()
	if cb != nil {
		m.Register("restart", cb)
	}
	h, err := m.Begin(t.Context(), Event{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	report, err := h.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCost(t *testing.T) {
	units := map[string]map[string]string{"app/0": {}, "app/1": waiting(Requested, 0, time.Time{}), "app/2": {}}
	tests := []struct {
		name  string
		stage stage
		want  []string
	}{
		{"follower, nothing to do", stage{unit: "app/0", app: held("app/1", noon)}, []string{"is-leader", "app", "app/0"}},
		{"leader, lock held", stage{unit: "app/0", leader: true, app: held("app/1", noon)},
			[]string{"is-leader", "app", "app/0", "goal-state", "relation-list", "app/1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.stage.units, tt.stage.now = units, noon
			tt.stage.hook(t, RelationChanged, nil)
			if diff := cmp.Diff(tt.want, tt.stage.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

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
			report := s.hook(t, LockGranted, func(context.Context, Args) (Result, error) { ran = true; return Release, nil })
			if report.Granted != tt.granted || ran != tt.ran {
				t.Errorf("granted %q, ran %v", report.Granted, ran)
			}
			if diff := cmp.Diff(tt.wakes, s.wakes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func bags(pairs ...any) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1].(map[string]string)
	}
	return out
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
			report := tt.stage.hook(t, LockGranted, func(context.Context, Args) (Result, error) {
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
	stamp := TimestampOf(noon).String()
	tests := []struct {
		name  string
		app   map[string]string
		own   map[string]string
		wrote map[string]string
	}{
		{"holder", held("app/1", noon), nil, map[string]string{keyLeaving: stamp}},
		{"holder that said so", held("app/1", noon), map[string]string{keyLeaving: stamp}, nil},
		{"grant used", held("app/1", noon), map[string]string{keyExecutedAt: TimestampOf(noon.Add(time.Second)).String()}, nil},
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

func TestCallbackFailures(t *testing.T) {
	tests := []struct {
		name     string
		callback Callback
		logged   string
	}{
		{"error", func(context.Context, Args) (Result, error) { return Release, errors.New("disk full") }, "disk full"},
		{"panic", func(context.Context, Args) (Result, error) { panic("disk full") }, "TestCallbackFailures"},
		{"unknown result", func(context.Context, Args) (Result, error) { return 7, nil }, "Result(7)"},
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

// A callback may queue what comes after it.
func TestRequestFromCallback(t *testing.T) {
	s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
	m := s.manager()
	var h *Hook
	m.Register("restart", func(context.Context, Args) (Result, error) {
		_, err := h.Request("restart", map[string]any{"again": true}, nil)
		return Release, err
	})
	h, err := m.Begin(t.Context(), Event{Kind: LockGranted})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	q, err := ParseQueue(s.wrote["operations"])
	if err != nil {
		t.Fatal(err)
	}
	if op, _ := q.Head(); q.Len() != 1 || op.Kwargs.JSON() != `{"again":true}` {
		t.Errorf("queue after the attempt: %s", s.wrote["operations"])
	}
	if s.wrote["executed_at"] == "" {
		t.Error("the attempt left no stamp")
	}
}

// The callback's context ends with the hook's; what it did is written anyway.
func TestCancelledHookKeepsItsResult(t *testing.T) {
	s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
	m := s.manager()
	ctx, cancel := context.WithCancel(t.Context())
	m.Register("restart", func(ctx context.Context, _ Args) (Result, error) {
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
	m.Register("restart", func(context.Context, Args) (Result, error) {
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

// Stamps end with the year 9999. One that leaves no room for the next ones must
// not hold the lock, nor let a unit run twice on one grant.
func TestStampsAtTheEndOfTime(t *testing.T) {
	for _, end := range []string{"9998-01-01T00:00:00+00:00", "9998-12-31T23:59:59.999998+00:00", "9998-12-31T23:59:59.999999+00:00", "9999-12-31T23:59:59.999999+00:00"} {
		unit := waiting(Requested, 0, time.Time{})
		unit["executed_at"] = end
		s := stage{unit: "app/0", leader: true, now: noon, units: bags("app/0", waiting(Requested, 0, noon), "app/1", unit)}
		if report := s.hook(t, OtherEvent, nil); report.Granted != "app/0" {
			t.Errorf("executed_at %s: granted %q", end, report.Granted)
		}
		if !strings.Contains(s.log.String(), "passed over") {
			t.Errorf("executed_at %s: nothing was said of it: %s", end, &s.log)
		}

		s = stage{unit: "app/1", now: noon, units: bags("app/1", unit)}
		h, err := s.manager().Begin(t.Context(), Event{})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := h.Status(t.Context()); err != nil || status.Kind != StatusUnreadable {
			t.Errorf("executed_at %s: status %v, %v", end, status.Kind, err)
		}
		if _, err := h.DiscardQueue(); err != nil {
			t.Error(err)
		}
		if _, err := h.Finish(t.Context()); err != nil {
			t.Error(err)
		}
		if at, ok := s.wrote["executed_at"]; at != "" || !ok {
			t.Errorf("executed_at %s: after the queue was cleared it is %q", end, at)
		}
	}
	// The latest stamp with which a unit can be granted the lock.
	unit := waiting(Requested, 0, time.Time{})
	unit["executed_at"] = "9997-12-31T23:59:59.999999+00:00"
	s := stage{unit: "app/0", leader: true, now: noon, units: bags("app/0", map[string]string{}, "app/1", unit)}
	s.hook(t, OtherEvent, nil)
	granted := s.wroteA
	runs := 0
	for range 2 {
		s = stage{unit: "app/1", now: noon, app: granted, units: bags("app/1", unit)}
		s.hook(t, LockGranted, func(context.Context, Args) (Result, error) { runs++; return RetryRelease, nil })
		for key, value := range s.wrote {
			unit[key] = value
		}
	}
	if runs != 1 {
		t.Errorf("ran %d times on one grant of %s", runs, granted["granted_at"])
	}

	s = stage{unit: "app/0", leader: true, now: noon, app: map[string]string{"granted_unit": "app/1", "granted_at": "9999-12-31T23:59:59.999999+00:00"},
		units: bags("app/0", map[string]string{}, "app/1", map[string]string{})}
	s.hook(t, OtherEvent, nil)
	if diff := cmp.Diff(map[string]string{"granted_unit": "", "granted_at": ""}, s.wroteA); diff != "" {
		t.Errorf("a grant at the end of time is not void:\n%s", diff)
	}
}

func TestRequestTooLargeToWrite(t *testing.T) {
	s := stage{unit: "app/0", now: noon, units: bags("app/0", map[string]string{})}
	m := s.manager()
	m.Register("restart", nil)
	h, err := m.Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *InvalidRequestError
	if _, err := h.Request("restart", map[string]any{"x": strings.Repeat("x", 17<<20)}, nil); !errors.As(err, &invalid) {
		t.Errorf("Request: %v", err)
	}
	if _, err := h.Finish(t.Context()); err != nil || s.wrote != nil {
		t.Errorf("Finish: %v, wrote %d keys", err, len(s.wrote))
	}
}

func TestOperatorActions(t *testing.T) {
	s := stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon.Add(-time.Hour)),
		units: bags("app/0", map[string]string{"operations": "garbage", "state": "request"}, "app/1", map[string]string{})}
	h, err := s.manager().Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	var undecodable *UndecodableQueueError
	h.m.Register("restart", nil)
	if _, err := h.Request("restart", nil, nil); !errors.As(err, &undecodable) {
		t.Errorf("request on an unreadable queue: %v", err)
	}
	if n, err := h.DiscardQueue(); n != -1 || err != nil {
		t.Errorf("DiscardQueue = %d, %v", n, err)
	}
	if holder, err := h.ForceRelease(); holder != "app/1" || err != nil {
		t.Errorf("ForceRelease = %q, %v", holder, err)
	}
	if _, err := h.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"operations": "[]", "state": "idle"}, s.wrote); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"granted_unit": "", "granted_at": ""}, s.wroteA); diff != "" {
		t.Error(diff)
	}

	s = stage{unit: "app/0", now: noon, units: bags("app/0", map[string]string{})}
	if h, err = s.manager().Begin(t.Context(), Event{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ForceRelease(); !errors.Is(err, ErrNotLeader) {
		t.Errorf("ForceRelease on a follower: %v", err)
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

func TestStatus(t *testing.T) {
	long := noon.Add(-StallAfter - time.Second)
	tests := []struct {
		name  string
		stage stage
		want  Status
	}{
		{"idle", stage{units: bags("app/1", map[string]string{})}, Status{Kind: StatusIdle}},
		{"third in the line", stage{units: bags("app/1", waiting(Requested, 0, time.Time{}), "app/0", waiting(Requested, 0, time.Time{}),
			"app/2", waiting(AwaitRetryHold, 1, noon), "app/3", waiting(AwaitRetry, 1, noon))},
			Status{Kind: StatusWaiting, Operation: "restart", Queued: 1, Position: 3}},
		{"granted", stage{app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))},
			Status{Kind: StatusGranted, Operation: "restart", Queued: 1, Position: 1, Holder: "app/1", Since: noon}},
		{"stalled", stage{app: held("app/1", long), units: bags("app/1", waiting(Requested, 0, time.Time{}))},
			Status{Kind: StatusStalled, Operation: "restart", Queued: 1, Position: 1, Holder: "app/1", Since: long}},
		{"waits for a stalled holder", stage{app: held("app/2", long), units: bags("app/1", waiting(Requested, 0, time.Time{}), "app/2", map[string]string{})},
			Status{Kind: StatusWaiting, Operation: "restart", Queued: 1, Position: 1, Holder: "app/2", Since: long, StalledHolder: true}},
		{"pausing", stage{units: bags("app/1", waiting(AwaitRetry, 1, noon))},
			Status{Kind: StatusRetrying, Operation: "restart", Queued: 1, Position: 1, Failed: 1, Until: noon.Add(10 * time.Second)}},
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
			if diff := cmp.Diff(tt.want, got); diff != "" {
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
