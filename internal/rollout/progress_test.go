package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPhase(t *testing.T) {
	step := func(state StepState) Step { return Step{ID: 7, Round: 1, State: state} }
	for _, c := range []struct {
		name string
		unit int
		step Step
		gone bool
		want Phase
	}{
		{"has not answered", 1, Step{}, false, PhaseWaiting},
		{"answered another rollout", 1, Step{ID: 6, State: StepDone}, false, PhaseWaiting},
		{"failed before the resume", 1, Step{ID: 7, Round: 0, State: StepFailed}, false, PhaseWaiting},
		{"ready", 1, step(StepReady), false, PhaseReady},
		{"failing", 1, step(StepFailing), false, PhaseFailing},
		{"failed", 1, step(StepFailed), false, PhaseFailed},
		{"done", 1, step(StepDone), false, PhaseDone},
		{"skipped", 2, step(StepReady), false, PhaseSkipped},
		{"skipped and failing", 2, step(StepFailing), false, PhaseSkipped},
		{"skipped, but done", 2, step(StepDone), false, PhaseDone},
		{"gone", 1, step(StepReady), true, PhaseGone},
	} {
		r := rollout7(func(r *Record) { r.Round, r.Skip = 1, Units{2} })
		if got := r.Phase(c.unit, c.step, c.gone); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Record
		unit int
		step Step
		want bool
	}{
		{"running", rollout7(), 1, Step{}, true},
		{"paused", rollout7(in(Paused, ByOperator)), 1, Step{}, true},
		{"done", rollout7(in(Done, "")), 1, Step{}, false},
		{"aborted", rollout7(in(Aborted, "")), 1, Step{}, false},
		{"none", Record{}, 1, Step{}, false},
		{"joined later", rollout7(), 5, Step{}, false},
		{"skipped", rollout7(func(r *Record) { r.Skip = Units{1} }), 1, Step{}, false},
		{"answered", rollout7(), 1, Step{ID: 7, State: StepReady}, false},
		{"failed", rollout7(), 1, Step{ID: 7, State: StepFailed}, false},
		{"failed before the resume", rollout7(func(r *Record) { r.Round = 1 }), 1, Step{ID: 7, State: StepFailed}, true},
	} {
		if got := c.r.Wants(c.unit, c.step); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		units  Units
		leader int
		want   string
	}{
		{Units{0, 1, 2, 3, 4}, 2, "4,3,1,0,2"},
		{Units{0, 1, 2, 3, 4}, 9, "4-0"},
		{Units{0, 1, 2}, 0, "2-0"},
		{nil, 0, ""},
	} {
		if got := AutoOrder(c.units, c.leader).String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.units, got, c.want)
		}
	}
	given := rollout7(func(r *Record) { r.Units, r.Order = Units{0, 4, 2}, Given })
	if got := given.InOrder(0).String(); got != "0,4,2" {
		t.Error(got)
	}
}

func TestLaterUnitsDoNotOvertake(t *testing.T) {
	for _, c := range []struct {
		phases    []Phase // of units 4, 3, 1, 0, 2
		want      int
		ready, ok bool
	}{
		{[]Phase{PhaseReady, PhaseReady, PhaseReady, PhaseReady, PhaseReady}, 4, true, true},
		{[]Phase{PhaseDone, PhaseWaiting, PhaseReady, PhaseReady, PhaseReady}, 3, false, true},
		{[]Phase{PhaseFailed, PhaseFailing, PhaseSkipped, PhaseGone, PhaseReady}, 2, true, true},
		{[]Phase{PhaseDone, PhaseDone, PhaseDone, PhaseDone, PhaseSkipped}, 0, false, false},
	} {
		r := rollout7()
		order := r.InOrder(2)
		phases := make(map[int]Phase)
		for i, n := range order {
			phases[n] = c.phases[i]
		}
		n, ready, ok := r.Next(order, func(n int) Phase { return phases[n] })
		if n != c.want || ready != c.ready || ok != c.ok {
			t.Errorf("%v: got %d, %t, %t", c.phases, n, ready, ok)
		}
	}
}

func TestTally(t *testing.T) {
	phases := []Phase{PhaseDone, PhaseFailing, PhaseGone, PhaseSkipped, PhaseWaiting}
	r := rollout7()
	got := r.Tally(func(n int) Phase { return phases[n] })
	if diff := cmp.Diff(Tally{Done: 1, Failing: 1, Gone: 1, Skipped: 1, Waiting: 1}, got); diff != "" || got.Total() != 4 {
		t.Error(diff, got.Total())
	}
	for budget, want := range []bool{false, false, true} {
		r.MaxFailures = budget
		if got := r.WithinBudget(Tally{Failing: 1, Failed: 1}); got != want {
			t.Errorf("%d: got %t", budget, got)
		}
	}
}
