package simulation

import (
	"slices"
	"strings"
)

// move is one thing that can happen in a state.
type move struct {
	kind moveKind
	proc uint8 // index of the unit it happens on
	arg  uint8
}

type moveKind uint8

const (
	// What needs nothing but time.
	beginHook moveKind = iota
	goOnHook
	commitHook
	callWorkerNow
	releaseEvents
	callWorkerLate // after its delay: goes last when there is anything else to do
	lookAtHolder   // after 30 s: see looks
	// What somebody does.
	requestOperation
	commandRollout
	// What should not happen.
	failHook
	failAttempt // its operation goes wrong
	rebootMachine
	loseItsWorker
	electUnit
	holdEvent
	removeUnit
	addNewUnit
)

// unprompted keeps those moves that happen by themselves sooner or later. What
// waits for its time is among them only if nothing else is.
func unprompted(moves []move) []move {
	due := slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.kind > releaseEvents })
	if len(due) > 0 {
		return due
	}
	return slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.kind != callWorkerLate })
}

// looks has every leader that watches the holder of the lock look, one after the
// other, and all go on that this leads to. It reports whether that changed
// anything. A leader looks every 30 s as long as another unit holds the lock: a
// look that changes nothing is no progress, or the search would go round for ever.
func (n *node) looks() bool {
	before, _ := n.hash(nil)
	for i := range n.procs {
		if p := &n.procs[i]; p.watching && p.worker == noWorker && p.at == idle {
			n.do(move{kind: lookAtHolder, proc: uint8(i)})
			n.runOn()
		}
	}
	after, _ := n.hash(nil)
	return before != after
}

// operations are what a request can be for; those after the first cost a retry.
var operations = [...]string{"restart", "failed-restart", "deferred-restart"}

// moves appends all that can happen in the state.
func (n *node) moves(to []move) []move {
	if i := n.bystander(); i >= 0 {
		to = append(to, move{kind: beginHook, proc: uint8(i)})
		if n.left.Hold > 0 && !n.procs[i].held {
			to = append(to, move{kind: holdEvent, proc: uint8(i)})
		}
		return to
	}
	if i := n.asking(); i >= 0 {
		to = n.unitMoves(to, uint8(i))
		for j := range n.procs {
			if n.mayBeElected(&n.procs[j]) {
				to = append(to, move{kind: electUnit, proc: uint8(j)})
			}
		}
		return to
	}
	for i := range n.procs {
		to = n.unitMoves(to, uint8(i))
		if n.mayBeElected(&n.procs[i]) {
			to = append(to, move{kind: electUnit, proc: uint8(i)})
		}
	}
	if n.left.Add > 0 {
		to = append(to, move{kind: addNewUnit})
	}
	return to
}

func (n *node) unitMoves(to []move, i uint8) []move {
	p := &n.procs[i]
	add := func(kind moveKind) { to = append(to, move{kind: kind, proc: i}) }
	if p.at == idle {
		to = n.idleMoves(to, i)
	} else {
		if p.at == atExit {
			add(commitHook)
		} else {
			add(goOnHook)
		}
		if p.at == inCallback && n.left.Break > 0 {
			add(failAttempt)
		}
		if n.left.Fail > 0 {
			add(failHook)
		}
	}
	if p.held {
		add(releaseEvents)
	}
	if n.left.Reboot > 0 && (p.at != idle || p.worker != noWorker || p.watching) {
		add(rebootMachine)
	}
	if n.left.WorkerKill > 0 && (p.worker != noWorker || p.watching) {
		add(loseItsWorker)
	}
	if n.left.Remove > 0 && !p.dying && len(n.procs) > 1 {
		add(removeUnit)
	}
	return to
}

// bystander finds a unit whose next hook does nothing but hear of a change: it
// does not lead and holds no grant. What others do before it or after it makes no
// difference to it, nor it to them; so it is let go first. Only if the unit has
// led, and may lead again, does it matter, for what it remembers of the others.
// It returns -1 if there is none.
func (n *node) bystander() int {
	if n.scope.unreduced {
		return -1
	}
	mayElect := n.mayElect()
	leader, holder := n.model.Leader(), n.model.AppDatabag(0)["granted_unit"]
	for i := range n.procs {
		p := &n.procs[i]
		if p.at != idle || p.unit == leader || p.unit == holder || mayElect && p.hasLed {
			continue
		}
		next, ok := n.model.Next(p.unit)
		if ok && next.RelationID >= 0 && next.Attempt == 0 && !n.concerned(p) && (!mayElect || strings.HasSuffix(next.Name, "-changed")) {
			return i
		}
	}
	return -1
}

// asking finds a leader that has just asked is-leader. All that can make a
// difference before it reads the application databag, which nobody else may
// write, is that the leadership moves or the hook dies. It returns -1 if there
// is none.
func (n *node) asking() int {
	if n.scope.unreduced {
		return -1
	}
	for i := range n.procs {
		if p := &n.procs[i]; p.at == asked && !p.late && n.left.Elect > 0 {
			return i
		}
	}
	return -1
}

// mayBeElected tells whether the leadership can move to a unit now: is-leader's
// promise does not run out between a leader's last look at the clock and its
// commit.
func (n *node) mayBeElected(p *process) bool {
	if n.left.Elect == 0 || p.dying || n.model.Leader() == p.unit {
		return false
	}
	for i := range n.procs {
		if n.procs[i].wroteApp {
			return false
		}
	}
	return true
}

// idleMoves are those of a unit that runs nothing. An action and the worker's
// command begin as soon as they come: what comes during a hook could as well
// come after it.
func (n *node) idleMoves(to []move, i uint8) []move {
	p := &n.procs[i]
	next, ok := n.model.Next(p.unit)
	if ok {
		to = append(to, move{kind: beginHook, proc: i})
	}
	if n.left.Hold > 0 && next.RelationID >= 0 && ok && !p.held && !p.dying {
		to = append(to, move{kind: holdEvent, proc: i})
	}
	if ok && next.Attempt == 0 && (next.Name == "leader-elected" || next.Name == "start") {
		return to // goes before actions and commands
	}
	switch p.worker {
	case workerDue:
		to = append(to, move{kind: callWorkerNow, proc: i})
	case workerLater:
		to = append(to, move{kind: callWorkerLate, proc: i})
	case noWorker:
		if p.watching {
			to = append(to, move{kind: lookAtHolder, proc: i})
		}
	}
	to = n.commandMoves(to, i)
	if p.requests > 0 {
		for arg := range operations {
			if arg == 0 || n.left.Retry > 0 {
				to = append(to, move{requestOperation, i, uint8(arg)})
			}
		}
	}
	return to
}

// mayElect tells whether the leadership may still move.
func (n *node) mayElect() bool {
	if n.left.Elect > 0 || n.left.Remove > 0 {
		return true
	}
	for i := range n.procs {
		if n.procs[i].dying {
			return true
		}
	}
	return false
}
