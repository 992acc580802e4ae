package simulation

import (
	"flag"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/world"
)

var (
	exhaustiveFull = flag.Bool("exhaustive.full", false, "search the long scopes too, which takes some ten minutes on two cores")
	exhaustiveOnly = flag.String("exhaustive.scope", "", "search this scope alone, as the table names it")
)

// once is something that happens at most once, at any moment.
type once struct {
	name string
	budget
}

var (
	newLeader        = once{"a new leader", budget{Elect: 1}}
	failingOperation = once{"a failing operation", budget{Retry: 1}}
	failedHook       = once{"a failed hook", budget{Fail: 1}}
	machineReboot    = once{"a reboot", budget{Reboot: 1}}
	staleView        = once{"a stale view", budget{Hold: 1}}
	lostWorker       = once{"a lost worker", budget{WorkerKill: 1}}
	unitRemoved      = once{"a unit removed", budget{Remove: 1}}
	unitAdded        = once{"a unit added", budget{Add: 1}}
)

// onceEach are those that the long search combines.
var onceEach = []once{failingOperation, failedHook, machineReboot, staleView, lostWorker, unitRemoved}

// newScope is a search through a number of units with as many requests each,
// and with what may happen to them.
func newScope(units int, requests uint8, what ...once) *scope {
	s := &scope{name: fmt.Sprintf("%d units x %d", units, requests), units: units, requests: requests}
	for _, o := range what {
		s.name += ", " + o.name
		s.budget = s.budget.with(o.budget)
	}
	return s
}

// unheard has Juju keep a departure from the other units (juju#23326).
func (s *scope) unheard() *scope {
	s.lostDepartures = true
	s.name += " and no word of it"
	return s
}

// quiet has Juju keep a change of the application databag from its writer.
func (s *scope) quiet() *scope {
	s.quietWriter = true
	s.name += ", quiet writer"
	return s
}

// early has the others hear of a departure when the unit is told to leave.
func (s *scope) early() *scope {
	s.earlyDeparture = true
	s.name += " and heard of early"
	return s
}

// shortScopes take some seconds each.
func shortScopes() []*scope {
	all := []*scope{
		newScope(2, 2),
		newScope(2, 2, newLeader),
		newScope(3, 1),
		newScope(2, 1, newLeader, newLeader),
	}
	for _, o := range onceEach {
		all = append(all, newScope(3, 1, o), newScope(2, 1, newLeader, o))
	}
	return append(all, newScope(2, 1, unitAdded), newScope(2, 1, newLeader, unitRemoved).unheard(), newScope(2, 1, unitRemoved).early())
}

// longScopes are all others.
func longScopes() []*scope {
	all := []*scope{newScope(3, 1, newLeader), newScope(2, 2, newLeader, newLeader)}
	for i, o := range onceEach {
		all = append(all, newScope(2, 2, o), newScope(2, 2, newLeader, o), newScope(3, 1, newLeader, o))
		for _, p := range onceEach[:i] {
			all = append(all, newScope(2, 1, newLeader, p, o))
		}
	}
	return append(all, newScope(2, 2, newLeader).quiet(), newScope(3, 1, unitRemoved).unheard(),
		newScope(3, 1, unitRemoved).early(), newScope(2, 2, unitAdded), newScope(3, 1, unitAdded), newScope(2, 1, newLeader, unitAdded))
}

func (b budget) with(c budget) budget {
	return budget{b.Elect + c.Elect, b.Reboot + c.Reboot, b.Fail + c.Fail, b.Hold + c.Hold, b.Remove + c.Remove,
		b.Add + c.Add, b.WorkerKill + c.WorkerKill, b.Retry + c.Retry,
		b.Start + c.Start, b.Pause + c.Pause, b.Resume + c.Resume, b.Abort + c.Abort, b.Break + c.Break}
}

