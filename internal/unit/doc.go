// Package unit is what a unit has of Juju and of its machine in one hook: the
// event, the peer relation, the clocks, the worker, and the notes that outlive the
// hook. It is what joins package rollingops to a real charm.
package unit
