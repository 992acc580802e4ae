// Package simulation tries to prove the lock wrong: by random schedules on a
// simulated cluster (package world), by an exhaustive search through small ones,
// by the protocol's scripts, and by mutants, which show that those would find
// something. See docs/verification.md.
package simulation
