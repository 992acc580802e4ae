package simulation

import (
	"strconv"
	"time"

	"rolling-ops/jujusim"
)

// maxUnits bounds a cluster.
const maxUnits = 8

func addUnit(w *world, _ *machine, _ []string) error {
	if len(w.names()) >= maxUnits {
		return errImpossible
	}
	late := w.hooks > 0
	m := w.units[w.model.AddUnit()]
	if late {
		m.late = true
		w.cover.fire("unit added")
	}
	return nil
}

func remove(w *world, m *machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.cover.fire("unit removed")
	if w.model.Leader() == m.name {
		w.cover.fire("leaving leader")
	}
	w.mayLoseDeparture(m.name)
	return w.model.RemoveUnit(m.name, false)
}

func removeForce(w *world, m *machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.cover.fire("forced removal")
	w.mayLoseDeparture(m.name)
	w.check.removing(m.name)
	return w.model.RemoveUnit(m.name, true)
}

// mayLoseDeparture notes that a unit leaves and the others may not hear of it:
// Juju loses it, or has not told them yet that the unit has joined. The latter
// matters if it holds the lock.
func (w *world) mayLoseDeparture(unit string) {
	if w.opts.LostDepartures {
		w.departureLost = true
	}
	for _, other := range w.names() {
		if other != unit && w.appBag()["granted_unit"] == unit && !w.joined[[2]string{other, unit}] {
			w.departureLost = true
		}
	}
}

// staying counts the other units that are not about to leave: an application
// without any has nobody to be served.
func (w *world) staying(m *machine) int {
	n := 0
	for _, name := range w.names() {
		if info, _ := w.model.Unit(name); name != m.name && info.Life != "dying" {
			n++
		}
	}
	return n
}

// elect moves the leadership, never while a promise of is-leader holds.
func elect(w *world, m *machine, _ []string) error {
	info, _ := w.model.Unit(m.name)
	if w.promised() || w.model.Leader() == m.name || info.Life == "dying" || info.Down {
		return errImpossible
	}
	w.noteLeadership(m.name)
	return w.model.SetLeader(m.name)
}

func depose(w *world, _ *machine, _ []string) error {
	if w.promised() || w.model.Leader() == "" {
		return errImpossible
	}
	w.noteLeadership("")
	w.model.LoseLeadership()
	return nil
}

// promised tells whether a "true" of is-leader still binds the controller.
func (w *world) promised() bool { return w.now.Before(w.model.PromisedUntil()) }

// kill ends dispatch by a signal. A hook and an action lose what they wrote; a
// juju-exec command has it committed all the same.
func kill(w *world, m *machine, _ []string) error {
	r := m.running
	if r == nil {
		return errImpossible
	}
	w.noteKill(r)
	if r.hook.Run().Kind == jujusim.ExecRun {
		w.ending = r
	}
	w.drop(m)
	if w.ending != nil {
		_ = r.hook.Finish(137)
		return nil
	}
	return r.hook.Kill()
}

func fail(w *world, m *machine, _ []string) error {
	if m.running == nil || m.running.fail {
		return errImpossible
	}
	m.running.fail = true
	w.cover.fire(m.running.failure())
	return nil
}

// failure is the fault that a run is which exits non-zero.
func (r *running) failure() string {
	if r.hook.Run().Kind == jujusim.ExecRun {
		return "juju-exec fails"
	}
	return "hook fails at its end"
}

func restartAgent(w *world, m *machine, _ []string) error {
	if m.running != nil {
		w.cover.fire("agent restarted in a hook")
		w.cover.matter("agent restarted in a hook", true)
	}
	w.drop(m)
	m.lostEvents = false
	return w.model.RestartAgent(m.name)
}

func reboot(w *world, m *machine, _ []string) error {
	w.cover.fire("machine rebooted")
	w.cover.matter("machine rebooted", m.running != nil || m.worker.alive())
	w.drop(m)
	m.worker.kill()
	m.lostEvents = false
	if err := w.model.Reboot(m.name); err != nil {
		return err
	}
	m.booted = w.now
	return w.model.StartAgent(m.name)
}

