package simulation

import (
	"fmt"
	"strings"
	"time"

	"rolling-ops/internal/jujusim"
	"rolling-ops/internal/rollingops"
)

// settle ends all faults and runs the cluster fairly until nothing is left to
// do. It breaks if an operation is left over, or if that takes more hooks than
// there is work for. update-status helps only where the protocol says that it
// must: when a worker was lost, and when Juju kept a departure to itself.
func (w *world) settle() {
	w.endFaults()
	w.run(w.bound())
	if left := w.left(); left != "" {
		if !w.workerLost && !(w.opts.LostDepartures && w.removedOne) {
			w.violation("stuck: %s", left)
		}
		for _, m := range w.machines() {
			_ = w.model.UpdateStatus(m.name)
		}
		w.run(w.bound())
		if left := w.left(); left != "" {
			w.violation("stuck even after update-status: %s", left)
		}
	}
	w.workerLost = false
}

func (w *world) endFaults() {
	w.check.zombies = nil
	for _, m := range w.machines() {
		m.frozen, m.broken = false, false
		m.worker.lose, m.worker.twice = false, false
		_ = w.model.ReleaseAll(m.name)
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

// bound is how many hooks the work that is left may take. Each attempt costs a
// change of two databags, heard of by everybody, and the worker's hooks.
func (w *world) bound() int {
	attempts := 0
	for _, name := range w.names() {
		queue, err := rollingops.ParseQueue(w.unitBag(name)["operations"])
		if err != nil {
			continue
		}
		for _, op := range queue {
			limit, bounded := op.MaxRetry.Limit()
			if !bounded {
				limit = op.Attempt.Int()
			}
			attempts += max(0, limit-op.Attempt.Int()) + 1
		}
	}
	n := len(w.names())
	pending := 0
	for _, name := range w.names() {
		pending += len(w.model.Pending(name))
	}
	return w.hooks + 40*n + 4*n*n + (attempts+4*pending)*(3*n+6)
}

// run makes fair progress until nothing can, or the bound is passed.
func (w *world) run(bound int) {
	for w.hooks <= bound {
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
	}
	w.violation("livelock: more than %d hooks, %s", bound, w.left())
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
		if m.worker.waiting {
			consider(m.worker.due)
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
		queue, err := rollingops.ParseQueue(w.unitBag(name)["operations"])
		if err == nil && len(queue) > 0 {
			left = append(left, fmt.Sprintf("%s has %d operations (%s)", name, len(queue), w.unitBag(name)["state"]))
		}
	}
	if bag := w.appBag(); bag["granted_unit"] != "" {
		left = append(left, fmt.Sprintf("%s holds the lock since %s", bag["granted_unit"], bag["granted_at"]))
	}
	return strings.Join(left, ", ")
}

// noteDeposed counts what a move of the leadership does to running hooks.
func (w *world) noteDeposed(next string) {
	w.cover.fire("leadership moved")
	if w.appBag()["granted_unit"] != "" {
		w.cover.matter("leadership moved")
	}
	if next != "" && next == w.appBag()["granted_unit"] {
		w.cover.fire("leadership to the holder")
		w.cover.matter("leadership to the holder")
	}
	if m := w.units[w.model.Leader()]; m != nil && m.running != nil && !m.running.checked.IsZero() {
		m.running.deposed = true
		w.cover.fire("leadership lost in a hook")
		w.cover.matter("leadership lost in a hook")
	}
	if m := w.units[next]; m != nil && m.running != nil && m.running.deposed {
		w.cover.fire("leadership back within a hook")
		w.cover.matter("leadership back within a hook")
	}
}

func (w *world) noteKill(r *running) {
	switch {
	case r.hook.Run().Kind == jujusim.ExecRun && r.at == "callback":
		w.cover.fire("juju-exec fails")
		w.cover.matter("juju-exec fails")
		fallthrough
	case r.at == "callback":
		w.cover.fire("hook killed in callback")
		w.cover.matter("hook killed in callback")
	case w.check.unit(r.m.name).ran:
		w.cover.fire("hook killed after callback")
		w.cover.matter("hook killed after callback")
	default:
		w.cover.fire("hook killed before callback")
		if w.appBag()["granted_unit"] == r.m.name {
			w.cover.matter("hook killed before callback")
		}
	}
}
