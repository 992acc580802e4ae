package simulation

import (
	"fmt"
	"strings"
	"time"

	"rolling-ops/internal/codec"
)

// settle ends all faults and runs the cluster fairly until nothing is left to
// do. It breaks if an operation is left over, or if hooks run and run and none is
// done. update-status helps only where the protocol says that it
// must: when a unit lost a hook (see machine.wakeLost), and when Juju kept a
// departure to itself.
func (w *world) settle() {
	w.endFaults()
	w.run()
	if left := w.left(); left != "" {
		if !w.wakeLost() && !w.departureLost {
			w.violation("stuck: %s", left)
		}
		for _, m := range w.machines() {
			_ = w.model.UpdateStatus(m.name)
		}
		w.run()
		if left := w.left(); left != "" {
			w.violation("stuck even after update-status: %s", left)
		}
	}
	w.departureLost = false
}

// wakeLost tells whether a unit waits for a hook that does not come.
func (w *world) wakeLost() bool {
	for _, m := range w.units {
		if !m.wakeLost.IsZero() {
			return true
		}
	}
	return false
}

func (w *world) endFaults() {
	w.check.zombies = nil
	for _, m := range w.machines() {
		_ = thaw(w, m, nil)
		_ = release(w, m, nil)
		m.broken, m.worker.lose, m.worker.twice = false, false, false
		if m.lostEvents {
			w.drop(m)
			m.lostEvents = false
			_ = w.model.RestartAgent(m.name)
		}
	}
	if w.model.Leader() == "" {
		for _, name := range w.names() {
			if info, _ := w.model.Unit(name); info.Life != "dying" {
				_ = w.model.SetLeader(name)
				break
			}
		}
	}
}

// idleHooks is how many hooks there may be between two steps forward: every
// unit may have to hear of every other, twice, and has hooks of its own.
func (w *world) idleHooks() int {
	n := len(w.names())
	return n * (2*n + 15)
}

// run makes fair progress until nothing can. A step forward is an attempt, an
// operation accepted or a unit gone; too many hooks without one are a livelock.
func (w *world) run() {
	forward, since := w.check.forward, w.hooks
	for {
		moved := false
		for _, m := range w.machines() {
			if m.worker.ready(w) {
				m.worker.call(w, m)
				moved = true
			}
			if m.running != nil || w.canBegin(m) {
				if err := wholeRun(w, m, nil); err == nil {
					moved = true
				}
			}
			w.now = w.now.Add(time.Millisecond)
		}
		if !moved && !w.sleepUntilDue() {
			return
		}
		if w.check.forward != forward {
			forward, since = w.check.forward, w.hooks
		}
		if w.hooks-since > w.idleHooks() {
			w.violation("livelock: more than %d hooks and nothing is done, %s", w.idleHooks(), w.left())
		}
	}
}

func (w *world) canBegin(m *machine) bool {
	run, ok := w.model.Next(m.name)
	return ok && !w.now.Before(run.NotBefore)
}

// sleepUntilDue moves the clock to the next thing that waits for it.
func (w *world) sleepUntilDue() bool {
	d := w.untilDue()
	w.now = w.now.Add(max(0, d))
	return d >= 0
}

// untilDue is how long it is until a worker or a hook in error is due, -1 if
// none waits.
func (w *world) untilDue() time.Duration {
	next := time.Duration(-1)
	consider := func(t time.Time) {
		if d := max(0, t.Sub(w.now)); next < 0 || d < next {
			next = d
		}
	}
	for _, m := range w.machines() {
		if due, ok := m.worker.due(); ok {
			consider(due)
		}
		if run, ok := w.model.Next(m.name); ok {
			consider(run.NotBefore)
		}
	}
	return next
}

// left tells what is not done: queued operations and a lock that is held.
func (w *world) left() string {
	var left []string
	for _, name := range w.names() {
		queue, err := codec.ParseQueue(w.unitBag(name)["operations"])
		if err == nil && len(queue) > 0 {
			left = append(left, fmt.Sprintf("%s has %d operations (%s)", name, len(queue), w.unitBag(name)["state"]))
		}
	}
	if bag := w.appBag(); bag["granted_unit"] != "" {
		left = append(left, fmt.Sprintf("%s holds the lock since %s", bag["granted_unit"], bag["granted_at"]))
	}
	return strings.Join(left, ", ")
}
