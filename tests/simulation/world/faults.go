package world

import (
	"strconv"
	"time"

	"rolling-ops/jujusim"
)

// maxUnits bounds a cluster.
const MaxUnits = 8

func addUnit(w *World, _ *Machine, _ []string) error {
	if len(w.Names()) >= MaxUnits {
		return errImpossible
	}
	late := w.Hooks > 0
	m := w.Units[w.Model.AddUnit()]
	if late {
		m.late = true
		w.cover.fire("unit added")
	}
	return nil
}

func remove(w *World, m *Machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.cover.fire("unit removed")
	if w.Model.Leader() == m.Name {
		w.cover.fire("leaving leader")
	}
	return w.Model.RemoveUnit(m.Name, false)
}

func removeForce(w *World, m *Machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.cover.fire("forced removal")
	w.judge.removing(m.Name)
	return w.Model.RemoveUnit(m.Name, true)
}

// staying counts the other units that are not about to leave: an application
// without any has nobody to be served.
func (w *World) staying(m *Machine) int {
	n := 0
	for _, name := range w.Names() {
		if info, _ := w.Model.Unit(name); name != m.Name && info.Life != "dying" {
			n++
		}
	}
	return n
}

// elect moves the leadership, never while a promise of is-leader holds.
func elect(w *World, m *Machine, _ []string) error {
	info, _ := w.Model.Unit(m.Name)
	if w.promised() || w.Model.Leader() == m.Name || info.Life == "dying" || info.Down {
		return errImpossible
	}
	w.noteLeadership(m.Name)
	return w.Model.SetLeader(m.Name)
}

func depose(w *World, _ *Machine, _ []string) error {
	if w.promised() || w.Model.Leader() == "" {
		return errImpossible
	}
	w.noteLeadership("")
	w.Model.LoseLeadership()
	return nil
}

// promised tells whether a "true" of is-leader still binds the controller.
func (w *World) promised() bool { return w.Now.Before(w.Model.PromisedUntil()) }

// kill ends dispatch by a signal. A hook and an action lose what they wrote; a
// juju-exec command has it committed all the same.
func kill(w *World, m *Machine, _ []string) error {
	r := m.Running
	if r == nil {
		return errImpossible
	}
	w.noteKill(r)
	if r.Hook.Run().Kind == jujusim.ExecRun {
		w.ending = r
	}
	w.drop(m)
	if w.ending != nil {
		_ = r.Hook.Finish(137)
		return nil
	}
	return r.Hook.Kill()
}

func fail(w *World, m *Machine, _ []string) error {
	if m.Running == nil || m.Running.fail {
		return errImpossible
	}
	m.Running.fail = true
	w.cover.fire(m.Running.failure())
	return nil
}

// failure is the fault that a run is which exits non-zero.
func (r *running) failure() string {
	if r.Hook.Run().Kind == jujusim.ExecRun {
		return "juju-exec fails"
	}
	return "hook fails at its end"
}

func restartAgent(w *World, m *Machine, _ []string) error {
	if m.Running != nil {
		w.cover.fire("agent restarted in a hook")
		w.cover.matter("agent restarted in a hook", true)
	}
	w.drop(m)
	m.lostEvents = false
	return w.Model.RestartAgent(m.Name)
}

func reboot(w *World, m *Machine, _ []string) error {
	w.cover.fire("machine rebooted")
	w.cover.matter("machine rebooted", m.Running != nil || m.Worker.alive())
	w.drop(m)
	m.Worker.kill()
	m.v1Worker = v1Worker{}
	m.lostEvents = false
	if err := w.Model.Reboot(m.Name); err != nil {
		return err
	}
	m.booted = w.Now
	return w.Model.StartAgent(m.Name)
}

func freeze(w *World, m *Machine, _ []string) error {
	if m.frozen {
		return errImpossible
	}
	m.frozen = true
	if m.Running != nil {
		w.cover.fire("machine suspended in a hook")
	}
	return nil
}

func thaw(w *World, m *Machine, _ []string) error {
	if !m.frozen {
		return errImpossible
	}
	m.frozen = false
	w.cover.matter("machine suspended in a hook", m.Running != nil && m.Running.untrusted())
	return nil
}

