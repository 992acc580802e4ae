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
//
// [Parse] checks a script as a whole, [Run] carries it out and says where it
// stopped. "wait" waits for what is to come, up to two minutes or the time at its
// end; "expect" looks once. What a condition like no-overlap knows of the charm is
// in docs/simulated-model.md.
//
// The units of a subordinate charm come with those of other applications, and
// machines go down:
//
//	principals postgresql=2 kafka
//	wait idle
//	reboot sim/0 --stay-down
//	remove-unit kafka/0
//	boot sim/0
//
// In a test of a charm's own, package simtest does all around it.
package script
