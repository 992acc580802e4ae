package fidelity

import (
	"fmt"
	"strings"
)

// formats returns a call as it is, and in the other formats that hook tools have.
func formats(calls ...string) []string {
	var all []string
	for _, call := range calls {
		all = append(all, call)
		for _, format := range []string{"json", "yaml"} {
			tool, args, _ := strings.Cut(call, " ")
			all = append(all, strings.TrimSpace(tool+" --format="+format+" "+args))
		}
	}
	return all
}

// tools records calls in the context of an action.
func (s *session) tools(unit string, calls ...string) {
	s.do(unit, "try "+strings.Join(calls, "\ntry "))
}

// toolsOfLeader are hook tools used well, and in each format.
func toolsOfLeader(s *session) {
	s.do(first, `relation-set -r restart:0 text='two words' number=7 empty= yes=true; relation-set -r restart:0 --app greeting=hello`)
	s.skip(first, second)
	s.say("relations")
	s.tools(first, formats(
		"relation-ids restart", "relation-ids nosuch",
		"relation-list -r restart:0", "relation-list -r restart:0 --app",
		"relation-get -r restart:0 - "+first, "relation-get -r restart:0 text "+first, "relation-get -r restart:0 number "+first,
		"relation-get -r restart:0 yes "+first, "relation-get -r restart:0 nosuch "+first,
		"relation-get -r restart:0 --app - "+first, "relation-get -r restart:0 --app greeting "+second,
		"relation-model-get -r restart:0",
	)...)
	s.say("leadership, goal, configuration, state, status")
	s.tools(first, formats(
		"is-leader", "goal-state",
		"config-get", "config-get --all", "config-get number", "config-get switch", "config-get fraction", "config-get hold", "config-get unset", "config-get nosuch",
		"state-get", "state-get nosuch",
		"status-get", "status-get --include-data", "status-get --application",
	)...)
	s.tools(first, "state-set a=1 b=two", "state-set c=")
	s.tools(first, formats("state-get", "state-get a", "state-get -", "state-get c")...)
	s.tools(first, "state-get --strict nosuch", "state-delete a", "state-delete nosuch", "state-get", "state-delete b", "state-delete c", "state-get")
	s.say("the rest")
	s.tools(first, "is-leader --format=smart", "goal-state --format=smart")
	s.do(first, "try action-get")
	s.do(first, "try action-get --format=json")
	s.do(first, "try action-get --format=yaml")
	s.tools(first, formats(
		"action-get number", "action-get nested", "action-get nested.inner", "action-get nosuch", "action-get nested.nosuch.deeper",
		"unit-get private-address", "unit-get public-address", "network-get restart", "network-get restart --bind-address", "network-get restart --ingress-address",
		"network-get restart --egress-subnets", "network-get restart --primary-address",
		"opened-ports", "secret-ids", "storage-list",
	)...)
	s.tools(first,
		"juju-log message", "juju-log -l DEBUG message", "juju-log -l NOSUCH message", "juju-log --debug message",
		"application-version-set 1.2", "status-set --application active working", "status-get --application",
		"open-port 80/tcp", "open-port 1000-1010/udp", "open-port icmp", "opened-ports", "close-port 80/tcp", "close-port 1000-1010/udp", "close-port icmp",
		"action-set a.b=1", "action-set a.c=2 d=3", "action-log several words", "resource-get nosuch", "credential-get",
	)
	s.say("secrets and storage, of which nothing is kept")
	const secret = "secret:d0000000000000000000"
	s.do(first, "try "+strings.Join([]string{
		"secret-add key=value", "secret-get " + secret, "secret-info-get " + secret, "secret-set " + secret + " key=value",
		"secret-remove " + secret, "secret-grant " + secret + " -r restart:0", "secret-revoke " + secret + " -r restart:0",
		"storage-add nosuch", "storage-get", "storage-get -s nosuch/0",
	}, "\ntry ")+"\nexit 1")
	s.say("what comes of files and standard input")
	s.do(first, `
		printf 'filed: "3"\nother: text\n' >"$probe/in.yaml"
		try relation-set -r restart:0 --file "$probe/in.yaml" other=argument
		printf '{"json": "a \\u003c b", "filed": ""}' | try relation-set -r restart:0 --file -
		try relation-set -r restart:0 --file - </dev/null
		try relation-set -r restart:0 --file "$probe/nosuch"
		printf 'a: [1]' | try relation-set -r restart:0 --file -
		printf '[1]' | try relation-set -r restart:0 --file -
		printf 'a: 1\nb: true\nc:\n' | try relation-set -r restart:0 --file -
		try relation-get -r restart:0 - `+first+`
		try relation-get -r restart:0 -o "$probe/out" text `+first+`
		try cat "$probe/out"
		try relation-set -r restart:0 ' spaced = value ' "lines=1
2"
		try relation-get -r restart:0 spaced `+first+`
		try relation-get -r restart:0 --format=json - `+first)
	s.do(first, `relation-set -r restart:0 text= number= yes= filed= other= json= spaced= lines= a= b= c=
		relation-set -r restart:0 --app greeting=`)
	s.skip(first, second)
}

