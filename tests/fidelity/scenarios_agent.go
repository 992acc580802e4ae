package fidelity

import (
	"fmt"
	"strings"

	"rolling-ops/tests/integration/steps"
)

// command runs a shell command on a unit's machine, where juju-exec is on PATH,
// and prints what came of it.
func (s *session) command(unit, command string) {
	result, err := s.model.Machine(s.ctx, unit, command)
	s.check(err)
	fmt.Fprintf(&s.out, "%s$ %s\n", unit, command)
	s.indent("  ", result.Stdout)
	s.indent("  stderr: ", result.Stderr)
	if result.Code != 0 {
		fmt.Fprintf(&s.out, "  exit %d\n", result.Code)
	}
}

// jujuExec is how juju-exec behaves that is started outside of all hooks.
func jujuExec(s *session) {
	exec := func(command string) { s.command(first, "juju-exec "+first+" '"+command+"'") }
	exec("echo out; echo err >&2; exit 3")
	exec("kill -9 $$")
	exec("nosuchcommand")
	exec("is-leader; relation-ids restart; relation-list")
	exec("action-get")
	exec("status-get")
	exec("config-get number")
	exec("printf %s no-newline")
	s.say("its shell, directory, standard input and environment")
	exec("ps -o comm= -p $$; pwd -P; umask; readlink /proc/self/fd/0")
	s.command(first, "echo text | juju-exec "+first+" cat")
	s.command(first, "MINE=1 juju-exec "+first+" env | sort")
	s.say("how it is called")
	for _, args := range []string{
		"-u " + first + " 'echo $JUJU_UNIT_NAME'", first + " echo two 'words  here'", "unit-rolling-ops-0 'echo tag'", "", first, "-u " + first, "--nosuch " + first + " true",
		"rolling-ops/9 true", "nosuch true", "-u nosuch true", "-r restart:0 " + first + " 'echo $JUJU_RELATION_ID; relation-list'",
		"-r restart:0 --remote-unit " + second + " " + first + " 'echo $JUJU_RELATION_ID $JUJU_REMOTE_UNIT; relation-get me'",
		"-r restart:7 " + first + " true", "-r nosuch " + first + " true",
	} {
		s.command(first, "juju-exec "+args)
	}
	s.command(first, "JUJU_CONTEXT_ID=stale juju-exec "+first+" true")
	s.do(first, "try juju-exec "+first+" true")
	s.say("what is kept of a command that fails")
	exec("relation-set -r restart:0 kept=exec; state-set kept=exec; exit 1")
	s.status(first)
	s.kept(first)
	exec("relation-set -r restart:0 kept=; state-delete kept; kill -9 $$")
	s.kept(first)
	s.do(first, "relation-set -r restart:0 kept=; state-delete kept")
	s.say("a follower that writes the application databag")
	s.command(second, "juju-exec "+second+" 'relation-set -r restart:0 --app a=1'")
	s.say("a custom hook")
	s.skip(first, second)
	s.command(second, "juju-exec "+second+" 'JUJU_DISPATCH_PATH=hooks/custom ./dispatch'")
	s.log(second)
	s.say("it waits its turn, and for whoever holds its output")
	ended := s.hold(first)
	s.background(first, `juju-exec `+first+` "touch ../probe/ran"`)
	s.command(first, "test -e "+s.model.UnitDir(first)+"/probe/ran")
	s.release(first)
	ended()
	s.exists(first, "probe/ran")
	s.command(first, "cd "+s.model.UnitDir(first)+"; rm -f probe/late; juju-exec "+first+" '(sleep 1; touch ../probe/late) & true'; test -e probe/late")
	s.skip(first, second)
}

