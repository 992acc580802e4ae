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
		{noWaker, newScope(2, 1), "stuck: rolling-ops/0 has operations, rolling-ops/0 holds the lock"},
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

// forTwo looks for two operations at once, whatever else breaks on the way.
func (s *scope) forTwo() *scope {
	s.twoAtOnce = true
	s.name += ", two at once"
	return s
}
