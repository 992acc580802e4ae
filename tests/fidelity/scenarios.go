package fidelity

import (
	"fmt"
	"strings"

	"rolling-ops/tests/integration/steps"
)

// The units, in the order in which they are deployed: the first one leads until
// it is removed.
const (
	first  = steps.Application + "/0"
	second = steps.Application + "/1"
	third  = steps.Application + "/2"
	fourth = steps.Application + "/3"
)

type scenario struct {
	name string
	play func(*session)
}

// scenarios are played in this order, one on what the others have left.
var scenarios = []scenario{
	{"first-unit", firstUnit},
	{"second-unit", secondUnit},
	{"tools-leader", toolsOfLeader},
	{"tools-follower", toolsOfFollower},
	{"tools-in-hooks", toolsInHooks},
	{"commits", commits},
	{"status", status},
	{"views", views},
	{"events", events},
	{"juju-exec", jujuExec},
	{"order", order},
	{"background", background},
	{"update-status", updateStatus},
	{"agent", agentRestart},
	{"leave", leave},
	{"environments", environments},
}

// firstUnit is how a unit comes to be that is alone.
func firstUnit(s *session) {
	s.check(s.model.Deploy(s.ctx, steps.Deployment{Charm: Charm, Units: 1}))
	s.exists(first, "probe/log")
	s.log(first)
	s.status(first)
	s.do(first, `
		try is-leader
		try goal-state
		try relation-ids restart
		try relation-list -r restart:0
		try relation-get -r restart:0 - `+first+`
		try relation-get -r restart:0 --app - `+first+`
		try relation-get -r restart:0 - `+second+`
		relation-set -r restart:0 --app who=first
		relation-set -r restart:0 me=first`)
	s.say("the application databag was written: does the writer hear of it?")
	s.log(first)
}

// secondUnit joins, and stands still in its install hook for a while.
func secondUnit(s *session) {
	s.check(s.model.SetConfig(s.ctx, map[string]string{"hold": "install"}))
	s.log(first)
	s.check(s.model.AddUnits(s.ctx, 1))
	s.exists(second, "probe/log")
	s.atGate(second)
	s.say("the newcomer is in its install hook")
	s.do(first, `
		try goal-state
		try relation-list -r restart:0
		try relation-get -r restart:0 - `+second)
	s.release(second)
	s.log(second, first)
	s.check(s.model.SetConfig(s.ctx, map[string]string{"hold": ""}))
	s.skip(first, second)
	s.say("it has joined")
	s.do(first, "try goal-state\ntry relation-list -r restart:0\ntry relation-get -r restart:0 - "+second)
	s.do(second, "try relation-list -r restart:0\ntry relation-get -r restart:0 - "+first+"\ntry relation-get -r restart:0 --app - "+first)
}

// commits are what is kept of a hook, an action or a command that fails.
func commits(s *session) {
	s.say("an action that ends well, one that exits with 1, one that fails by action-fail, one that is killed")
	s.do(first, "relation-set -r restart:0 kept=well; state-set kept=well; open-port 80; action-set outcome=well; action-log line")
	s.do(first, "relation-set -r restart:0 --app kept=exit; relation-set -r restart:0 kept=exit; state-set kept=exit; open-port 81; status-set blocked exit; try false; exit 1")
	s.kept(first)
	s.do(first, "relation-set -r restart:0 kept=fail; state-set kept=fail; open-port 82; action-fail reason; action-set outcome=fail")
	s.kept(first)
	s.do(first, "relation-set -r restart:0 kept=killed; state-set kept=killed; kill -9 $$")
	s.kept(first)
	s.do(first, "try open-port 83; try opened-ports; try close-port 80; try close-port 82; try close-port 83; try relation-get -r restart:0 kept "+first+"; relation-set -r restart:0 kept=")

	s.say("a hook that fails, and what its second attempt sees")
	s.skip(first, second)
	s.on(first, "config-changed", `
		relation-set -r restart:0 kept=hook
		relation-set -r restart:0 --app kept=hook
		state-set kept=hook
		open-port 84
		echo '`+kept(first)+`; relation-set -r restart:0 attempt=second' >"$probe/on/config-changed"
		exit 3`)
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "8"}))
	state := s.until("to be in error", func(state steps.State) bool { return state.Units[0].Status == "error" })
	s.showStatus(state.Units[0])
	s.do(first, "try goal-state; "+kept(first))
	s.until("to be well again", func(state steps.State) bool { return state.Units[0].Status != "error" })
	s.log(first, second)
	s.do(first, kept(first)+"; try relation-get -r restart:0 attempt "+first+"; relation-set -r restart:0 attempt=")

	s.say("a leader that writes both databags, then clears them")
	s.do(first, "relation-set -r restart:0 --app a=1 b=2; relation-set -r restart:0 a=1 b=2; try relation-get -r restart:0 --app - "+first+"; try relation-get -r restart:0 - "+first)
	s.do(first, "relation-set -r restart:0 --app a= b=; relation-set -r restart:0 a= b=; try relation-get -r restart:0 --app - "+first+"; try relation-get -r restart:0 - "+first)
	s.skip(first, second)
}

// kept tells what a failure has left.
func (s *session) kept(unit string) { s.do(unit, kept(unit)) }

