package simulation

import (
	"testing"
	"time"

	"rolling-ops/internal/worker"
)

// workerPhase is what the exhaustive search knows of a unit's worker, which is
// not at which time it is due.
type workerPhase uint8

const (
	noWorker    workerPhase = iota
	workerLater             // waits for its time
	workerDue
	workerCalling
	workerCallingLater // asked for once more meanwhile, for later
	workerCallingAgain // asked for once more meanwhile
)

// asked is the phase after a hook has asked for the worker.
func (k workerPhase) asked(later bool) workerPhase {
	wanted := workerDue
	if later {
		wanted = workerLater
	}
	if k >= workerCalling {
		wanted += workerCallingAgain - workerDue
	}
	return max(k, wanted)
}

// ended is the phase after the end of the worker's call. The pause after one
// that failed goes by at once: it is shorter than anything else that waits.
func (k workerPhase) ended(failed bool) workerPhase {
	switch {
	case failed || k == workerCallingAgain:
		return workerDue
	case k == workerCallingLater:
		return workerLater
	}
	return noWorker
}

// phaseOf is what the search knows of a plan.
func phaseOf(p worker.Plan, now time.Duration) workerPhase {
	due, waits := p.Due() // during a call too, when another is wanted
	later := due > now
	switch {
	case p.Calling() && !p.Wanted():
		return workerCalling
	case p.Calling() && later:
		return workerCallingLater
	case p.Calling():
		return workerCallingAgain
	case waits && later:
		return workerLater
	case waits:
		return workerDue
	}
	return noWorker
}

// The search's phases are those of the real worker's plan, whatever happens in
// whatever order.
func TestWorkerPhasesAreThoseOfThePlan(t *testing.T) {
	checked := 0
	var from func(path string, p worker.Plan, now time.Duration, phase workerPhase)
	from = func(path string, p worker.Plan, now time.Duration, phase workerPhase) {
		if checked++; phaseOf(p, now) != phase {
			t.Fatalf("%s: the search says %d, the plan %d: %+v", path, phase, phaseOf(p, now), p)
		}
		if len(path) == 9 {
			return
		}
		step := func(name string, do func(p *worker.Plan), later time.Duration, next workerPhase) {
			p := p
			do(&p)
			from(path+name, p, now+later, next)
		}
		step("a", func(p *worker.Plan) { p.Ask(now) }, 0, phase.asked(false))
		step("l", func(p *worker.Plan) { p.Ask(now + time.Hour) }, 0, phase.asked(true))
		due, waits := p.Due()
		if waits {
			step("c", (*worker.Plan).Begin, max(0, due-now), workerCalling)
		}
		if p.Calling() {
			step("s", func(p *worker.Plan) { p.End(now, true) }, 0, phase.ended(false))
			step("f", func(p *worker.Plan) { p.End(now, false) }, time.Minute, phase.ended(true))
		}
	}
	from("", worker.Plan{}, 0, noWorker)
	if checked < 10_000 {
		t.Errorf("only %d states", checked)
	}
}
