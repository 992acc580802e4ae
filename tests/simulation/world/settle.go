package world

import (
	"fmt"
	"time"

	"rolling-ops/tests/simulation/invariant"
)

// Settle ends all faults and runs the cluster fairly until nothing is left to
// do. It breaks if an operation is left over, or if hooks run and run and none is
// done. update-status helps only where the protocol says that it must: when a
// unit lost a hook (see machine.wakeLost).
func (w *World) Settle() {
	if w.Opts.Claims != "" {
		w.settleMixed()
		return
	}
	w.endFaults()
	w.run()
	if left := w.left(); left != "" {
		if !w.wakeLost() {
			w.violation("stuck: %s", left)
		}
		for _, m := range w.Machines() {
			_ = w.Model.UpdateStatus(m.Name)
		}
		w.run()
		if left := w.left(); left != "" {
			w.violation("stuck even after update-status: %s", left)
		}
	}
}

// wakeLost tells whether a unit waits for a hook that does not come.
func (w *World) wakeLost() bool {
	for _, m := range w.Units {
		if !m.wakeLost.IsZero() {
			return true
		}
	}
	return false
}

func (w *World) endFaults() {
	w.Check.zombies = nil
	for _, m := range w.Machines() {
		_ = thaw(w, m, nil)
		_ = release(w, m, nil)
		m.broken, m.Worker.lose, m.Worker.twice = false, false, false
		if m.lostEvents {
			w.drop(m)
			m.lostEvents = false
			_ = w.Model.RestartAgent(m.Name)
		}
	}
	if w.Model.Leader() == "" {
		for _, name := range w.Names() {
			if info, _ := w.Model.Unit(name); info.Life != "dying" {
				_ = w.Model.SetLeader(name)
				break
			}
		}
	}
}

// idleHooks is how many hooks there may be between two steps forward: every
// unit may have to hear of every other, twice, and has hooks of its own.
func (w *World) idleHooks() int {
	n := len(w.Names())
	return n * (2*n + 15)
}

// run makes fair progress until nothing can. A step forward is an attempt, an
// operation accepted or a unit gone; too many hooks without one are a livelock.
func (w *World) run() {
	forward, since := w.Check.forward, w.Hooks
	bags, looks := "", 0
	for {
		moved := false
		for _, m := range w.Machines() {
			if callWorker(w, m, nil) == nil {
				moved = true
			}
			if m.Running != nil || w.canBegin(m) {
				if err := wholeRun(w, m, nil); err == nil {
					moved = true
				}
			}
			w.Now = w.Now.Add(time.Millisecond)
		}
		if !moved && w.onlyLooks() {
			if now := w.bags(); now != bags {
				bags, looks = now, 0
			}
			if looks++; looks > vainLooks {
				return
			}
		}
		if !moved && !w.sleepUntilDue() {
			return
		}
		if w.Check.forward != forward {
			forward, since = w.Check.forward, w.Hooks
		}
		if w.Hooks-since > w.idleHooks() {
			w.violation("livelock: more than %d hooks and nothing is done, %s", w.idleHooks(), w.left())
			return // in a world that is held to something else
		}
	}
}

// vainLooks is how many looks of a leader at a unit that it waits for must change
// nothing until it is plain that more will not: it nudges a unit that is a minute
// late.
const vainLooks = 4

// onlyLooks reports whether nothing is left to come but looks of leaders.
func (w *World) onlyLooks() bool {
	for _, m := range w.Machines() {
		if _, ok := w.Model.Next(m.Name); ok || m.v1Worker.pid != 0 || m.Worker.Plan.Wanted() {
			return false
		}
	}
	return true
}

// bags are all databags as they are committed.
func (w *World) bags() string {
	all := []any{w.AppBag()}
	for _, name := range w.Names() {
		all = append(all, name, w.UnitBag(name))
	}
	return fmt.Sprint(all...)
}

func (w *World) canBegin(m *Machine) bool {
	run, ok := w.Model.Next(m.Name)
	return ok && !w.Now.Before(run.NotBefore)
}

// sleepUntilDue moves the clock to the next thing that waits for it.
func (w *World) sleepUntilDue() bool {
	d := w.untilDue()
	w.Now = w.Now.Add(max(0, d))
	return d >= 0
}

// untilDue is how long it is until a worker or a hook in error is due, -1 if
// none waits.
func (w *World) untilDue() time.Duration {
	next := time.Duration(-1)
	consider := func(t time.Time) {
		if d := max(0, t.Sub(w.Now)); next < 0 || d < next {
			next = d
		}
	}
	for _, m := range w.Machines() {
		if due, ok := m.Worker.Due(); ok {
			consider(due)
		}
		if m.v1Worker.pid != 0 {
			consider(m.v1Worker.due)
		}
		if run, ok := w.Model.Next(m.Name); ok {
			consider(run.NotBefore)
		}
	}
	return next
}

// left tells what is not done.
func (w *World) left() string {
	if left := invariant.Undone(w.AppBag(), w.Names(), w.UnitBag); left != "" {
		return left
	}
	return invariant.Rolling(w.AppBag(), w.Check.committedView)
}
