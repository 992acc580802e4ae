package simulation

import (
	"strings"
	"testing"

	"rolling-ops/tests/simulation/invariant"
	"rolling-ops/tests/simulation/world"
)

// TestExhaustiveReplays takes ways that the search found to states at rest, and
// goes them in the simulation, which has the whole charm, the worker and a
// clock: every step must be possible there, and lead to the same databags. So
// what the search leaves out makes no difference to what it is about.
func TestExhaustiveReplays(t *testing.T) {
	for _, sc := range []*scope{
		newScope(2, 2),
		newScope(3, 1, failingOperation),
		newScope(2, 1, newLeader, failedHook),
		newScope(2, 1, newLeader, machineReboot),
		newScope(2, 1, newLeader, staleView),
		newScope(2, 1, newLeader, lostWorker),
		newScope(2, 1, unitAdded),
		rolled(2, pauseAndResume),
		rolled(2, newLeader, failedHook),
		rolled(2, failingAttempt, abortedOnce, startedAgain).retried(),
		rolled(2, failingAttempt, resumed),
		rolled(2).beside(),
	} {
		s := &search{scope: sc}
		if found := s.run(); found != nil {
			t.Fatalf("%s: %s", sc.name, found)
		}
		for _, state := range s.quiet {
			steps, n := s.retrace(state)
			if bad := goThrough(steps, n); bad != "" {
				t.Fatalf("%s: %s\n%s", sc.name, bad, strings.Join(steps, "\n"))
			}
		}
	}
}

// goThrough goes a schedule in the simulation and tells what is different.
func goThrough(steps []string, n *node) (bad string) {
	w := world.New(world.Options{LostDepartures: n.scope.lostDepartures}, nil)
	defer w.Close()
	defer func() {
		if broken, ok := recover().(world.Violation); ok {
			bad = string(broken)
		}
	}()
	for _, line := range steps {
		next, err := world.ParseStep(line)
		if err == nil {
			err = w.Do(next)
		}
		if err != nil {
			return line + ": " + err.Error()
		}
	}
	if is, was := w.AppBag()["granted_unit"], n.model.AppDatabag(0)["granted_unit"]; is != was {
		return "the lock is held by " + is + ", not by " + was
	}
	if is, was := invariant.RolloutOf(w.AppBag()), invariant.RolloutOf(n.model.AppDatabag(0)); is.State != was.State || is.Rev != was.Rev {
		return "the rollout is " + is.State + ", not " + was.State
	}
	for _, unit := range n.model.Units() {
		is, was := w.UnitBag(unit), n.model.UnitDatabag(0, unit)
		if is["state"] != was["state"] || queueText(is["operations"]) != queueText(was["operations"]) {
			return unit + " is in another state"
		}
		if is, was := invariant.StepOf(is), invariant.StepOf(was); is.ID != was.ID || is.State != was.State || is.Round != was.Round {
			return unit + " has another step"
		}
	}
	return ""
}
