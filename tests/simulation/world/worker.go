package world

import (
	"errors"
	"time"

	"rolling-ops/internal/worker"
)

// lockGranted is the command that a worker hands to juju-exec.
const LockGranted = "hooks/" + worker.Hook

// Background is a unit's worker process: what the real one decides, without the
// processes.
type Background struct {
	Plan    worker.Plan
	late    time.Duration // how long it oversleeps
	calling string        // the id of its juju-exec command

	lose  bool // the next one asked for never starts
	twice bool // the next call is made two times
}

// sinceEpoch is the clock of all plans.
func (w *World) sinceEpoch() time.Duration { return w.Now.Sub(Epoch) }

// request is what dispatch does.
func (k *Background) request(w *World, delay time.Duration) error {
	if k.lose {
		k.lose = false
		w.cover.matter("worker never started", true)
		return errors.New("no worker")
	}
	asked := w.sinceEpoch() + delay
	k.Plan.Ask(asked)
	due, _ := k.Plan.Due()
	k.late = min(k.late, max(0, asked-due)) // a request wakes it up
	return nil
}

// watch is what dispatch does when it watches the holder of the lock, or does not
// need to.
func (k *Background) watch(w *World, delay time.Duration) error {
	if delay <= 0 {
		if k.Plan.CallOff(); k.Plan.Done() {
			k.kill()
		}
		return nil
	}
	if !k.alive() && k.lose {
		k.lose = false
		w.cover.matter("worker never started", true)
		return errors.New("no worker")
	}
	k.Plan.Watch(w.sinceEpoch() + delay)
	return nil
}

// Due returns when it calls, and false while it does not wait for that.
func (k *Background) Due() (time.Time, bool) {
	due, ok := k.Plan.Due()
	return Epoch.Add(due + k.late), ok
}

// ready reports whether the worker would call now.
func (k *Background) ready(w *World) bool {
	due, ok := k.Due()
	return ok && !w.Now.Before(due)
}

// call queues the command with the agent.
func (k *Background) call(w *World, m *Machine) {
	k.Plan.Begin()
	k.late = 0
	id, err := w.Model.EnqueueExec(m.Name, LockGranted)
	if err != nil {
		k.Plan.End(w.sinceEpoch(), false)
		return
	}
	k.calling = id
	if k.twice {
		k.twice = false
		w.cover.matter("worker started twice", true)
		_, _ = w.Model.EnqueueExec(m.Name, LockGranted)
	}
}

// called is the end of a command, the worker's or not.
func (k *Background) called(w *World, id string, ok bool) {
	if id == "" || id != k.calling {
		return // a hook's end is none of a worker's business
	}
	k.calling = ""
	k.Plan.End(w.sinceEpoch(), ok)
	if k.Plan.Done() {
		k.kill() // the next one begins anew
	}
}

// alive reports whether there is a worker process.
func (k *Background) alive() bool { return !k.Plan.Done() }

// kill ends the process: a call that it made goes on without it.
func (k *Background) kill() { *k = Background{lose: k.lose, twice: k.twice} }
