package rollingops

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/rollout"

	"github.com/google/go-cmp/cmp"
)

func TestRolloutOrder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		units  rollout.Units
		leader string
		order  func(context.Context, []string, string) ([]string, error)
		ran    string
	}{
		{"highest first, leader last", nil, "app/0", nil, "4 3 2 1 0"},
		{"another leader last", nil, "app/3", nil, "4 2 1 0 3"},
		{"given", rollout.Units{1, 4, 0}, "app/0", nil, "1 4 0"},
		{"the charm's", nil, "app/0", func(_ context.Context, units []string, _ string) ([]string, error) {
			slices.Sort(units)
			return units, nil
		}, "0 1 2 3 4"},
		{"the charm's, which is none", nil, "app/0", func(_ context.Context, units []string, _ string) ([]string, error) {
			return units[:2], nil
		}, "4 3 2 1 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, 5)
			c.leader, c.order = tt.leader, tt.order
			c.mustStart(rollout.Request{Units: tt.units})
			c.settle()
			c.is(tt.ran, rollout.Done, "")
			for unit, bag := range c.units {
				if bag[KeyState] == string(Requested) || strings.Contains(bag[KeyOperations], "restart") {
					t.Errorf("%s: %v", unit, bag)
				}
			}
			if c.app[KeyGrantedUnit] != "" || c.app[rollout.KeyGrant] != "" {
				t.Errorf("application: %v", c.app)
			}
			h, err := rollout.ParseHistory(c.app[rollout.KeyHistory])
			if err != nil || len(h) != 1 || h[0].Done != len(c.ran) || h[0].ID != 1 {
				t.Errorf("history %+v, %v", h, err)
			}
		})
	}
}

// The unit that asks for the last turn has it, unless the order is given.
func TestRolloutPrimaryGoesLast(t *testing.T) {
	for _, tt := range []struct {
		primary string
		units   rollout.Units
		ran     string
	}{
		{"app/2", nil, "3 1 0 2"},
		{"app/3", nil, "2 1 0 3"},
		{"app/0", nil, "3 2 1 0"}, // the leader
		{"app/2", rollout.Units{2, 1}, "2 1"},
	} {
		c := newCluster(t, 4)
		c.primary = tt.primary
		c.mustStart(rollout.Request{Units: tt.units})
		c.settle()
		c.is(tt.ran, rollout.Done, "")
		for unit, bag := range c.units {
			if tt.units == nil && (bag[KeyPrimary] == "true") != (unit == tt.primary) {
				t.Errorf("%s is primary: %q", unit, bag[KeyPrimary])
			}
		}
		// Who was it in the last rollout need not be it in the next.
		if c.primary, c.ran = "app/1", nil; tt.units == nil {
			c.mustStart(rollout.Request{})
			c.settle()
			c.is("3 2 0 1", rollout.Done, "")
		}
	}
}

// Each unit answers, and the leader hears of each answer: it does not read all of
// them as often, and misses none that counts.
func TestRolloutAnswersAreCheap(t *testing.T) {
	c := newCluster(t, 5)
	c.mustStart(rollout.Request{})
	c.hook("app/0", OtherEvent, nil)
	hear := func(unit, granted string, reads ...string) {
		t.Helper()
		c.remote = unit
		if report := c.hook("app/0", RelationChanged, nil); report.Granted != granted {
			t.Errorf("after %s the lock is granted to %q, want %q", unit, report.Granted, granted)
		}
		c.remote = ""
		got := slices.DeleteFunc(slices.Clone(c.calls), func(call string) bool { return !strings.HasPrefix(call, "app/") || call == "app/0" })
		slices.Sort(got)
		if diff := cmp.Diff(reads, got); diff != "" {
			t.Errorf("after %s: read (-want +got): %s", unit, diff)
		}
	}
	all := []string{"app/1", "app/2", "app/3", "app/4"}
	c.hook("app/1", OtherEvent, nil)
	hear("app/1", "", "app/1", "app/4")
	c.hook("app/3", OtherEvent, nil)
	hear("app/3", "", "app/3", "app/4")
	c.request("app/2") // and answers, too
	hear("app/2", "app/2", all...)
	c.hook("app/2", LockGranted, nil)
	hear("app/2", "", all...) // the lock was held
	c.hook("app/4", OtherEvent, nil)
	hear("app/4", "app/4", all...)
	c.settle()
	c.is("2 4 3 2 1 0", rollout.Done, "")
}

