package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rolling-ops/tests/simulation/world"
)

// describe is a move in the step language, as seen from the state before it and
// the one after.
func describe(before, after *node, m move) string {
	if m.kind == addNewUnit {
		return addingUnit(after.model.Units())
	}
	p := &before.procs[m.proc]
	name := world.Short(p.unit)
	goes := func() string {
		if q := after.proc(p.unit); q != nil && q.at != idle {
			return "until " + name + " " + q.place
		}
		return "run " + name
	}
	begins := func() string {
		if run, ok := before.model.Next(p.unit); ok && run.Attempt > 0 && m.kind == beginHook {
			return "advance 5s\n" + goes()
		}
		return goes()
	}
	switch m.kind {
	case beginHook, goOnHook:
		return begins()
	case commitHook:
		return "finish " + name
	case callWorkerNow, callWorkerLate, lookAtHolder:
		call := "worker " + name + "\n" + goes()
		if p.failed {
			call = "advance 1s\n" + call
		}
		if m.kind != callWorkerNow {
			call = "advance 10s\n" + call
		}
		return call
	case releaseEvents:
		return "release " + name
	case requestOperation:
		text := fmt.Sprintf("action %s %s delay=%d", name, operations[m.arg], p.requests-1)
		if m.arg > 0 {
			text += " max-retry=1"
		}
		return text + "\n" + goes()
	case commandRollout:
		text := "action " + name + " " + commands[m.arg].name
		for _, key := range slices.Sorted(maps.Keys(before.scope.params(commands[m.arg].name))) {
			text += fmt.Sprintf(" %s=%v", key, before.scope.params(commands[m.arg].name)[key])
		}
		return text + "\n" + goes()
	case failAttempt:
		return "break " + name + "\n" + goes() + "\nmend " + name
	case failHook:
		if p.at == atExit {
			return "fail " + name + "\nfinish " + name
		}
		return "kill " + name
	case rebootMachine:
		return "reboot " + name
	case loseItsWorker:
		return "worker-kill " + name
	case electUnit:
		return "advance 31s\nelect " + name
	case holdEvent:
		next, _ := before.model.Next(p.unit)
		about := "app"
		if next.RemoteUnit != "" {
			about = world.Short(next.RemoteUnit)
		}
		return "hold " + name + " " + about
	case removeUnit:
		return "remove " + name
	}
	return fmt.Sprintf("move %d", m.kind)
}

// addingUnit is a new unit with its hooks up to start.
func addingUnit(units []string) string {
	run := "\nrun " + world.Short(units[len(units)-1])
	return "add-unit" + strings.Repeat(run, 4)
}