// background is what becomes of processes that outlive their hook.
func background(s *session) {
	s.say("a child that holds the standard output of an action")
	s.do(first, `rm -f "$probe/late"; (sleep 20; touch "$probe/late") & echo "started"`)
	s.command(first, "test -e "+s.model.UnitDir(first)+"/probe/late")
	s.say("hook tools from the background, when the action is over and while another one runs")
	s.do(first, `setsid sh -c ': <"$0/gate"; is-leader >"$0/tool" 2>&1; touch "$0/done"' "$probe" >/dev/null 2>&1 </dev/null &`)
	s.machine(first, ": >probe/gate; until [ -e probe/done ]; do sleep 0.05; done; rm probe/done")
	s.print(s.machine(first, "cat probe/tool"))
	s.do(first, `setsid sh -c 'until [ -e "$0/at-gate" ]; do sleep 0.05; done; is-leader >"$0/tool" 2>&1; touch "$0/done"' "$probe" >/dev/null 2>&1 </dev/null &`)
	ended := s.hold(first)
	s.machine(first, "until [ -e probe/done ]; do sleep 0.05; done; rm probe/done")
	s.print(s.machine(first, "cat probe/tool"))
	s.release(first)
	ended()
}

// updateStatus is the hook that comes from time to time.
func updateStatus(s *session) {
	s.skip(first, second)
	s.on(second, "update-status", "try relation-ids restart; try relation-get; try is-leader")
	s.check(s.model.UpdateStatus(s.ctx, second, func() { s.taken(second, "update-status") }))
	s.log(second)
	s.skip(first)
}

// agentRestart is what a restart of the agent does.
func agentRestart(s *session) {
	s.say("a restart while the unit is idle")
	s.skip(first, second)
	s.do(second, `setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >"$probe/pid"; relation-get -r restart:0 - `+first+` >/dev/null`)
	s.restart(second)
	s.log(second, first)
	s.command(second, "cd "+s.model.UnitDir(second)+"; grep -qs sleep /proc/$(cat probe/pid)/cmdline && echo 'the background process has lived on' || echo 'the background process is gone'")

	s.say("a restart in the middle of an action, with a command and an event that wait")
	ended := s.start(second, "do", map[string]any{"script": "relation-set -r restart:0 half=done; gate"})
	s.atGate(second)
	s.do(first, "relation-set -r restart:0 n=40")
	s.background(second, `juju-exec `+second+` "echo juju-exec >>../probe/log"; echo exit $?`)
	s.restart(second)
	ended()
	s.log(second)
	s.print(s.machine(second, "until grep -q exit probe/exec.out; do sleep 0.05; done; cat probe/exec.out"))
	s.do(first, "try relation-get -r restart:0 half "+second)

	s.say("a restart in the middle of a hook")
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "12"}))
	s.skip(first, second)
	s.on(second, "config-changed", "relation-set -r restart:0 half=done; gate")
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "13"}))
	s.atGate(second)
	s.restart(second)
	s.until("to be well again", func(state steps.State) bool { return state.Units[1].Status != "error" })
	s.log(second)
	s.do(first, "try relation-get -r restart:0 half "+second)
	s.skip(first, second)
}

// restart restarts the agent of a unit, and lets nothing wait at the gate.
func (s *session) restart(unit string) {
	s.check(s.model.RestartAgent(s.ctx, unit))
	s.machine(unit, "rm -f probe/at-gate")
}