func freeze(w *world, m *machine, _ []string) error {
	if m.frozen {
		return errImpossible
	}
	m.frozen = true
	if m.running != nil {
		w.cover.fire("machine suspended in a hook")
	}
	return nil
}

func thaw(w *world, m *machine, _ []string) error {
	if !m.frozen {
		return errImpossible
	}
	m.frozen = false
	w.cover.matter("machine suspended in a hook", m.running != nil && m.running.untrusted())
	return nil
}

func skew(w *world, m *machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	w.cover.fire("clock skew")
	if m.running != nil && d < m.skew {
		m.running.jumped = true
		w.cover.fire("clock jumps in a hook")
	}
	m.skew = d
	return nil
}

// about is the remote unit that a step names, "" for the application.
func about(args []string) string {
	if args[0] == "app" {
		return ""
	}
	return app + "/" + args[0]
}

func hold(w *world, m *machine, args []string) error {
	if err := w.model.Hold(m.name, "restart", about(args)); err != nil {
		return errImpossible
	}
	w.cover.fire("event delayed")
	return nil
}

func release(w *world, m *machine, _ []string) error {
	_, busy := w.model.Next(m.name)
	if err := w.model.ReleaseAll(m.name); err != nil {
		return err
	}
	_, busier := w.model.Next(m.name)
	w.cover.matter("event delayed", busier && !busy)
	return nil
}

func repeat(w *world, m *machine, args []string) error {
	before, _ := w.model.Next(m.name)
	if err := w.model.Redeliver(m.name, "restart", about(args)); err != nil {
		return errImpossible
	}
	after, _ := w.model.Next(m.name)
	w.cover.fire("event repeated")
	w.cover.matter("event repeated", w.concerned(m) && before.String() != after.String())
	return nil
}

func loseEvents(w *world, m *machine, _ []string) error {
	n, err := w.model.DropEvents(m.name)
	if err != nil || n == 0 {
		return errImpossible
	}
	m.lostEvents = true
	w.cover.fire("event lost")
	w.cover.matter("event lost", w.concerned(m))
	return nil
}

// concerned tells whether the unit leads or holds the lock.
func (w *world) concerned(m *machine) bool {
	return w.model.Leader() == m.name || w.appBag()["granted_unit"] == m.name
}

func callWorker(w *world, m *machine, _ []string) error {
	if !m.worker.ready(w) {
		return errImpossible
	}
	m.worker.call(w, m)
	return nil
}

func killWorker(w *world, m *machine, _ []string) error {
	if !m.worker.alive() {
		return errImpossible
	}
	w.cover.fire("worker killed")
	_, waits := m.worker.due()
	w.cover.matter("worker killed", waits)
	m.worker.kill()
	m.wakeLost = w.now
	return nil
}

func loseWorker(w *world, m *machine, _ []string) error {
	m.worker.lose = true
	w.cover.fire("worker never started")
	return nil
}

func doubleWorker(w *world, m *machine, _ []string) error {
	m.worker.twice = true
	w.cover.fire("worker started twice")
	return nil
}

func delayWorker(w *world, m *machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	if _, waits := m.worker.due(); !waits {
		return errImpossible
	}
	m.worker.late += d
	w.cover.fire("worker late")
	w.cover.matter("worker late", w.concerned(m))
	return nil
}

// byOperator is a command that an operator, or a charm of another revision,
// runs on the unit through juju-exec.
func byOperator(fault string) func(*world, *machine, []string) error {
	return func(w *world, m *machine, args []string) error {
		command := map[string]string{"queue corrupted": corruptCommand, "unknown callback": unknownCommand}[fault]
		if len(args) > 0 {
			count, err := strconv.Atoi(args[0])
			if err != nil || count < 1 || count > 2000 {
				return errImpossible
			}
			command = fillCommand + " " + args[0]
		}
		if _, err := w.model.EnqueueExec(m.name, command); err != nil {
			return errImpossible
		}
		w.cover.fire(fault)
		return nil
	}
}

func updateStatus(w *world, m *machine, _ []string) error { return w.model.UpdateStatus(m.name) }

func breakService(w *world, m *machine, _ []string) error {
	m.broken = true
	w.cover.fire("service broken")
	return nil
}

func mendService(_ *world, m *machine, _ []string) error {
	m.broken = false
	return nil
}