// TestExhaustive goes through every interleaving of small clusters, each with
// up to two things that should not happen at any moment. docs/verification.md
// says what that covers.
func TestExhaustive(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // memory is cheaper here than time
	begin := cpuTime()
	states, transitions := 0, 0
	all := append(shortScopes(), shortRollouts()...)
	if *exhaustiveFull {
		all = append(append(all, longScopes()...), longRollouts()...)
	}
	for _, sc := range all {
		if *exhaustiveOnly != "" && *exhaustiveOnly != sc.name {
			continue
		}
		s := &search{scope: sc}
		from := cpuTime()
		if found := s.run(); found != nil {
			t.Fatalf("%s%s: %s", invariantBroken, sc.name, found)
		}
		t.Logf("%s %6.1f s", s, (cpuTime() - from).Seconds())
		states, transitions = states+len(s.origins), transitions+s.transitions
	}
	if states == 0 {
		t.Fatalf("no scope is called %q", *exhaustiveOnly)
	}
	t.Logf("%d states, %d transitions, %s of processor time", states, transitions, (cpuTime() - begin).Round(time.Second))
}

// TestExhaustiveReductions searches small scopes without leaving out the states
// that are said to make no difference: what all can end in is the same.
func TestExhaustiveReductions(t *testing.T) {
	all := []*scope{newScope(2, 2), newScope(2, 1, machineReboot), newScope(2, 1, staleView, lostWorker),
		rolled(2, pauseAndResume), rolled(2, unitRemoved)}
	if *exhaustiveFull {
		all = append(all, newScope(3, 1), newScope(2, 1, newLeader, failedHook), newScope(2, 1, machineReboot, staleView, lostWorker),
			newScope(2, 1, newLeader, newLeader), newScope(2, 1, newLeader, unitRemoved), newScope(2, 1, unitAdded),
			rolled(3), rolled(2, newLeader), rolled(2).beside(), rolled(2, failingAttempt, abortedOnce, startedAgain).retried())
	}
	for _, sc := range all {
		whole := *sc
		whole.unreduced = true
		few, many := &search{scope: sc}, &search{scope: &whole}
		for _, s := range []*search{few, many} {
			if found := s.run(); found != nil {
				t.Fatalf("%s: %s", sc.name, found)
			}
		}
		found := few.rests()
		for _, rest := range many.rests() {
			if !slices.Contains(found, rest) {
				t.Errorf("%s: the reduced search does not find %s", sc.name, rest)
			}
		}
		t.Logf("%s: %d states instead of %d", sc.name, len(few.origins), len(many.origins))
	}
}

// rests are the states at rest, in words.
func (s *search) rests() []string {
	found := make(map[string]bool)
	for _, number := range s.quiet {
		_, n := s.retrace(number)
		app := n.model.AppDatabag(0)
		text := fmt.Appendf(nil, "%v left, leader %s, lock %s %s, rollout %s", n.left, n.model.Leader(), app["granted_unit"], app["granted_at"],
			app["rollingops-rollout"])
		for i := range n.procs {
			p := &n.procs[i]
			own := n.model.UnitDatabag(0, p.unit)
			text = fmt.Appendf(text, "; %s: %d to come, %s %s %s %s", p.unit, p.requests, own["state"], own["operations"], own["executed_at"],
				own["rollingops-step"])
		}
		rankRequests(text)
		found[string(text)] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// start is the state that a search begins in: all units are there, and nothing
// waits.
func (s *scope) start() *node {
	n := &node{scope: s}
	n.model = jujusim.New(world.CharmFiles, jujusim.Options{AutoElect: true, LostDepartures: s.lostDepartures, QuietWriter: s.quietWriter,
		EarlyDepartures: s.earlyDeparture})
	for range s.units {
		n.procs = append(n.procs, process{unit: n.model.AddUnit()})
	}
	n.runFairly()
	for i := range n.procs {
		n.procs[i].requests = s.requests
	}
	n.left = s.budget
	return n
}