// leave is how units go: first one that follows, then the leader.
func leave(s *session) {
	s.say("a third unit joins while the second is busy")
	ended := s.hold(second)
	s.check(s.model.AddUnits(s.ctx, 1))
	s.exists(third, "probe/log")
	s.idleBut(second)
	s.do(third, "relation-set -r restart:0 me=third; try relation-list -r restart:0")
	s.idleBut(second)
	s.do(first, "relation-set -r restart:0 me=first; relation-set -r restart:0 --app n=50; try relation-list -r restart:0")
	s.check(s.model.Settle(s.ctx))
	next := s.start(second, "do", map[string]any{"script": "{ try relation-list -r restart:0; try relation-get -r restart:0 - " + third + "; } >$probe/view"})
	s.release(second)
	ended()
	next()
	s.print(s.machine(second, "cat probe/view"))
	s.log(second, first, third)

	s.say("it leaves, and stands still in its stop hook")
	s.skip(first, second, third)
	// What it sees it can tell by its status alone.
	leisure := s.model.Leisure().Seconds()
	s.on(third, "stop", fmt.Sprintf(`
		status-set maintenance "$(tail -n 3 "$probe/log"; try goal-state; try relation-list -r restart:0)"
		sleep %g`, leisure))
	s.on(third, "remove", fmt.Sprintf(`
		status-set maintenance "$(environments restart-relation-departed-self stop remove)"
		sleep %g`, leisure/2))
	s.check(s.model.RemoveUnit(s.ctx, third, false))
	s.print(s.told(third, "hooks/stop"))
	s.goalFrom(first, third)
	s.environments = "\n" + s.told(third, "# remove")
	s.until("to have two units", func(state steps.State) bool { return len(state.Units) == 2 })
	s.say("it is gone")
	s.idle()
	s.goalFrom(first, third)
	s.log(first, second)

	s.say("a unit is removed by force")
	s.check(s.model.AddUnits(s.ctx, 1))
	s.exists(fourth, "probe/log")
	s.idleBut(second)
	s.do(fourth, "relation-set -r restart:0 me=fourth")
	s.idleBut(second)
	s.skip(first, second)
	s.check(s.model.RemoveUnit(s.ctx, fourth, true))
	s.until("to have two units", func(state steps.State) bool { return len(state.Units) == 2 })
	s.idle()
	s.goalFrom(first, fourth)
	s.log(first, second)

	s.say("the agent of another unit restarts")
	s.restart(second)
	s.log(second)
	s.say("what it sees then")
	s.do(second, "try relation-list -r restart:0")

	// Of the units above Juju tells it in any order, see juju#23326.
	s.machine(second, "rm probe/env/restart-relation-departed-unit")
	s.say("the leader leaves while the other is busy, with an event and a command that wait")
	ended = s.hold(second)
	s.do(first, "relation-set -r restart:0 me=leaving; relation-set -r restart:0 --app n=60")
	s.background(second, `juju-exec `+second+` "echo juju-exec >>../probe/log; is-leader >>../probe/log"`)
	s.check(s.model.RemoveUnit(s.ctx, first, false))
	s.until("to have one unit, which leads", func(state steps.State) bool { return len(state.Units) == 1 && state.Units[0].Leader })
	s.check(s.model.Settle(s.ctx))
	s.on(second, "leader-elected", "try relation-list -r restart:0; try relation-get -r restart:0 me "+first+"; try relation-get -r restart:0 --app n "+first)
	s.release(second)
	ended()
	s.log(second)
	s.do(second, "try is-leader; try goal-state; try relation-list -r restart:0; try relation-get -r restart:0 - "+first)
}

// told waits until a unit has set its status to a message with words in it, and
// returns the message.
func (s *session) told(unit, words string) string {
	var message string
	s.until("to have "+unit+" tell of "+words, func(state steps.State) bool {
		for _, u := range state.Units {
			if u.Name == unit {
				message = u.Message
			}
		}
		return strings.Contains(message, words)
	})
	return strings.TrimSpace(message) + "\n"
}

// idleBut waits until the first and third unit have nothing to run.
func (s *session) idleBut(second string) {
	s.check(s.model.Settle(s.ctx))
	s.until("to have three units, all idle but "+second, func(state steps.State) bool {
		return len(state.Units) == 3 && state.Units[0].Idle && state.Units[2].Idle
	})
}

// goalFrom prints how a unit sees another that leaves.
func (s *session) goalFrom(unit, leaving string) {
	s.do(unit, "try goal-state; try relation-list -r restart:0; try relation-get -r restart:0 me "+leaving)
}
