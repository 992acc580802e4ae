package rollingops

import (
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/rollout"
)

// A unit has answered before a pause, and its turn comes after it: when it fails
// then, it has had its turn of this round.
func TestStepFailsInTheRoundOfItsLastAttempt(t *testing.T) {
	c := newCluster(t, 4)
	c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst})
	c.settle()
	c.is("3", rollout.Paused, rollout.AfterCanary)
	c.results["app/2"] = RetryRelease
	c.resume()
	c.settle()
	c.is("3 2", rollout.Paused, rollout.AfterFailure)
	delete(c.results, "app/2")
	c.resume()
	c.settle()
	c.is("3 2 2 1 0", rollout.Done, "")
}

func TestClearedQueueEndsStepInItsRound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		corrupt bool
	}{
		{"a queue as it was", false},
		{"one that can't be read by then", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, 3)
			c.mustStart(rollout.Request{PauseAfter: rollout.PauseFirst, Retries: 5})
			c.settle()
			c.results["app/1"] = RetryHold
			c.pacing = &Pacing{Delay: time.Hour}
			c.resume()
			c.settle()
			c.is("2 1", rollout.Running, "")
			if tt.corrupt {
				c.units["app/1"][KeyOperations] = "not JSON"
				c.settle()
			}
			c.clearQueue("app/1")
			c.settle()
			c.is("2 1", rollout.Paused, rollout.AfterFailure)
			if got := c.units["app/1"][rollout.KeyStep]; !strings.Contains(got, "has cleared the queue") {
				t.Errorf("step %s", got)
			}
		})
	}
}

// Something else than the charm has taken the retry out of the queue, a unit on
// the Python library that ran it, for one.
func TestStepWhoseRetryIsGoneFails(t *testing.T) {
	c := newCluster(t, 2)
	c.results["app/1"] = RetryRelease
	c.pacing = &Pacing{Delay: time.Hour}
	c.mustStart(rollout.Request{Retries: 5})
	c.settle()
	c.is("1", rollout.Running, "")
	c.units["app/1"][KeyOperations], c.units["app/1"][KeyState] = "[]", string(Idle)
	c.settle()
	c.is("1", rollout.Paused, rollout.AfterFailure)
	if got := c.units["app/1"][rollout.KeyStep]; !strings.Contains(got, "no longer in the queue") {
		t.Errorf("step %s", got)
	}
}

// The leader looks again at a unit that has not answered, as at one that holds the
// lock: it may be gone, and Juju may tell nobody.
func TestLeaderLooksAtUnitWhoseStepIsNext(t *testing.T) {
	c := newCluster(t, 4)
	c.mustStart(rollout.Request{})
	hook := func(unit string, kind EventKind, remote string, look time.Duration) {
		t.Helper()
		c.remote = remote
		c.hook(unit, kind, nil)
		if got := c.looks[len(c.looks)-1]; got != look {
			t.Errorf("%s asks for a look in %v, want %v", unit, got, look)
		}
	}
	hook("app/1", OtherEvent, "", 0)
	hook("app/0", LockGranted, "", lookAfter)
	hook("app/0", RelationChanged, "app/1", lookAfter) // the answer of one whose turn has not come
	hook("app/2", OtherEvent, "", 0)
	delete(c.units, "app/3")
	hook("app/0", LockGranted, "", lookAfter) // at app/2, which is granted the lock
	hook("app/2", LockGranted, "", 0)
	c.pause()
	hook("app/0", LockGranted, "", 0)
}
