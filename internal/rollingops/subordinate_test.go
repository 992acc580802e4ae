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

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// at is the databag of a subordinate's unit with its principal recorded.
func at(principal string, databag map[string]string) map[string]string {
	return committed(databag, bag(KeyPrincipal, principal))
}

// A leader frees the lock of a subordinate only if goal-state does not name the
// holder's principal, and the leader has heard that the holder has left.
func TestHolderOfASubordinateIsGone(t *testing.T) {
	idle, used := bag(), bag(KeyExecutedAt, codec.TimestampOf(noon.Add(time.Second)).String())
	const recorded = "app/1 db/1"
	for _, tt := range []struct {
		name       string
		grant      string // KeyGrantedPrincipal
		holder     map[string]string
		unlisted   bool
		unreadable bool
		named      string // by goal-state
		freed      bool
	}{
		{"its principal is there", "", at("db/1", idle), false, false, "db/0 db/1", false},
		{"its principal is leaving", "", at("db/1", idle), false, false, "db/0 -db/1", false},
		{"its principal is gone", recorded, at("db/1", idle), false, false, "db/0 db/2", false},
		{"its principal's application is gone", "app/1 kafka/1", at("kafka/1", idle), false, false, "db/0 db/1", false},
		{"the leader's principal is gone", "", at("db/1", idle), false, false, "db/1", false},
		{"it has recorded none", "", idle, false, false, "db/0", false},
		{"it has recorded what is no unit", "", at("db", idle), false, false, "db/0", false},
		{"of no application", "", at("/1", idle), false, false, "db/0", false},
		{"its databag has another one by now", recorded, at("db/7", idle), false, false, "db/0 db/1", false},
		{"it has left, its principal's application is gone", "app/1 kafka/1", at("kafka/1", idle), true, false, "db/0 db/1", true},
		{"it has just joined", recorded, at("db/1", idle), true, false, "db/0 db/1", false},
		{"it has just joined, its principal was not recorded", "", at("db/1", idle), true, false, "db/0 db/1", false},
		{"it has left", recorded, at("db/1", idle), true, false, "db/0", true},
		{"it has left, its principal was not recorded", "", at("db/1", idle), true, false, "db/0", false},
		{"another's principal was recorded", "app/2 db/2", at("db/1", idle), true, false, "db/0", false},
		{"it is gone and listed", recorded, nil, false, true, "db/0", false},
		{"it is gone and listed, its principal was not recorded", "", nil, false, true, "db/0", false},
		{"it has used its grant", "", at("db/1", used), false, false, "db/0 db/1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, app: committed(held("app/1", noon), bag(KeyGrantedPrincipal, tt.grant)),
				principal: "db/0", principals: named(tt.named), units: bags("app/0", at("db/0", idle))}
			switch {
			case tt.unreadable:
				s.listedGone = []string{"app/1"}
			case !tt.unlisted:
				s.units["app/1"] = tt.holder
			}
			if report := s.hook(t, UpdateStatus, nil); (report.Released == "app/1") != tt.freed {
				t.Errorf("released %q", report.Released)
			}
			want := map[string]string{KeyGrantedUnit: "", KeyGrantedAt: "", KeyGrantedPrincipal: ""}
			if tt.freed && !cmp.Equal(s.wroteA, want) || !tt.freed && s.wroteA != nil {
				t.Errorf("wrote %v", s.wroteA)
			}
		})
	}
}

// A unit that this one does not list has left, or has just joined. Which it is tells
// its departure, or a hook before which everything else is heard.
func TestWhenTheHolderOfASubordinateHasLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event Event
		freed bool
	}{
		{"its departure", Event{Departing: "app/1"}, true},
		{"another's departure", Event{Departing: "app/2"}, false},
		{"update-status", Event{Kind: UpdateStatus}, true},
		{"leader-elected", Event{}, false},
		{"relation-changed", Event{Kind: RelationChanged}, false},
		{"the worker's hook", Event{Kind: LockGranted}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, app: committed(held("app/1", noon), bag(KeyGrantedPrincipal, "app/1 db/1")),
				principal: "db/0", principals: named("db/0"), units: bags("app/0", at("db/0", bag()))}
			if report := s.event(t, tt.event); (report.Released == "app/1") != tt.freed {
				t.Errorf("released %q", report.Released)
			}
			s.listErr = errors.New("timeout")
			h, err := s.manager().Begin(t.Context(), tt.event)
			if err != nil {
				t.Fatal(err)
			}
			if report, err := h.Finish(t.Context()); err == nil || report.Released != "" {
				t.Errorf("relation-list fails, and %q is released, %v", report.Released, err)
			}
		})
	}
}

