package v1unit

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"

	"github.com/google/go-cmp/cmp"
)

const (
	requested = `["{\"callback_id\":\"restart\",\"kwargs\":\"{}\",\"requested_at\":\"2026-03-01T11:00:00+00:00\",\"max_retry\":\"\",\"attempt\":\"0\"}"]`
	retried   = `["{\"callback_id\":\"restart\",\"kwargs\":\"{}\",\"requested_at\":\"2026-03-01T11:00:00+00:00\",\"max_retry\":\"\",\"attempt\":\"1\"}"]`
)

// stage is a relation of the units app/0, the local one, and app/1, which notes
// what it is asked.
type stage struct {
	app    map[string]string
	units  map[string]map[string]string
	calls  []string
	leads  bool
	clock  time.Duration
	result rollingops.Result
	takes  time.Duration // a callback
}

func (s *stage) note(call string) { s.calls = append(s.calls, call) }

func (s *stage) hook(order func([]string) []string) *Hook {
	callback := func(context.Context, codec.Args) (rollingops.Result, error) {
		s.note("run")
		s.clock += s.takes
		return s.result, nil
	}
	return Begin(Config{Unit: "app/0", Relation: s, IsLeader: s.IsLeader, Clock: s, Worker: s, Order: order, Callbacks: map[string]rollingops.Callback{"restart": callback}})
}

func (s *stage) Now() time.Time           { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(s.clock) }
func (s *stage) SinceBoot() time.Duration { return s.clock }

func (s *stage) IsLeader(context.Context) (bool, error) {
	s.note("is-leader")
	return s.leads, nil
}

func (s *stage) App(context.Context) (map[string]string, error) {
	s.note("app")
	return s.app, nil
}

func (s *stage) Unit(_ context.Context, unit string) (map[string]string, error) {
	s.note(unit)
	return s.units[unit], nil
}

func (s *stage) Members(context.Context) ([]string, error) {
	s.note("list")
	return []string{"app/1"}, nil
}

func (s *stage) SetUnit(_ context.Context, changes map[string]string) error {
	s.note("set unit")
	return nil
}

func (s *stage) SetApp(_ context.Context, changes map[string]string) error {
	s.note("set app")
	set(s.app, changes)
	return nil
}

func (s *stage) Start(context.Context) (int, error) {
	s.note("start worker")
	return 22, nil
}

func (s *stage) Interrupt(_ context.Context, pid int) { s.note("interrupt") }

func TestOrderOfCalls(t *testing.T) {
	waiting := map[string]string{"state": "request", "operations": requested}
	retrying := map[string]string{"state": "retry-release", "operations": retried, "executed_at": "2026-03-01T11:30:00+00:00"}
	granted := map[string]string{"granted_unit": "app/0", "granted_at": "2026-03-01T11:59:00+00:00"}
	tests := []struct {
		name  string
		event Event
		leads bool
		takes time.Duration
		app   map[string]string
		own   map[string]string
		want  []string
	}{
		{"a follower looks at the grant alone", Event{Kind: RelationChanged}, false, 0, nil, waiting, []string{"list", "is-leader", "app"}},
		{"a follower runs", Event{Kind: RelationChanged}, false, 0, granted, waiting, []string{"list", "is-leader", "app", "app/0", "run", "set unit"}},
		{"a leader grants itself and runs at once", Event{Kind: LeaderElected}, true, 0, nil, waiting,
			[]string{"is-leader", "list", "app", "app/0", "app/1", "set app", "run", "set unit", "set app"}},
		{"after half a minute it asks whether it leads", Event{Kind: LeaderElected}, true, 31 * time.Second, nil, waiting,
			[]string{"is-leader", "list", "app", "app/0", "app/1", "set app", "run", "set unit", "is-leader", "set app"}},
		{"a leader's own retry waits for its worker", Event{Kind: RelationChanged}, true, 0, nil, retrying,
			[]string{"list", "is-leader", "app", "app/0", "app/1", "set app", "start worker", "set app"}},
		{"it stops what it takes for its last worker", Event{Kind: RelationChanged}, true, 0, map[string]string{KeyWorker: "7"}, retrying,
			[]string{"list", "is-leader", "app", "app/0", "app/1", "set app", "interrupt", "set app", "start worker", "set app"}},
		{"who leaves loses the lock", Event{Kind: RelationDeparted, Departing: "app/1"}, true, 0, map[string]string{"granted_unit": "app/1"}, nil,
			[]string{"list", "is-leader", "app", "set app", "app/0", "app/1"}},
		{"other hooks do nothing", Event{}, true, 0, granted, waiting, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{app: copyOf(tt.app), units: map[string]map[string]string{"app/0": copyOf(tt.own), "app/1": {}}, leads: tt.leads, takes: tt.takes}
			if err := s.hook(nil).Handle(context.Background(), tt.event); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of two units that hold on for a retry v1 takes whichever its set has first.
func TestOrderOfUnits(t *testing.T) {
	holding := map[string]string{"state": "retry-hold", "operations": retried}
	backwards := func(units []string) []string {
		slices.Reverse(units)
		return units
	}
	for want, order := range map[string]func([]string) []string{"app/0": nil, "app/1": backwards} {
		s := &stage{app: map[string]string{}, units: map[string]map[string]string{"app/0": holding, "app/1": holding}, leads: true}
		if err := s.hook(order).Handle(context.Background(), Event{Kind: LeaderElected}); err != nil {
			t.Fatal(err)
		}
		if s.app["granted_unit"] != want {
			t.Errorf("granted %q, want %q", s.app["granted_unit"], want)
		}
	}
}

func TestWorkerPidThatIsNone(t *testing.T) {
	retrying := map[string]string{"state": "retry-hold", "operations": retried}
	s := &stage{app: map[string]string{KeyWorker: "x"}, units: map[string]map[string]string{"app/0": retrying, "app/1": {}}, leads: true}
	err := s.hook(nil).Handle(context.Background(), Event{Kind: LeaderElected})
	var raised *RaisedError
	if !errors.As(err, &raised) || raised.Exception != "ValueError" {
		t.Errorf("got %v, want a ValueError", err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	for want, h := range map[string]*Hook{
		InvalidRequest: (&stage{units: map[string]map[string]string{"app/0": {"operations": "{"}}}).hook(nil),
		NoRelation:     Begin(Config{Unit: "app/0", Callbacks: map[string]rollingops.Callback{"restart": nil}}),
	} {
		err := h.Request(context.Background(), "restart", nil, nil)
		var raised *RaisedError
		if !errors.As(err, &raised) || raised.Exception != want {
			t.Errorf("got %v, want a %s", err, want)
		}
	}
}