func skew(w *World, m *Machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	w.cover.fire("clock skew")
	if m.Running != nil && d < m.skew {
		m.Running.jumped = true
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
	return App + "/" + args[0]
}

func hold(w *World, m *Machine, args []string) error {
	if err := w.Model.Hold(m.Name, "restart", about(args)); err != nil {
		return errImpossible
	}
	w.cover.fire("event delayed")
	return nil
}

func release(w *World, m *Machine, _ []string) error {
	_, busy := w.Model.Next(m.Name)
	if err := w.Model.ReleaseAll(m.Name); err != nil {
		return err
	}
	_, busier := w.Model.Next(m.Name)
	w.cover.matter("event delayed", busier && !busy)
	return nil
}

func repeat(w *World, m *Machine, args []string) error {
	before, _ := w.Model.Next(m.Name)
	if err := w.Model.Redeliver(m.Name, "restart", about(args)); err != nil {
		return errImpossible
	}
	after, _ := w.Model.Next(m.Name)
	w.cover.fire("event repeated")
	w.cover.matter("event repeated", w.concerned(m) && before.String() != after.String())
	return nil
}

func loseEvents(w *World, m *Machine, _ []string) error {
	n, err := w.Model.DropEvents(m.Name)
	if err != nil || n == 0 {
		return errImpossible
	}
	m.lostEvents = true
	w.cover.fire("event lost")
	w.cover.matter("event lost", w.concerned(m))
	return nil
}

// concerned tells whether the unit leads or holds the lock.
func (w *World) concerned(m *Machine) bool {
	return w.Model.Leader() == m.Name || w.AppBag()["granted_unit"] == m.Name
}

func callWorker(w *World, m *Machine, _ []string) error {
	switch {
	case m.Worker.ready(w):
		m.Worker.call(w, m)
	case m.v1Worker.ready(w):
		m.v1Worker.call(w, m)
	default:
		return errImpossible
	}
	return nil
}

func killWorker(w *World, m *Machine, _ []string) error {
	if m.v1Worker.pid != 0 {
		m.v1Worker = v1Worker{}
		return nil
	}
	if !m.Worker.alive() {
		return errImpossible
	}
	w.cover.fire("worker killed")
	_, waits := m.Worker.Due()
	w.cover.matter("worker killed", waits)
	m.Worker.kill()
	m.wakeLost = w.Now
	return nil
}

func loseWorker(w *World, m *Machine, _ []string) error {
	m.Worker.lose = true
	w.cover.fire("worker never started")
	return nil
}

func doubleWorker(w *World, m *Machine, _ []string) error {
	m.Worker.twice = true
	w.cover.fire("worker started twice")
	return nil
}

func delayWorker(w *World, m *Machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	if _, waits := m.Worker.Due(); !waits {
		return errImpossible
	}
	m.Worker.late += d
	w.cover.fire("worker late")
	w.cover.matter("worker late", w.concerned(m))
	return nil
}

// byOperator is a command that an operator, or a charm of another revision,
// runs on the unit through juju-exec.
func byOperator(fault string) func(*World, *Machine, []string) error {
	return func(w *World, m *Machine, args []string) error {
		command := map[string]string{"queue corrupted": corruptCommand, "unknown callback": unknownCommand}[fault]
		if len(args) > 0 {
			count, err := strconv.Atoi(args[0])
			if err != nil || count < 1 || count > 2000 {
				return errImpossible
			}
			command = fillCommand + " " + args[0]
		}
		if _, err := w.Model.EnqueueExec(m.Name, command); err != nil {
			return errImpossible
		}
		w.cover.fire(fault)
		return nil
	}
}

// foreignStamp has somebody write the unit's executed_at through juju-exec. That
// twice before the unit has written both copies is more than the protocol bears.
func foreignStamp(w *World, m *Machine, args []string) error {
	if m.stamp != noForeignWrite || !isForeign(args[0]) {
		return errImpossible
	}
	if _, err := w.Model.EnqueueExec(m.Name, stampCommand+" "+args[0]); err != nil {
		return errImpossible
	}
	m.stamp = foreignWriteQueued
	w.cover.fire("foreign stamp")
	return nil
}

// foreignLock has somebody write granted_at through juju-exec on the leader. The
// checker counts it when it is committed.
func foreignLock(w *World, m *Machine, args []string) error {
	if w.Model.Leader() != m.Name || w.AppBag()["granted_unit"] == "" || !isForeign(args[0]) {
		return errImpossible
	}
	if _, err := w.Model.EnqueueExec(m.Name, stampLockCommand+" "+args[0]); err != nil {
		return errImpossible
	}
	return nil
}

func isForeign(what string) bool {
	_, ok := foreignStamps[what]
	return ok || what == "grant"
}

func updateStatus(w *World, m *Machine, _ []string) error { return w.Model.UpdateStatus(m.Name) }

func breakService(w *World, m *Machine, _ []string) error {
	m.broken = true
	w.cover.fire("service broken")
	return nil
}

func mendService(_ *World, m *Machine, _ []string) error {
	m.broken = false
	return nil
}