// toolsOfFollower are hook tools used wrongly, and what only a leader may.
func toolsOfFollower(s *session) {
	s.say("what only the leader may")
	s.tools(second, formats("is-leader")...)
	s.tools(second,
		"relation-set -r restart:0 --app a=1", "relation-get -r restart:0 --app - "+second,
		"status-set --application active", "status-get --application",
	)
	s.say("unknown options")
	for _, tool := range []string{
		"relation-ids", "relation-list", "relation-get", "relation-set", "relation-model-get", "is-leader", "goal-state", "config-get", "status-set",
		"status-get", "state-get", "state-set", "state-delete", "action-get", "action-set", "action-fail", "action-log",
		"juju-log", "application-version-set", "network-get", "unit-get", "open-port", "close-port", "opened-ports", "secret-ids", "storage-list",
	} {
		s.tools(second, tool+" --nosuch", tool+" -z")
	}
	s.say("missing arguments, and too many")
	s.tools(second,
		"relation-ids", "relation-ids restart more", "relation-list", "relation-list -r restart:0 more", "relation-list -r",
		"relation-get", "relation-get -r restart:0", "relation-get -r restart:0 -", "relation-get -r restart:0 key", "relation-get -r restart:0 - "+first+" more",
		"relation-set", "relation-set -r restart:0", "relation-set -r restart:0 word", "relation-set -r restart:0 =value", "relation-set -r restart:0 a=1 a=2", "relation-set a=1",
		"is-leader more", "goal-state more", "config-get a b", "config-get --all a",
		"status-set", "status-set nosuch", "status-set active message more", "status-get more", "status-set error", "status-set unknown",
		"state-get a b", "state-set", "state-set word", "state-set =value", "state-delete", "state-delete a b",
		"action-get a b", "action-set", "action-set word", "action-set A=1", "action-set stdout=1", "action-log",
		"juju-log", "application-version-set", "application-version-set a b",
		"network-get", "network-get nosuch", "network-get restart more", "network-get restart --bind-address --ingress-address", "network-get restart --primary-address --bind-address",
		"unit-get", "unit-get nosuch", "open-port", "open-port 0", "open-port 70000", "open-port a", "open-port 80/nosuch", "open-port 80-70", "opened-ports more",
		"close-port", "close-port 70000", "close-port a", "close-port 80/nosuch", "close-port 80-70", "close-port 80 81",
		"relation-model-get", "relation-model-get -r restart:0 more", "secret-ids more", "storage-list nosuch", "storage-list a b",
	)
	s.say("unknown relations, units, formats")
	s.tools(second,
		"relation-model-get -r restart:7", "relation-list -r restart:7", "relation-list -r nosuch:0", "relation-list -r 0", "relation-list -r restart", "relation-get -r restart:7 - "+first,
		"relation-set -r restart:7 a=1", "relation-get -r restart:0 - rolling-ops/9", "relation-get -r restart:0 - nosuch/0", "relation-get -r restart:0 - nosuch",
		"relation-get -r restart:0 - rolling-ops", "relation-get -r restart:0 --app - nosuch", "relation-get -r restart:0 --app - nosuch/0", "relation-get -r restart:0 - 'a b'",
		"is-leader --format nosuch", "goal-state --format=smart", "relation-get --format", "relation-set -r restart:0 --format=json a=",
		"state-set "+strings.Repeat("k", 257)+"=1",
	)
	s.skip(first, second)
}

// toolsInHooks are what a relation hook has for defaults.
func toolsInHooks(s *session) {
	s.on(second, "restart-relation-changed", `
		try relation-ids
		try relation-list
		try relation-get
		try relation-get me
		try relation-get --app
		try relation-get - `+second+`
		try relation-set mine=1
		try relation-get mine `+second+`
		try action-get
		try action-set a=1
		try action-fail
		try action-log message
		relation-set mine=`)
	s.say("relation-changed about a unit")
	s.do(first, "relation-set -r restart:0 me=again")
	s.taken(second, "restart-relation-changed")
	s.log(second)
	s.on(second, "restart-relation-changed", `
		try relation-get
		try relation-get --app
		try relation-get greeting `+first+`
		try relation-list`)
	s.say("relation-changed about the application")
	s.do(first, "relation-set -r restart:0 --app greeting=again")
	s.taken(second, "restart-relation-changed")
	s.log(second)
	s.on(second, "config-changed", `
		try relation-ids
		try relation-list
		try relation-get`)
	s.say("config-changed")
	s.check(s.model.SetConfig(s.ctx, map[string]string{"number": "11"}))
	s.taken(second, "config-changed")
	s.log(second)
	s.skip(first, second)
}

// environments prints what the first event of each name had for an environment:
// on the second unit, and at the end of the one that left.
func environments(s *session) {
	for _, name := range strings.Fields(s.machine(second, "ls probe/env")) {
		fmt.Fprintf(&s.out, "\n# %s\n", name)
		s.print(s.machine(second, "cat probe/env/"+name))
	}
	s.print(s.environments)
}