func TestRolloutFailures(t *testing.T) {
	t.Run("a canary that never gets well", func(t *testing.T) {
		c := newCluster(t, 3)
		c.results["app/2"] = RetryRelease
		c.mustStart(rollout.Request{Retries: 1})
		c.settle()
		c.is("2 2", rollout.Paused, rollout.AfterFailure)
		step, err := rollout.ParseStep(c.units["app/2"][rollout.KeyStep])
		if err != nil || step.State != rollout.StepFailed || step.Attempts != 2 || step.Error == "" {
			t.Errorf("step %+v, %v", step, err)
		}
		delete(c.results, "app/2")
		c.resume()
		c.settle()
		c.is("2 2 2 1 0", rollout.Done, "")
	})
	t.Run("one that keeps the lock", func(t *testing.T) {
		c := newCluster(t, 3)
		c.results["app/1"] = RetryHold
		c.mustStart(rollout.Request{Retries: 2})
		c.settle()
		c.is("2 1 1 1", rollout.Paused, rollout.AfterFailure)
		if got := c.units["app/1"][rollout.KeyStep]; !strings.Contains(got, "not well") {
			t.Errorf("step %s", got)
		}
		c.resume(1)
		c.settle()
		c.is("2 1 1 1 0", rollout.Done, "")
	})
	t.Run("within the budget", func(t *testing.T) {
		c := newCluster(t, 4)
		c.results["app/3"], c.results["app/1"] = RetryRelease, RetryRelease
		c.mustStart(rollout.Request{MaxFailures: 1})
		c.settle()
		c.is("3 2 1", rollout.Paused, rollout.AfterFailure)
	})
	t.Run("an abort lets no retry run", func(t *testing.T) {
		c := newCluster(t, 3)
		c.results["app/2"] = RetryHold
		c.pacing = &Pacing{Delay: time.Hour}
		c.mustStart(rollout.Request{Retries: 5})
		c.settle()
		c.is("2", rollout.Running, "")
		c.abort()
		c.now = c.now.Add(2 * time.Hour)
		c.settle()
		c.is("2", rollout.Aborted, "")
		if c.app[KeyGrantedUnit] != "" || c.units["app/2"][KeyState] != string(Idle) {
			t.Errorf("%v, %v", c.app, c.units["app/2"])
		}
	})
	t.Run("clear-queue ends a step that waits for its retry", func(t *testing.T) {
		c := newCluster(t, 2)
		c.results["app/1"] = RetryHold
		c.pacing = &Pacing{Delay: time.Hour}
		c.mustStart(rollout.Request{Retries: 5})
		c.settle()
		c.clearQueue("app/1")
		c.settle()
		c.is("1", rollout.Paused, rollout.AfterFailure)
	})
	t.Run("clear-queue ends a step that goes on", func(t *testing.T) {
		c := newCluster(t, 2)
		c.results["app/1"] = Continue
		c.mustStart(rollout.Request{})
		for len(c.ran) == 0 {
			c.hook("app/0", OtherEvent, nil)
			c.hook("app/1", LockGranted, nil)
		}
		c.clearQueue("app/1")
		c.settle()
		c.is("1", rollout.Paused, rollout.AfterFailure)
		if c.app[KeyGrantedUnit] != "" {
			t.Errorf("the lock is held: %v", c.app)
		}
	})
	t.Run("an operation that a unit does not know", func(t *testing.T) {
		c := newCluster(t, 2)
		c.mustStart(rollout.Request{})
		c.app[rollout.KeyRecord] = strings.Replace(c.app[rollout.KeyRecord], `"op":"restart"`, `"op":"single"`, 1) // not to be rolled
		c.settle()
		c.is("", rollout.Paused, rollout.AfterFailure)
	})
}

func TestRolloutAndSingleRequests(t *testing.T) {
	c := newCluster(t, 3)
	c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
	c.request("app/0")
	c.settle()
	c.is("0 2", rollout.Paused, rollout.AfterCanary)
	c.request("app/1")
	c.settle()
	c.is("0 2 1", rollout.Paused, rollout.AfterCanary)
	c.resume()
	c.settle()
	c.is("0 2 1 1 0", rollout.Done, "")
	last, err := rollout.ParseLast(c.units["app/1"][rollout.KeyLast])
	if err != nil || last.Operation != "single" || last.Outcome != rollout.Succeeded || last.Attempts != 1 {
		t.Errorf("last %+v, %v", last, err)
	}
}

