package simulation

import (
	"errors"
	"time"

	"rolling-ops/internal/worker"
)

// lockGranted is the command that a worker hands to juju-exec.
const lockGranted = "hooks/" + worker.Hook

// background is a unit's worker process: what the real one decides, without the
// processes.
type background struct {
	plan    worker.Plan
	late    time.Duration // how long it oversleeps
	calling string        // the id of its juju-exec command

	lose  bool // the next one asked for never starts
	twice bool // the next call is made two times
}

// sinceEpoch is the clock of all plans.
func (w *world) sinceEpoch() time.Duration { return w.now.Sub(epoch) }

// request is what dispatch does.
func (k *background) request(w *world, delay time.Duration) error {
	if k.lose {
		k.lose = false
		w.cover.matter("worker never started", true)
		return errors.New("no worker")
	}
	asked := w.sinceEpoch() + delay
	k.plan.Ask(asked)
	due, _ := k.plan.Due()
	k.late = min(k.late, max(0, asked-due)) // a request wakes it up
	return nil
}

// due returns when it calls, and false while it does not wait for that.
func (k *background) due() (time.Time, bool) {
	due, ok := k.plan.Due()
	return epoch.Add(due + k.late), ok
}

// ready reports whether the worker would call now.
func (k *background) ready(w *world) bool {
	due, ok := k.due()
	return ok && !w.now.Before(due)
}

// call queues the command with the agent.
func (k *background) call(w *world, m *machine) {
	k.plan.Begin()
	k.late = 0
	id, err := w.model.EnqueueExec(m.name, lockGranted)
	if err != nil {
		k.plan.End(w.sinceEpoch(), false)
		return
	}
	k.calling = id
	if k.twice {
		k.twice = false
		w.cover.matter("worker started twice", true)
		_, _ = w.model.EnqueueExec(m.name, lockGranted)
	}
}

// called is the end of a command, the worker's or not.
func (k *background) called(w *world, id string, ok bool) {
	if id == "" || id != k.calling {
		return // a hook's end is none of a worker's business
	}
	k.calling = ""
	k.plan.End(w.sinceEpoch(), ok)
	if k.plan.Done() {
		k.kill() // the next one begins anew
	}
}

// alive reports whether there is a worker process.
func (k *background) alive() bool { return !k.plan.Done() }

// kill ends the process: a call that it made goes on without it.
func (k *background) kill() { *k = background{lose: k.lose, twice: k.twice} }
