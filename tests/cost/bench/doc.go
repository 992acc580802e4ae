// Package bench measures what a charm costs on a simulated model: single
// hooks, whole rolls, retries. It works for any charm, in any language, that
// has the actions restart and failed-restart of the charm rolling-ops, the peer
// relation restart, and a status "Executing ..." while an operation runs.
//
// A roll of N units is measured on one machine as if each unit had its own: a
// [Driver] runs the hooks one at a time, measures each, and lays them out on a
// clock of its own on which different units run side by side. What it leaves
// out is Juju's own share: events are delivered at the moment of the commit.
//
// How the hooks are run is an [Executor]'s matter. A [Rig] runs them as the
// charm's processes; a test may call the charm's handlers instead.
package bench
