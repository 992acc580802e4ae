package simulation

import (
	"errors"
	"time"
)

// lockGranted is the command that a worker hands to juju-exec.
const lockGranted = "hooks/rollingops_lock_granted"

// workerTriesOnce is the mutant that this file has.
const workerTriesOnce = "worker-tries-once"

// worker is a unit's background process as internal/worker has it: one a unit,
// waiting, then inside juju-exec, once more after a failure.
type worker struct {
	waiting bool
	due     time.Time
	calling string // the id of its juju-exec command
	again   bool   // asked for while it called
	next    time.Time
	fails   int

	lose  bool // the next one asked for never starts
	twice bool // the next call is made two times
}

// request is what dispatch does: an earlier due time supersedes, a later one is
// dropped, and one that comes during the call is for afterwards.
func (k *worker) request(w *world, delay time.Duration) error {
	due := w.now.Add(delay)
	switch {
	case k.lose:
		k.lose = false
		w.cover.matter("worker never started", true)
		return errors.New("no worker")
	case k.calling != "":
		if !k.again || due.Before(k.next) {
			k.next = due
		}
		k.again = true
	case !k.waiting || due.Before(k.due):
		k.waiting, k.due = true, due
	}
	return nil
}

// ready tells whether the worker would call now.
func (k *worker) ready(w *world) bool { return k.waiting && !w.now.Before(k.due) }

// call queues the command with the agent.
func (k *worker) call(w *world, m *machine) {
	k.waiting = false
	id, err := w.model.EnqueueExec(m.name, lockGranted)
	if err != nil {
		k.backOff(w)
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
func (k *worker) called(w *world, id string, ok bool) {
	if id == "" || id != k.calling {
		return // a hook's end is none of a worker's business
	}
	k.calling = ""
	switch {
	case !ok && mutated == workerTriesOnce:
	case !ok:
		k.backOff(w)
	default:
		k.fails = 0
		if k.again {
			k.waiting, k.due = true, k.next
		}
	}
	k.again = false
}

// backOff tries again later, at once if that was asked for.
func (k *worker) backOff(w *world) {
	due := w.now.Add(min(time.Second<<k.fails, time.Minute))
	if k.fails < 6 {
		k.fails++
	}
	if k.again && k.next.Before(due) {
		due = k.next
	}
	k.waiting, k.due = true, due
}

// alive tells whether there is a worker process.
func (k *worker) alive() bool { return k.waiting || k.calling != "" }

// kill ends the process: a call that it made goes on without it.
func (k *worker) kill() { *k = worker{lose: k.lose, twice: k.twice} }