func TestRolloutAndUnits(t *testing.T) {
	t.Run("a unit that does not answer holds up the steps, not the lock", func(t *testing.T) {
		c := newCluster(t, 3)
		dead := c.units["app/2"]
		c.mustStart(rollout.Request{})
		for range 10 {
			c.hook("app/0", LockGranted, nil)
			c.hook("app/1", LockGranted, nil)
		}
		c.is("", rollout.Running, "")
		c.request("app/1")
		for range 3 {
			c.hook("app/0", LockGranted, nil)
			c.hook("app/1", LockGranted, nil)
		}
		c.is("1", rollout.Running, "")
		var r Rollout
		c.hook("app/0", UpdateStatus, func(h *Hook) {
			if err := h.Survey(t.Context()); err != nil {
				t.Fatal(err)
			}
			var err error
			if r, err = h.Rollout(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		if r.WaitsFor != "app/2" || r.Tally.Waiting != 1 || r.Tally.Ready != 2 {
			t.Errorf("%+v", r)
		}
		c.resume(2)
		for range 10 {
			c.hook("app/0", LockGranted, nil)
			c.hook("app/1", LockGranted, nil)
		}
		c.is("1 1 0", rollout.Done, "")
		c.units["app/2"] = dead
		c.settle()
		c.is("1 1 0", rollout.Done, "")
	})
	t.Run("a unit that is gone is seen as such after the end, too", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{})
		delete(c.units, "app/2")
		c.settle()
		c.is("1 0", rollout.Done, "")
		c.hook("app/0", OtherEvent, func(h *Hook) {
			if err := h.Survey(t.Context()); err != nil {
				t.Fatal(err)
			}
			r, err := h.Rollout(t.Context())
			if err != nil || r.Tally != (rollout.Tally{Done: 2, Gone: 1}) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	})
	t.Run("a unit that joins is not touched", func(t *testing.T) {
		c := newCluster(t, 2)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
		c.settle()
		c.units["app/7"] = map[string]string{}
		c.resume()
		c.settle()
		c.is("1 0", rollout.Done, "")
		if len(c.units["app/7"]) > 0 {
			t.Errorf("app/7: %v", c.units["app/7"])
		}
	})
	t.Run("a unit that leaves is no longer counted", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
		c.settle()
		delete(c.units, "app/1")
		c.resume()
		c.settle()
		c.is("2 0", rollout.Done, "")
		h, _ := rollout.ParseHistory(c.app[rollout.KeyHistory])
		if h[0].Total != 2 || h[0].Gone != 1 {
			t.Errorf("history %+v", h[0])
		}
	})
	t.Run("another leader in mid-roll is last, and nobody is twice", func(t *testing.T) {
		c := newCluster(t, 4)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseEach})
		c.settle()
		c.leader = "app/2"
		for c.record().State != rollout.Done {
			c.resume()
			c.settle()
		}
		c.is("3 1 0 2", rollout.Done, "")
	})
	t.Run("a unit that is only one", func(t *testing.T) {
		c := newCluster(t, 1)
		c.mustStart(rollout.Request{})
		c.settle()
		c.is("0", rollout.Done, "")
	})
}

// Without a rollout a hook writes no key of rollouts but what came of the last
// operation.
func TestNoRollout(t *testing.T) {
	c := newCluster(t, 2)
	c.request("app/1")
	c.settle()
	want := []string{KeyExecutedAt, KeyOperations, KeyExecutedAtCopy, rollout.KeyLast, KeyState}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(c.units["app/1"]))); diff != "" {
		t.Error(diff)
	}
	if len(c.app) > 0 {
		t.Errorf("application: %v", c.app)
	}
}

// An attempt at a step may go on in later hooks, also when the rollout is paused
// meanwhile.
func TestRolloutStepThatGoesOn(t *testing.T) {
	c := newCluster(t, 2)
	c.results["app/1"] = Continue
	c.mustStart(rollout.Request{})
	for range 5 {
		c.hook("app/1", LockGranted, nil)
		c.hook("app/0", LockGranted, nil)
	}
	if err := c.pause(); err != nil {
		t.Fatal(err)
	}
	ran := len(c.ran)
	c.hook("app/1", LockGranted, nil)
	if len(c.ran) != ran+1 || c.units["app/1"][KeyOperations] != "" {
		t.Fatalf("ran %q, %v", c.ran, c.units["app/1"])
	}
	delete(c.results, "app/1")
	c.settle()
	if step, err := rollout.ParseStep(c.units["app/1"][rollout.KeyStep]); err != nil || step.State != rollout.StepDone || step.Attempts != 1 {
		t.Errorf("step %+v, %v", step, err)
	}
	if r := c.record(); r.State != rollout.Paused || r.Why != rollout.ByOperator {
		t.Errorf("%s %s", r.State, r.Why)
	}
}
