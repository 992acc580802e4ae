package simulation

import (
	"fmt"

	"rolling-ops/internal/rollout"
)

var (
	pauseAndResume = once{"a pause", budget{Pause: 1, Resume: 1}}
	resumed        = once{"a resume", budget{Resume: 1}}
	abortedOnce    = once{"an abort", budget{Abort: 1}}
	startedAgain   = once{"another rollout", budget{Start: 1}}
	failingAttempt = once{"a failing attempt", budget{Break: 1}}
)

// rolled is a search through a rollout over a number of units, which starts at
// any moment, with what may happen to it. No unit asks for anything else.
func rolled(units int, what ...once) *scope {
	s := newScope(units, 0, what...)
	s.name = fmt.Sprintf("a rollout over %d units", units)
	for _, o := range what {
		s.name += ", " + o.name
	}
	s.budget = s.budget.with(budget{Start: 1})
	s.rollout = rollout.Request{Operation: "_restart", PauseAfter: rollout.PauseNever}
	return s
}

// canary has the rollout pause after its first unit.
func (s *scope) canary() *scope {
	s.rollout.PauseAfter = rollout.PauseFirst
	s.name += ", a canary"
	return s
}

// retried has each unit try again once.
func (s *scope) retried() *scope {
	s.rollout.Retries = 1
	s.name += ", a retry"
	return s
}

// beside has each unit make a request of its own at any moment.
func (s *scope) beside() *scope {
	s.requests = 1
	s.name += ", requests"
	return s
}

// shortRollouts take some seconds together.
func shortRollouts() []*scope {
	all := []*scope{
		rolled(3),
		rolled(3, pauseAndResume),
		rolled(3, resumed).canary(),
		rolled(2, newLeader, pauseAndResume),
		rolled(2, failingAttempt, resumed),
		rolled(2, failingAttempt, pauseAndResume),
		rolled(2, failingAttempt, abortedOnce, startedAgain).retried(),
		rolled(2, unitAdded),
		rolled(2).beside(),
		rolled(3, unitRemoved),
		rolled(2, unitRemoved).unheard(),
	}
	for _, o := range []once{failedHook, machineReboot, staleView, lostWorker, unitRemoved} {
		all = append(all, rolled(2, pauseAndResume, o))
	}
	return append(all, rolled(2, newLeader, failedHook), rolled(2, newLeader, lostWorker), rolled(2, newLeader, unitRemoved))
}

// longRollouts are all others.
func longRollouts() []*scope {
	all := []*scope{
		rolled(3, newLeader),
		rolled(3, newLeader).quiet(),
		rolled(3, unitRemoved).unheard(),
		rolled(3, unitRemoved).early(),
		rolled(3, unitRemoved, pauseAndResume),
		rolled(3, failingAttempt, resumed).retried(),
		rolled(3, abortedOnce),
		rolled(2, newLeader).beside(),
		rolled(2, failingAttempt, newLeader, resumed),
		rolled(2, newLeader, machineReboot),
		rolled(2, newLeader, staleView),
	}
	for _, o := range []once{failedHook, machineReboot, staleView, lostWorker} {
		all = append(all, rolled(3, o), rolled(3, pauseAndResume, o), rolled(2, newLeader, pauseAndResume, o))
	}
	return all
}
