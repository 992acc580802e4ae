// Package worker brings a unit back into a hook after a delay.
//
// A hook cannot wait: while it runs, the unit runs nothing else. So a hook
// that wants the unit to come back calls [Request], which starts the charm's
// worker program in the background and returns at once. The worker is [Run]:
// it outlives the hook, waits until its due time and has the unit's agent run
//
//	JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted CHARM_DIR/dispatch
//
// through juju-exec, which queues behind whatever the unit is running. While
// juju-exec fails, as it does when the agent is down, the worker tries again
// after a growing pause. So it does when others have asked meanwhile and the call
// goes on for half a minute all the same: Juju forgets a command that waits while
// it upgrades the charm, and juju-exec waits for ever.
//
// The worker ends when a call has succeeded and nobody has asked
// again meanwhile, when the charm directory is gone, or on SIGTERM.
//
// # One worker per unit
//
// Every worker process first looks for one that lives. If there is one, it
// hands its due time over and exits; else it becomes the unit's worker. A
// worker that waits takes an earlier due time and ignores a later one; what
// comes in during a call of juju-exec is honoured after the call, because the
// hook that asked may well be the one that the call runs.
//
// Two files in the state directory serve a unit app/0, and both are only
// meeting points: neither has any content on disk, so neither can be stale.
//
//	app-0.lock     a worker holds a flock on it for all its life
//	app-0.mailbox  a FIFO: due times on their way to the worker that lives
//
// The mailbox has a flock of its own, held for the few system calls in which a
// due time is handed over or a worker makes sure that it is empty and gives up
// app-0.lock. Hence no due time can fall between a worker that ends and the
// next. Look at locks from outside without taking them (lslocks shows them): a
// worker that starts meanwhile takes whoever holds one for a worker.
//
// No process id is written anywhere, and no process but the worker's own child
// is ever signalled. A worker that is killed takes its due time with it, and the
// next Request starts another.
//
// When a machine's agent is restarted, systemd ends all that is in the agent's
// service, and no hook need follow. So a worker has systemd put it into a scope
// of its own; systemd-cgls shows it as rollingops-app-0-PID.scope.
//
// Due times are those of the boot-time clock, which wall clock changes leave
// alone and which goes on while the machine sleeps.
//
// # When the disk is full
//
// Waking the unit matters more than tidiness. On a full disk log lines are
// lost, nothing else: the two files need no space once they exist. Where they
// can neither be found nor made, or the state directory is not safe to use, the
// worker runs without them. It may then have company, and the unit may run the
// hook more often than needed, which the hook has to stand anyway; Request and
// Run say so in a warning.
package worker
