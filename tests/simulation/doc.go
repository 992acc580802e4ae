// Package simulation runs the real library and the real charm handlers on the
// simulated Juju model, in one process, without goroutines and with a virtual
// clock. A schedule is a list of steps, one line of text each ("begin 1", "elect
// 2", "advance 35s"), so that every run can
// be printed, shrunk, replayed and read. See docs/verification.md.
package simulation
