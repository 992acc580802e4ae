package rollingops

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"rolling-ops/internal/codec"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stage is the world of one hook, for tests that no recorded decision covers.
type stage struct {
	unit       string
	leader     bool
	app        map[string]string
	units      map[string]map[string]string
	leaving    string // a unit that is being removed and not listed any more
	pacing     *Pacing
	attempts   Attempts
	now        time.Time
	boot       time.Duration
	onWrite    func()
	wakeErr    error
	goalErr    error
	listErr    error
	goalEmpty  bool            // goal-state names nobody
	dying      string          // a unit that is being removed
	gone       string          // listed and readable, and not in goal-state
	slow       time.Duration   // of is-leader
	listedGone []string        // listed, and gone
	large      string          // a unit whose databag is too large
	principal  string          // makes the charm subordinate
	principals map[string]bool // goal-state of a subordinate
	apart      bool            // in no relation with the principal
	besideErr  error

	calls  []string
	wakes  []time.Duration
	looks  []time.Duration // asked for by Watch, 0 for called off
	log    bytes.Buffer
	wrote  map[string]string
	wroteA map[string]string
}

func (s *stage) manager() *Manager {
	c := Config{Unit: s.unit, Principal: s.principal, Juju: s, Clock: s, Waker: s,
		Log: slog.New(slog.NewTextHandler(&s.log, nil)), Attempts: s.attempts}
	if s.pacing != nil {
		c.Pacing = func(ctx context.Context) (Pacing, error) { return *s.pacing, ctx.Err() }
	}
	return New(c)
}

func (s *stage) IsLeader(context.Context) (bool, error) {
	s.calls = append(s.calls, "is-leader")
	s.boot += s.slow
	return s.leader, nil
}
func (s *stage) App(context.Context) (map[string]string, error) {
	s.calls = append(s.calls, "app")
	return s.app, nil
}
func (s *stage) Unit(_ context.Context, unit string) (map[string]string, error) {
	s.calls = append(s.calls, unit)
	if unit == s.large {
		return s.units[unit], codec.ErrTooLarge
	}
	if slices.Contains(s.listedGone, unit) {
		return nil, errors.New("relation unit not found")
	}
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
	return append(others, s.listedGone...), s.listErr
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
func (s *stage) Watch(_ context.Context, d time.Duration) error {
	s.looks = append(s.looks, d)
	return nil
}
func (s *stage) Wake(_ context.Context, d time.Duration) error {
	s.wakes = append(s.wakes, d)
	return s.wakeErr
}

func (s *stage) Beside(context.Context) (bool, error) { return !s.apart, s.besideErr }

func (s *stage) GoalState(context.Context) (map[string]bool, error) {
	s.calls = append(s.calls, "goal-state")
	if s.principal != "" {
		return s.principals, s.goalErr
	}
	units := make(map[string]bool)
	for unit := range s.units {
		if !s.goalEmpty && unit != s.gone {
			units[unit] = unit == s.leaving || unit == s.dying
		}
	}
	return units, s.goalErr
}

// waiting is the databag of a unit with one operation.
func waiting(state State, failed int, executedAt time.Time) map[string]string {
	op, err := codec.NewOperation("restart", codec.Args{}, noon.Add(-time.Hour), nil)
	if err != nil {
		panic(err)
	}
	for range failed {
		op = op.Next()
	}
	text, err := codec.Queue{op}.Encode()
	if err != nil {
		panic(err)
	}
	bag := map[string]string{"state": string(state), "operations": text}
	if !executedAt.IsZero() {
		bag[KeyExecutedAt] = codec.TimestampOf(executedAt).String()
		bag[KeyExecutedAtCopy] = bag[KeyExecutedAt]
	}
	return bag
}

func held(unit string, at time.Time) map[string]string {
	return map[string]string{"granted_unit": unit, "granted_at": codec.TimestampOf(at).String()}
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

func bags(pairs ...any) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1].(map[string]string)
	}
	return out
}
