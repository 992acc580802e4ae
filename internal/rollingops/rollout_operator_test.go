package rollingops

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/rollout"
)

func TestRolloutPauses(t *testing.T) {
	t.Run("canary", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
		c.settle()
		c.is("2", rollout.Paused, rollout.AfterCanary)
		c.resume()
		c.settle()
		c.is("2 1 0", rollout.Done, "")
	})
	t.Run("each", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseEach})
		for _, want := range []string{"2", "2 1"} {
			c.settle()
			c.is(want, rollout.Paused, rollout.AfterCanary)
			c.resume()
		}
		c.settle()
		c.is("2 1 0", rollout.Done, "")
	})
	t.Run("each, seen by a leader without goal-state", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseEach})
		for len(c.ran) == 0 {
			for _, unit := range []string{"app/0", "app/1", "app/2"} {
				if len(c.ran) == 0 {
					c.hook(unit, LockGranted, nil)
				}
			}
		}
		c.blind = true
		c.hook("app/0", RelationChanged, nil)
		c.blind = false
		c.settle()
		c.is("2", rollout.Paused, rollout.AfterCanary)
	})
	t.Run("by an operator who waits while the leader works", func(t *testing.T) {
		c := newCluster(t, 2)
		c.mustStart(rollout.Request{Units: rollout.Units{0, 1}})
		for c.app[KeyGrantedUnit] != "app/0" || c.units["app/1"][rollout.KeyStep] == "" {
			c.hook("app/1", OtherEvent, nil)
			c.hook("app/0", OtherEvent, nil)
		}
		if report := c.hook("app/0", LockGranted, nil); report.Attempt == nil || report.Released == "" || report.Granted != "" || report.Wake != continueAfter {
			t.Errorf("the leader's own step: %+v", report)
		}
		if err := c.pause(); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.is("0", rollout.Paused, rollout.ByOperator)
		c.resume()
		c.settle()
		c.is("0 1", rollout.Done, "")
	})
	t.Run("by an operator, between grant and beginning", func(t *testing.T) {
		c := newCluster(t, 3)
		c.mustStart(rollout.Request{})
		c.answerUntilGranted("app/2")
		if err := c.pause(); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.is("", rollout.Paused, rollout.ByOperator)
		if c.app[KeyGrantedUnit] != "" {
			t.Errorf("the lock is held: %v", c.app)
		}
		c.resume()
		c.settle()
		c.is("2 1 0", rollout.Done, "")
	})
}

func TestRolloutForcedRelease(t *testing.T) {
	c := newCluster(t, 3)
	c.mustStart(rollout.Request{})
	c.answerUntilGranted("app/2")
	if err := c.operate(func(h *Hook) error { _, err := h.ForceRelease(); return err }); err != nil {
		t.Fatal(err)
	}
	c.is("", rollout.Paused, rollout.AfterRelease)
	c.settle()
	c.resume()
	c.settle()
	c.is("1 0", rollout.Done, "")
}

func TestRolloutWindow(t *testing.T) {
	c := newCluster(t, 2)
	c.opens = noon.Add(time.Hour)
	c.mustStart(rollout.Request{})
	c.request("app/1")
	c.settle()
	c.is("1", rollout.Running, "")
	if report := c.hook("app/0", LockGranted, nil); !report.Woken || report.Wake > time.Hour || report.Wake < 50*time.Minute {
		t.Errorf("woken %v after %v", report.Woken, report.Wake)
	}
	c.now = c.opens
	c.settle()
	c.is("1 1 0", rollout.Done, "")
}

func TestRolloutIsRefused(t *testing.T) {
	c := newCluster(t, 3)
	for _, tt := range []struct {
		name string
		q    rollout.Request
		want string
	}{
		{"operation", rollout.Request{Operation: "single"}, "can't be rolled"},
		{"unit", rollout.Request{Units: rollout.Units{1, 7}}, "no unit app/7"},
		{"reason", rollout.Request{Reason: strings.Repeat("x", 121)}, "reason"},
	} {
		if err := c.start(tt.q); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if len(c.app) > 0 {
		t.Errorf("written: %v", c.app)
	}
	c.mustStart(rollout.Request{})
	if err := c.start(rollout.Request{}); !errors.Is(err, rollout.ErrActive) {
		t.Errorf("two at a time: %v", err)
	}
	c.hook("app/1", OtherEvent, func(h *Hook) {
		if _, err := h.StartRollout(t.Context(), rollout.Request{}); !errors.Is(err, ErrNotLeader) {
			t.Errorf("on a follower: %v", err)
		}
	})
	var token *rollout.TokenError
	if err := c.operate(func(h *Hook) error {
		_, _, err := h.PauseRollout(rollout.Token{ID: 1, Rev: 9})
		return err
	}); !errors.As(err, &token) {
		t.Errorf("wrong token: %v", err)
	}
}

// A record that can't be read stops steps, not single requests, and an abort
// takes it away; the next rollout gets another id.
func TestRolloutUnreadableRecord(t *testing.T) {
	for _, text := range []string{`{"v":2,"id":7}`, `{"v":1,"id":7,"rev":1`, "x"} {
		c := newCluster(t, 2)
		c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
		c.settle()
		c.app[rollout.KeyRecord] = text
		c.request("app/0")
		c.settle()
		if got := strings.Join(c.ran, " "); got != "1 0" {
			t.Errorf("ran %q", got)
		}
		if err := c.pause(); !errors.Is(err, ErrRecordUnreadable) {
			t.Errorf("pause: %v", err)
		}
		if err := c.start(rollout.Request{}); !errors.Is(err, ErrRecordUnreadable) {
			t.Errorf("start: %v", err)
		}
		if c.app[rollout.KeyRecord] != text {
			t.Fatalf("overwritten by %s", c.app[rollout.KeyRecord])
		}
		c.abort()
		c.mustStart(rollout.Request{})
		c.settle()
		c.is("1 0 1 0", rollout.Done, "")
	}
}
