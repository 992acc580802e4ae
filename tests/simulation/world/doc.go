// Package world simulates a cluster: the real library and the real charm handlers
// on the simulated Juju model, in one process, without goroutines and with
// a virtual clock. What happens is a schedule, a list of steps, one line of text
// each ("begin 1", "elect 2", "advance 35s"), so that every run can be printed,
// shortened, replayed and read. At each step the invariants are held against what
// is committed. See docs/verification.md.
package world