// kept are the commands that tell it.
func kept(unit string) string {
	return "try relation-get -r restart:0 kept " + unit + "; try relation-get -r restart:0 --app kept " + unit + "; try state-get kept; try opened-ports; try status-get"
}

// status is when a status that is set takes effect.
func status(s *session) {
	set := func(unit, script string) {
		ended := s.start(unit, "do", map[string]any{"script": script})
		s.atGate(unit)
		s.status(unit)
		s.release(unit)
		ended()
		s.status(unit)
	}
	s.say("in mid-action and after it, which ends well")
	set(first, "status-set maintenance working; gate")
	s.say("in mid-action and after it, which fails")
	set(first, "status-set blocked broken; gate; exit 1")
	s.say("set twice")
	set(second, "status-set waiting one; status-set active two; gate")
	s.do(first, "try status-set active; try status-get; try status-get --include-data")
	s.do(second, "try status-set active; try status-get")
}

// views are what a hook sees of the databags while others write them.
func views(s *session) {
	get := "try relation-get -r restart:0 value " + second + "; try relation-get -r restart:0 --app value " + second + "\n"
	s.do(second, "relation-set -r restart:0 value=1")
	s.do(first, "relation-set -r restart:0 --app value=1")
	s.skip(first, second)
	s.say("what changes during an action is not seen in it")
	ended := s.start(first, "do", map[string]any{"script": `{ ` + get + ` gate
		` + get + ` } >"$probe/view"`})
	s.atGate(first)
	s.do(second, "relation-set -r restart:0 value=2")
	s.release(first)
	ended()
	s.print(s.machine(first, "cat probe/view"))
	s.log(first)
	s.do(first, get)
	s.say("nor in another action before relation-changed")
	ended = s.hold(first)
	s.do(second, "relation-set -r restart:0 value=3")
	next := s.start(first, "do", map[string]any{"script": "{ " + get + " } >\"$probe/view\""})
	s.release(first)
	ended()
	next()
	s.print(s.machine(first, "cat probe/view"))
	s.log(first)
	s.do(first, get)

	s.say("the application databag as a follower sees it")
	get = "try relation-get -r restart:0 --app value " + second + "\n"
	ended = s.start(second, "do", map[string]any{"script": `{ ` + get + ` gate
		` + get + ` } >"$probe/view"`})
	s.atGate(second)
	s.do(first, "relation-set -r restart:0 --app value=2")
	next = s.start(second, "do", map[string]any{"script": "{ " + get + " } >\"$probe/view2\""})
	s.release(second)
	ended()
	next()
	s.print(s.machine(second, "cat probe/view probe/view2"))
	s.log(second)

	s.say("own writes are seen at once")
	s.do(second, "relation-set -r restart:0 value=4; try relation-get -r restart:0 value "+second)
	s.do(first, "relation-set -r restart:0 --app value=4; try relation-get -r restart:0 --app value "+second)
	s.do(second, "relation-set -r restart:0 value=")
	s.do(first, "relation-set -r restart:0 --app value=")
	s.skip(first, second)
}

// events are who hears of what, and how often.
func events(s *session) {
	s.say("the leader writes the application databag")
	s.do(first, "relation-set -r restart:0 --app n=1")
	s.log(first, second)
	s.say("it writes the same value again, and deletes what is not there")
	s.do(first, "relation-set -r restart:0 --app n=1 other=; relation-set -r restart:0 other=")
	s.log(first, second)
	s.say("it writes its own databag")
	s.do(first, "relation-set -r restart:0 n=1")
	s.log(first, second)
	s.say("it writes another value and then the old one, in one hook")
	s.do(first, "relation-set -r restart:0 n=2; relation-set -r restart:0 n=1")
	s.log(first, second)
	s.say("three commits of both databags, while the other is busy")
	ended := s.hold(second)
	for n := range 3 {
		s.do(first, fmt.Sprintf("relation-set -r restart:0 n=%d; relation-set -r restart:0 --app n=%[1]d", n+10))
	}
	s.on(second, "restart-relation-changed", "try relation-get -r restart:0 n "+first+"; try relation-get -r restart:0 --app n "+first)
	s.release(second)
	ended()
	s.log(second)
	s.skip(first)
	s.say("two units write their databags, and configuration changes, while the leader is busy")
	ended = s.hold(first)
	s.do(second, "relation-set -r restart:0 n=20")
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "9"}))
	next := s.start(first, "do", map[string]any{"script": "true"})
	s.release(first)
	ended()
	next()
	s.log(first, second)
}

// order is what goes first of what waits for a unit.
func order(s *session) {
	s.say("an upgrade, a configuration, an action and a command, while the unit is busy")
	ended := s.hold(second)
	s.check(s.model.Refresh(s.ctx, Charm))
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "10"}))
	s.do(first, "relation-set -r restart:0 --app n=30; relation-set -r restart:0 n=30")
	s.background(second, `juju-exec `+second+` "echo juju-exec >>../probe/log"`)
	next := s.start(second, "do", map[string]any{"script": "true"})
	s.check(s.model.Settle(s.ctx))
	s.release(second)
	ended()
	next()
	s.log(second)
	s.skip(first)
}

// status prints a unit's workload status.
func (s *session) status(unit string) { s.showStatus(s.unit(unit)) }

func (s *session) showStatus(u steps.Unit) {
	fmt.Fprintf(&s.out, "%s is %s\n", u.Name, strings.TrimSpace(u.Status+" "+u.Message))
}
