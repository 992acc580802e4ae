package rollout

import "slices"

// Phase is what a unit is to a rollout.
type Phase string

const (
	PhaseWaiting Phase = "waiting" // it has not answered
	PhaseReady   Phase = "ready"
	PhaseFailing Phase = "failing"
	PhaseFailed  Phase = "failed" // since the last resume
	PhaseDone    Phase = "done"
	PhaseSkipped Phase = "skipped"
	PhaseGone    Phase = "gone" // the application no longer has it, or it is leaving
)

// Phase is that of unit n, one of the rollout's, whose databag has the step s;
// gone says that the application no longer has it.
func (r Record) Phase(n int, s Step, gone bool) Phase {
	switch {
	case gone:
		return PhaseGone
	case s.Done(r):
		return PhaseDone
	case r.Skip.Has(n):
		return PhaseSkipped
	case s.Failing(r):
		return PhaseFailing
	case s.Failed(r):
		return PhaseFailed
	case s.Ready(r):
		return PhaseReady
	}
	return PhaseWaiting
}

// Wants reports whether unit n, whose databag has the step s, has to answer
// that it is ready: the rollout has not ended, names the unit, does not skip it, and its
// step is none of this rollout or failed before the rollout was resumed.
func (r Record) Wants(n int, s Step) bool {
	return r.Active() && r.Units.Has(n) && r.Phase(n, s, false) == PhaseWaiting
}

// Active reports whether the rollout has begun and not ended.
func (r Record) Active() bool { return r.State == Running || r.State == Paused }

// InOrder are the rollout's units in the order in which their turns come, for
// a leader that is unit number leader.
func (r Record) InOrder(leader int) Units {
	if r.Order == Given {
		return r.Units
	}
	return AutoOrder(r.Units, leader)
}

// AutoOrder puts the highest number first and the leader last: a leader that
// restarts would hand the rollout to another one.
func AutoOrder(units Units, leader int) Units {
	order := slices.DeleteFunc(slices.Clone(units), func(n int) bool { return n == leader })
	slices.Sort(order)
	slices.Reverse(order)
	if len(order) < len(units) {
		order = append(order, leader)
	}
	return order
}

// Tally is how many units are in which phase.
type Tally struct {
	Waiting, Ready, Failing, Failed, Done, Skipped, Gone int
}

// Tally counts the rollout's units by phase.
func (r Record) Tally(phase func(n int) Phase) Tally {
	var t Tally
	count := map[Phase]*int{
		PhaseWaiting: &t.Waiting, PhaseReady: &t.Ready, PhaseFailing: &t.Failing, PhaseFailed: &t.Failed,
		PhaseDone: &t.Done, PhaseSkipped: &t.Skipped, PhaseGone: &t.Gone,
	}
	for _, n := range r.Units {
		*count[phase(n)]++
	}
	return t
}

// Total is the number of units that the application still has.
func (t Tally) Total() int { return t.toCome() + t.Failing + t.Failed + t.Done + t.Skipped }

// toCome is the number of units whose turn has not come.
func (t Tally) toCome() int { return t.Waiting + t.Ready }

// WithinBudget reports whether a further unit may have its turn: no more units
// are failing or failed than the rollout bears.
func (r Record) WithinBudget(t Tally) bool { return t.Failing+t.Failed <= r.MaxFailures }

// Next is the unit whose turn is next, and whether it is ready. Later ones do
// not overtake one that is not. There is none when ok is false.
func (r Record) Next(order Units, phase func(n int) Phase) (n int, ready, ok bool) {
	for _, n := range order {
		switch phase(n) {
		case PhaseReady:
			return n, true, true
		case PhaseWaiting:
			return n, false, true
		}
	}
	return 0, false, false
}
