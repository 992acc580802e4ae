// Package agent runs a Juju model on this machine: an application whose units
// exec the dispatch of a real charm, in any language, as processes.
//
// Package jujusim decides what each unit runs next and what it sees; a
// [Cluster] makes it happen. Every unit has an agent, one goroutine that runs
// one thing at a time in a process group of its own, a copy of the charm, a
// log file, and two unix sockets: one on which the hook tools of what runs are
// served, one for juju-exec. Hook tools and juju-exec are symbolic links to
// one program, which calls [ToolMain] when it finds itself started as one of
// them: see [IsTool].
//
// The directory of a model:
//
//	tools/              hook tools, first on PATH
//	agents/unit-app-0/  charm/, agent.socket, run.socket, and the charm's own
//	removed/            the directories of units that are gone
//	log/                what the hooks of each unit printed and logged
//
// All processes of a model carry its id in their environment, and whatever
// they start inherits it; so [Cluster.Close] leaves none behind. One that
// clears its environment escapes that.
package agent
