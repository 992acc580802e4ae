package rollingops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// cluster is an application whose units have their hooks one after the other,
// each of which commits at once. Order and time are the simulation's to vary.
type cluster struct {
	t       *testing.T
	app     map[string]string
	units   map[string]map[string]string
	leader  string
	now     time.Time
	results map[string]Result // what a unit's operation returns, Release unless said
	ran     []string          // the units that ran, in order
	pacing  *Pacing
	order   func(context.Context, []string, string) ([]string, error)
	opens   time.Time
	primary string // the unit that asks for the last turn
	blind   bool
	// principals is goal-state if the charm is subordinate, app/N beside db/N.
	principals map[string]bool
	remote     string          // the unit that relation-changed is about
	calls      []string        // of the last hook
	looks      []time.Duration // it asked for, 0 for called off
}

func newCluster(t *testing.T, n int) *cluster {
	c := &cluster{t: t, app: map[string]string{}, units: map[string]map[string]string{}, leader: "app/0", now: noon, results: map[string]Result{}}
	for i := range n {
		c.units[fmt.Sprintf("app/%d", i)] = map[string]string{}
	}
	return c
}

// hook runs a hook of a unit: what during does, then the rest of it.
func (c *cluster) hook(unit string, kind EventKind, during func(*Hook)) Report {
	c.t.Helper()
	c.now = c.now.Add(time.Second)
	s := &stage{unit: unit, leader: unit == c.leader, app: c.app, units: c.units, now: c.now, pacing: c.pacing}
	if c.principals != nil {
		s.principal, s.principals = "db/"+strings.TrimPrefix(unit, "app/"), c.principals
	}
	if c.blind {
		s.goalErr = errors.New("not found")
	}
	m := s.manager()
	m.Order = c.order
	if c.primary != "" {
		m.Primary = func(context.Context) (bool, error) { return unit == c.primary, nil }
	}
	if !c.opens.IsZero() {
		m.Window = func(_ context.Context, now time.Time) (time.Time, error) {
			if c.opens.After(now) {
				return c.opens, nil
			}
			return now, nil
		}
	}
	for _, id := range []string{"restart", "single"} {
		m.Register(id, func(context.Context, codec.Args) (Result, error) {
			c.ran = append(c.ran, strings.TrimPrefix(unit, "app/"))
			switch result := c.results[unit]; result {
			case RetryHold:
				return RetryHold, errors.New("not well")
			default:
				return result, nil
			}
		})
	}
	m.Rollable("restart")
	h, err := m.Begin(c.t.Context(), Event{Kind: kind, Remote: c.remote})
	if err != nil {
		c.t.Fatal(err)
	}
	if during != nil {
		during(h)
	}
	report, err := h.Finish(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.calls, c.looks = s.calls, s.looks
	commit(c.units[unit], s.wrote)
	commit(c.app, s.wroteA)
	return report
}

func commit(bag, changes map[string]string) {
	maps.Copy(bag, changes)
	maps.DeleteFunc(bag, func(_, value string) bool { return value == "" })
}

// settle runs everybody's hooks until nothing changes any more.
func (c *cluster) settle() {
	c.t.Helper()
	for range 200 {
		before := fmt.Sprint(c.app, c.units)
		for _, unit := range slices.Sorted(maps.Keys(c.units)) {
			c.hook(unit, LockGranted, nil)
		}
		if fmt.Sprint(c.app, c.units) == before {
			return
		}
	}
	c.t.Fatalf("no end: %v\n%v", c.app, c.units)
}

// answerUntilGranted has the unit and the leader run hooks until a step is granted.
func (c *cluster) answerUntilGranted(unit string) {
	c.t.Helper()
	for range 10 {
		if c.app[rollout.KeyGrant] != "" {
			return
		}
		c.hook(unit, OtherEvent, nil)
		c.hook(c.leader, RelationChanged, nil)
	}
	c.t.Fatalf("no step is granted: %v", c.app)
}

// clearQueue is the operator's, on a unit.
func (c *cluster) clearQueue(unit string) {
	c.t.Helper()
	c.hook(unit, OtherEvent, func(h *Hook) {
		if _, err := h.DiscardQueue(); err != nil {
			c.t.Fatal(err)
		}
	})
}

func (c *cluster) record() rollout.Record {
	c.t.Helper()
	r, err := rollout.ParseRecord(c.app[rollout.KeyRecord])
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// is checks who has run, and what the record says.
func (c *cluster) is(ran string, state rollout.State, why rollout.Why) {
	c.t.Helper()
	if got := strings.Join(c.ran, " "); got != ran {
		c.t.Errorf("ran %q, want %q", got, ran)
	}
	if r := c.record(); r.State != state || r.Why != why {
		c.t.Errorf("the rollout is %s %s, want %s %s", r.State, r.Why, state, why)
	}
	if c.app[KeyGrantedUnit] != "" && c.app[rollout.KeyGrant] == "" && state == rollout.Done {
		c.t.Errorf("the lock is held: %v", c.app)
	}
}

func (c *cluster) operate(f func(*Hook) error) error {
	c.t.Helper()
	var err error
	c.hook(c.leader, OtherEvent, func(h *Hook) { err = f(h) })
	return err
}

func (c *cluster) start(q rollout.Request) error {
	c.t.Helper()
	if q.Operation == "" {
		q.Operation = "restart"
	}
	if q.PauseAfter == "" {
		q.PauseAfter = rollout.PauseNever
	}
	return c.operate(func(h *Hook) error {
		_, err := h.StartRollout(c.t.Context(), q)
		return err
	})
}

func (c *cluster) mustStart(q rollout.Request) {
	c.t.Helper()
	if err := c.start(q); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) resume(skip ...int) {
	c.t.Helper()
	if err := c.operate(func(h *Hook) error {
		_, _, err := h.ResumeRollout(c.record().Token(), skip)
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) pause() error {
	c.t.Helper()
	return c.operate(func(h *Hook) error {
		_, _, err := h.PauseRollout(rollout.Token{})
		return err
	})
}

func (c *cluster) abort() {
	c.t.Helper()
	if err := c.operate(func(h *Hook) error {
		_, _, err := h.AbortRollout(c.t.Context(), rollout.Token{})
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) request(unit string) {
	c.t.Helper()
	c.hook(unit, OtherEvent, func(h *Hook) {
		if _, err := h.Request("single", nil, nil); err != nil {
			c.t.Fatal(err)
		}
	})
}
