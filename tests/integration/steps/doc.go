// Package steps is the vocabulary of the integration scripts: the commands, in
// terms of Juju, that a script can use besides those of testscript itself. A
// [Backend] carries them out on a model.
//
// # Units
//
// A unit is written by its name, rolling-ops/0, or by the part it had when the
// application was deployed: leader, follower1, follower2 and so on. These names
// stay with their units for the whole script, whoever leads later. A unit that
// is added later is the next follower. Where a step takes several units they
// are separated by commas; all means every unit there is, followers all but the
// one called leader.
//
// In the parameters of an action, which are plain values, $leader, $follower1 and
// so on stand for the names.
//
// Acts are called what jujusim run calls them (package jujusim/script), but for
// its wait: that name testscript has for itself, so it is await here.
//
// # Steps that do something
//
//	deploy N [charm=NAME] [OPTION=VALUE...]   deploy N units, wait until they are ready
//	run UNITS ACTION [PARAM=VALUE...] [&]     run an action on all of UNITS at once
//	juju-exec UNIT COMMAND                    run a shell command in a unit's context
//	config OPTION=VALUE...                    set options
//	add-unit [N] | APP [N]                    add units, wait until there are as many
//	remove-unit UNIT [--force]                ask for the removal of a unit
//	refresh CHARM                             upgrade to another charm
//	set-databag UNIT KEY VALUE                write a unit's databag behind the charm's back
//	juju-rolling-ops [exit=N] [ARGUMENT...]   run the operators' program; N is its exit code
//	attempt-ended UNIT                        say that the unit's attempt has ended, of which it left no trace
//
// The units of a subordinate charm come and go with those of its principals: APP
// names an application of these, and remove-unit a unit of it, as postgresql/0.
//
// Parameters of actions are YAML scalars, options plain text. A run or juju-exec
// prints the results, and what went wrong on standard error, for the stdout and
// stderr steps to look at; with a ! in front it has to fail, a run on each of
// its units. A run with an & at the end goes on in the background until "await
// actions".
//
// Only some backends have these:
//
//	principals APP=N...    say, before deploy, with whose units a subordinate charm's N units come
//	remove-relation APP    end the integration with a principal application
//	reboot UNIT [--stay-down]  reboot the unit's machine; stay-down: until boot
//	stay-down UNIT         have its machine stay down when the charm reboots it
//	boot UNIT              boot a machine that stays down, once it has gone down
//	elect UNIT [--now]     move leadership; now: even under a hook of the leader
//	kill-hook UNIT         kill what the unit runs
//	kill-worker UNIT       wait until a worker waits in the unit's background, and kill it
//	agent-stop UNIT        stop the unit's agent, and with it what the unit runs
//	agent-start UNIT       start the agent again
//	update-status UNIT     have the unit run update-status
//
// # Steps that look
//
// A step "expect CONDITION" fails unless the condition holds; "await
// CONDITION" waits until it does, up to a limit. A ! in front of either turns the
// condition round. Values and messages are regular expressions that have to
// match as a whole.
//
//	actions                      (await only) what runs in the background has completed
//	ready                        all units are there and active, one leads, none has anything to run
//	quiet UNITS                  these units have nothing to run: they have heard what the others wrote
//	idle                         no unit has an operation, holds the lock or runs a hook
//	units N                      there are N units
//	leader UNIT                  the unit leads
//	holder UNIT|none             the unit, or none, is granted the lock
//	queue UNIT N                 N operations wait on the unit
//	status UNIT STATUS [MESSAGE] the workload status
//	databag UNIT|app KEY VALUE   the databag's value of the key; '' for none
//	event UNITS EVENT [N]        each of the units has written the event, N times or more
//	events UNITS EVENT...        each of the units has written these events and no others
//	starts UNIT...               the attempts of all units that are there began in this order
//	turns UNIT...                the same, a unit's attempts in a row counted as one
//
// Events are those of the charm's transitions.log. An attempt is what lies
// between _NAME:start and the unit's next event of that NAME.
//
// # What every script checks
//
// When a script is through, the model has to become idle, no two units' attempts
// may ever have overlapped, every run of the background has to have completed,
// and no process of the charm may be left behind but a worker that waits, one a
// unit.
package steps
