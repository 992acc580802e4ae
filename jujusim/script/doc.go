// Package script is the small language of jujusim run: one step a line, in
// Juju's words, carried out on a model of package agent.
//
//	# Comments begin with a number sign; quotes work as in a shell.
//	deploy 3
//	run all restart delay=0
//	wait idle 30s
//	expect status all active
//	! run sim/0 no-such-action
//
// A step with an exclamation mark in front has to fail. [Help] lists the
// steps. A unit is named as in Juju, app/0, or is the leader or a follower:
// these two are looked up when the step runs.
package script
