package simulation

import (
	"strings"
	"testing"
)

// TestExhaustiveFinds breaks the library in ways that need an unlucky order of
// events, and sees to it that the search finds a shortest one.
func TestExhaustiveFinds(t *testing.T) {
	tests := []struct {
		defect defect
		scope  *scope
		want   string // part of the broken invariant
	}{
		{staleApp, newScope(2, 2), "stuck"},
		{cachedLeadership, newScope(2, 1, newLeader), "cannot write the application databag"},
		{noLease, newScope(2, 1, newLeader), "cannot write the application databag"},
		{noLease, newScope(2, 1, newLeader, newLeader).forTwo(), "begins its operation while"},
		{listedOnly, newScope(2, 1, newLeader, unitAdded), "took the lock from"},
		{listedOnly, newScope(2, 1, newLeader, unitAdded).forTwo(), "begins its operation while"},
		{noWaker, rolled(1).quiet(), "stuck: rollout 1 is running"},
		{noWaker, newScope(2, 1), "stuck: rolling-ops/0 has 1 operations (request), rolling-ops/0 holds the lock"},
	}
	for _, tt := range tests {
		t.Run(string(tt.defect)+", "+tt.scope.name, func(t *testing.T) {
			sc := *tt.scope
			sc.broken = tt.defect
			s := &search{scope: &sc}
			found := s.run()
			if found == nil {
				t.Fatalf("nothing found: %s", s)
			}
			if !strings.Contains(found.violation, tt.want) {
				t.Errorf("found %q, want %q", found.violation, tt.want)
			}
			t.Logf("%s after %d states:\n%s", found.violation, len(s.origins), strings.Join(found.schedule, "\n"))
		})
	}
}

// TestExhaustiveMutants has the search catch those mutants for which time and
// what stands in a queue do not matter, each in a scope that is enough for it.
// The short test makes do with those that random schedules hardly find.
func TestExhaustiveMutants(t *testing.T) {
	tests := []struct {
		mutant, scope string
		short         bool
	}{
		{"leadership-asked-late", "2 units x 1, a new leader, a new leader", true},
		{"leadership-asked-again", "2 units x 1, a new leader, a new leader", true},
		{"late-leader-sleeps", "2 units x 1, a new leader, a new leader", true},
		{"release-when-idle", "2 units x 2, a new leader, a new leader", false},
		{"release-over-all-units", "2 units x 2, a new leader", false},
		{"no-lease-margin", "2 units x 2, a new leader", false},
		{"unlisted-holder-is-gone", "3 units x 1, a unit removed", false},
		{"no-goal-state", "3 units x 1, a unit removed", false},
		{"holder-not-watched", "2 units x 1, a unit removed and heard of early", false},
		{"no-rescan-on-update-status", "3 units x 1, a lost worker", false},
		{"grant-used-at-once", "2 units x 2", false},
		{"grant-used-twice", "2 units x 2", false},
		{"leader-skips-own-grant", "2 units x 2", false},
		{"lock-written-before-callback", "2 units x 2", false},
		{"paused-step-begins", "a rollout over 3 units, a pause", true},
		{"overtaking", "a rollout over 3 units", true},
		{"one-failure-more", "a rollout over 2 units, a failing attempt, a resume", true},
		{"round-ignored", "a rollout over 2 units, a failing attempt, a resume", true},
		{"aborted-retry-runs", "a rollout over 2 units, a failing attempt, an abort, another rollout, a retry", true},
		{"step-grant-stays", "a rollout over 2 units, requests", true},
		{"fails-in-old-round", "a rollout over 2 units, a failing attempt, a pause", true},
		{"awaited-not-watched", "a rollout over 2 units, a unit removed and no word of it", true},
		{"ready-and-idle", "a rollout over 3 units", true},
	}
	if mutated != "" {
		return // this is the binary with the mutants
	}
	binary := buildMutants(t)
	for _, tt := range tests {
		if !tt.short && !*exhaustiveFull {
			continue
		}
		t.Run(tt.mutant, func(t *testing.T) {
			out, caught := runMutant(t, binary, tt.mutant, "TestExhaustive", "-exhaustive.full", "-exhaustive.scope", tt.scope)
			if !caught {
				t.Errorf("not found in %s:\n%s", tt.scope, out)
			}
			t.Log(out)
		})
	}
}

// forTwo looks for two operations at once, whatever else breaks on the way.
func (s *scope) forTwo() *scope {
	s.twoAtOnce = true
	s.name += ", two at once"
	return s
}
