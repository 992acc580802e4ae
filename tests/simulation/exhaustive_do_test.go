package simulation

import (
	"fmt"
	"strings"

	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/world"
)

// do makes a move.
func (n *node) do(m move) {
	if m.kind == addNewUnit {
		n.left.Add--
		n.addUnit()
		return
	}
	p := &n.procs[m.proc]
	switch m.kind {
	case beginHook:
		n.begin(p)
	case goOnHook:
		n.goOn(p)
	case commitHook:
		n.end(p, 0)
	case callWorkerNow, callWorkerLate, lookAtHolder:
		p.worker, p.watching, p.failed = workerCalling, false, false
		n.queued(n.model.EnqueueExec(p.unit, world.LockGranted))
		n.begin(p)
	case releaseEvents:
		p.held = false
		n.check(n.model.ReleaseAll(p.unit))
	case requestOperation:
		n.request(p, operations[m.arg])
	case commandRollout:
		n.command(p, m.arg)
	case failAttempt:
		n.left.Break--
		p.fails = true
		n.goOn(p)
	case failHook:
		n.left.Fail--
		n.fail(p)
	case rebootMachine:
		n.left.Reboot--
		p.reset()
		p.worker, p.watching = noWorker, false
		n.check(n.model.Reboot(p.unit))
		n.check(n.model.StartAgent(p.unit))
	case loseItsWorker:
		n.left.WorkerKill--
		n.lost = true
		p.worker, p.watching = noWorker, false
	case electUnit:
		n.elect(p)
	case holdEvent:
		n.left.Hold--
		p.held = true
		next, _ := n.model.Next(p.unit)
		n.check(n.model.Hold(p.unit, next.Endpoint, next.RemoteUnit))
	case removeUnit:
		n.left.Remove--
		p.dying = true
		n.check(n.model.RemoveUnit(p.unit, false))
		n.dropGone()
	}
}

// begin starts what the unit's agent has next. Hooks that the charm has no use
// for are over at once.
func (n *node) begin(p *process) {
	hook, err := n.model.Begin(p.unit)
	n.check(err)
	switch hook.Run().Name {
	case "install", "stop", "remove":
		n.check(hook.Finish(0))
		n.dropGone()
		return
	}
	n.goOn(p)
}

// end commits the hook, or not.
func (n *node) end(p *process, exit int) {
	before := n.before(p)
	hook := n.model.Hook(p.unit)
	ran := p.ran
	if err := hook.Finish(exit); err != nil {
		n.broke("%v", err)
	}
	p.reset()
	if hook.Run().Kind == jujusim.ExecRun && p.worker != noWorker {
		p.failed = exit != 0
		p.worker = p.worker.ended(p.failed)
	}
	n.checkCommit(before, p.unit, hook.Run(), ran)
}

// fail has a hook exit non-zero in the end, or kills it before.
func (n *node) fail(p *process) {
	hook := n.model.Hook(p.unit)
	if p.at == atExit || hook.Run().Kind == jujusim.ExecRun {
		n.end(p, 1)
		return
	}
	p.reset()
	n.check(hook.Kill())
}

// reset ends the hook that runs.
func (p *process) reset() {
	*p = process{unit: p.unit, requests: p.requests, worker: p.worker, watching: p.watching, held: p.held, dying: p.dying, hasLed: p.hasLed,
		failed: p.failed, oldLeads: p.oldLeads, oldApp: p.oldApp}
}

func (n *node) request(p *process, operation string) {
	p.requests--
	n.requests++
	p.order = n.requests
	params := map[string]any{"delay": int64(p.requests)}
	if operation != operations[0] {
		n.left.Retry--
		params["max-retry"] = int64(1)
	}
	n.queued(n.model.EnqueueAction(p.unit, operation, params))
	n.begin(p)
}

// elect lets is-leader's promise run out and moves the leadership.
func (n *node) elect(p *process) {
	n.left.Elect--
	for i := range n.procs {
		q := &n.procs[i]
		q.late = q.late || q.leads
	}
	n.check(n.model.SetLeader(p.unit))
}

// addUnit adds a unit whose first hooks, up to start, are over.
func (n *node) addUnit() {
	name := n.model.AddUnit()
	n.procs = append(n.procs, process{unit: name, requests: min(1, n.scope.requests)})
	for {
		run, ok := n.model.Next(name)
		if !ok || run.RelationID >= 0 && !strings.HasSuffix(run.Name, "-created") {
			return
		}
		hook, err := n.model.Begin(name)
		n.check(err)
		n.check(hook.Finish(0))
	}
}

// queued and check hold what can't go wrong.
func (n *node) queued(_ string, err error) { n.check(err) }

func (n *node) check(err error) {
	if err != nil {
		panic(fmt.Sprintf("impossible move: %v", err))
	}
}