// What a subordinate wrote as it left counts when it is not listed any more.
func TestSubordinateThatLeftAndGaveTheLockBack(t *testing.T) {
	gaveBack := bag(KeyExecutedAt, codec.TimestampOf(noon.Add(time.Second)).String())
	for _, tt := range []struct {
		name    string
		databag map[string]string
		freed   bool
	}{{"gave it back", gaveBack, true}, {"did not", bag(), false}} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon), principal: "db/0", principals: named("db/0 db/1"),
				leaving: "app/1", units: bags("app/0", at("db/0", bag()), "app/1", at("db/1", tt.databag))}
			if report := s.event(t, Event{}); (report.Released == "app/1") != tt.freed {
				t.Errorf("released %q", report.Released)
			}
		})
	}
}

// event runs a hook of any event.
func (s *stage) event(t *testing.T, ev Event) Report {
	t.Helper()
	h, err := s.manager().Begin(t.Context(), ev)
	if err != nil {
		t.Fatal(err)
	}
	report, err := h.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A subordinate gives the lock back in its last hooks of the peer relation.
func TestSubordinatePartsWithTheLock(t *testing.T) {
	after := codec.TimestampOf(noon.Add(time.Microsecond)).String()
	gaveBack := bag(KeyState, "idle", KeyExecutedAt, after, KeyExecutedAtCopy, after)
	for _, tt := range []struct {
		name      string
		principal string
		holder    string
		databag   map[string]string
		event     Event
		want      map[string]string
	}{
		{"holder", "db/1", "app/1", waiting(Requested, 0, time.Time{}), Event{Leaving: true}, gaveBack},
		{"holder that waits for its retry", "db/1", "app/1", waiting(AwaitRetryHold, 1, noon.Add(-time.Second)), Event{Leaving: true}, gaveBack},
		{"another holds", "db/1", "app/2", waiting(Requested, 0, time.Time{}), Event{Leaving: true}, bag(KeyState, "idle")},
		{"another leaves", "db/1", "app/1", waiting(Requested, 0, time.Time{}), Event{Departing: "app/2"}, nil},
		{"it asks for nothing", "db/1", "app/2", bag(), Event{Leaving: true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/1", now: noon, app: held(tt.holder, noon), principal: tt.principal, principals: named("db/0"),
				units: bags("app/1", at(tt.principal, tt.databag), "app/2", bag())}
			s.event(t, tt.event)
			if diff := cmp.Diff(tt.want, s.wrote); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// named is goal-state of a subordinate: a unit with a - in front is leaving.
func named(units string) map[string]bool {
	goal := map[string]bool{}
	for _, unit := range strings.Fields(units) {
		name, leaving := strings.CutPrefix(unit, "-")
		goal[name] = leaving
	}
	return goal
}

func TestCandidatesOfASubordinate(t *testing.T) {
	waits, idle := waiting(Requested, 0, time.Time{}), bag()
	for _, tt := range []struct {
		name  string
		units map[string]map[string]string
		gone  []string // listed, and not readable
		goal  string
		want  string
		text  string // KeyGrantedPrincipal
	}{
		{"beside one of two applications", bags("app/1", at("db/1", waits)), nil, "db/0 db/1 kafka/0", "app/1", "app/1 db/1"},
		{"beside the other", bags("app/1", idle, "app/2", at("kafka/0", waits)), nil, "db/0 db/1 kafka/0", "app/2", "app/2 kafka/0"},
		{"principal is leaving", bags("app/1", at("db/1", waits)), nil, "db/0 -db/1", "app/1", "app/1 db/1"},
		{"principal is gone", bags("app/1", at("db/1", waits)), nil, "db/0", "", ""},
		{"none recorded", bags("app/1", waits), nil, "db/0", "app/1", ""},
		{"a unit can't be read and may be gone", bags("app/1", at("db/1", waits)), []string{"app/7"}, "db/0 db/1", "app/1", "app/1 db/1"},
		{"the leader", bags("app/0", at("db/0", waits)), nil, "db/0", "app/0", "app/0 db/0"},
		{"the leader, its principal is gone", bags("app/0", at("db/0", waits), "app/1", at("db/1", waits)), nil, "db/1", "app/1", "app/1 db/1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, principal: "db/0", principals: named(tt.goal), listedGone: tt.gone, units: tt.units}
			if s.units["app/0"] == nil {
				s.units["app/0"] = at("db/0", idle)
			}
			if report := s.hook(t, OtherEvent, nil); report.Granted != tt.want {
				t.Errorf("granted %q, want %q", report.Granted, tt.want)
			}
			if got := s.wroteA[KeyGrantedPrincipal]; got != tt.text {
				t.Errorf("wrote %q of the principal, want %q", got, tt.text)
			}
		})
	}
}

// A goal-state in which everybody would seem gone is none.
func TestSubordinateWithoutGoalState(t *testing.T) {
	for name, s := range map[string]*stage{
		"fails":        {goalErr: errors.New("not found"), principals: named("db/0")},
		"names nobody": {principals: named("")},
	} {
		t.Run(name, func(t *testing.T) {
			s.unit, s.leader, s.now, s.principal, s.app = "app/0", true, noon, "db/0", held("app/1", noon)
			s.units = bags("app/0", at("db/0", bag()), "app/1", at("db/1", waiting(Requested, 0, time.Time{})))
			report := s.hook(t, OtherEvent, nil)
			if report.Blind == nil || report.Wake == 0 || s.wroteA != nil {
				t.Errorf("blind %v, wakes after %v, wrote %v", report.Blind, report.Wake, s.wroteA)
			}
		})
	}
}

func TestSubordinateRecordsItsPrincipal(t *testing.T) {
	for _, tt := range []struct {
		name, principal string
		databag, want   map[string]string
	}{
		{"none recorded", "db/0", bag(), bag(KeyPrincipal, "db/0")},
		{"recorded", "db/0", bag(KeyPrincipal, "db/0"), nil},
		{"another", "db/0", bag(KeyPrincipal, "db/1"), bag(KeyPrincipal, "db/0")},
		{"charm is not subordinate", "", bag(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", now: noon, principal: tt.principal, units: bags("app/0", tt.databag)}
			s.hook(t, OtherEvent, nil)
			if diff := cmp.Diff(tt.want, s.wrote); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A subordinate that has left the relation with its principal may be gone for
// others. It begins no attempt, and comes back to look.
func TestSubordinateApartFromItsPrincipal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage stage
		ran   bool
		wake  time.Duration
	}{
		{"beside it", stage{principal: "db/0"}, true, 0},
		{"apart", stage{principal: "db/0", apart: true}, false, comeBackAfter},
		{"can't tell", stage{principal: "db/0", besideErr: errors.New("timeout")}, false, comeBackAfter},
		{"charm is not subordinate", stage{}, true, 0},
	} {
		for _, state := range []State{Requested, AwaitRetryHold} {
			for _, leads := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, leads %v", tt.name, state, leads), func(t *testing.T) {
					s := tt.stage
					s.unit, s.leader, s.now, s.app, s.principals = "app/0", leads, noon, held("app/0", noon), named("db/0")
					s.units = bags("app/0", at("db/0", waiting(state, 0, time.Time{})))
					ran := false
					report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { ran = true; return Release, nil })
					if ran != tt.ran || report.Wake != tt.wake || report.Woken == tt.ran {
						t.Errorf("ran %v, wakes %v after %v", ran, report.Woken, report.Wake)
					}
					if !ran && s.wrote != nil {
						t.Errorf("wrote %v", s.wrote)
					}
				})
			}
		}
	}
}

// subordinates makes the units those of a subordinate charm, app/N beside db/N,
// which db/99 has none beside yet.
func (c *cluster) subordinates() {
	c.principals = named("db/99")
	for unit := range c.units {
		c.principals["db/"+strings.TrimPrefix(unit, "app/")] = false
	}
}

func TestRolloutOfASubordinate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*cluster) // before it begins
		during func(*cluster) // after the first step
		units  []int
		err    string
		ran    string
	}{
		{"all units", nil, nil, nil, "", "2 1 0"},
		{"given units", nil, nil, []int{0, 2}, "", "0 2"},
		{"a unit that is not there", nil, nil, []int{0, 3}, "no unit app/3", ""},
		{"one whose principal is leaving", func(c *cluster) { c.principals["db/1"] = true }, nil, []int{0, 1}, "no unit app/1", ""},
		{"without that one", func(c *cluster) { c.principals["db/1"] = true }, nil, nil, "", "2 0"},
		{"a principal goes, and nobody hears", nil, func(c *cluster) { delete(c.principals, "db/1") }, nil, "", "2 0"},
		{"a unit goes with its principal", nil, func(c *cluster) { delete(c.principals, "db/1"); delete(c.units, "app/1") }, nil, "", "2 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, 3)
			c.subordinates()
			c.settle() // each records its principal
			if tt.change != nil {
				tt.change(c)
			}
			err := c.start(rollout.Request{Operation: "restart", Units: tt.units})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for tt.during != nil && len(c.ran) == 0 {
				for _, unit := range slices.Sorted(maps.Keys(c.units)) {
					c.hook(unit, LockGranted, nil)
				}
			}
			if tt.during != nil {
				tt.during(c)
			}
			c.settle()
			c.is(tt.ran, rollout.Done, "")
		})
	}
}
