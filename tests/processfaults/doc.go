// Package processfaults has the charm's real programs run as processes on a
// simulated Juju model, and does to them what happens to processes: dispatch,
// the worker and juju-exec are killed, disks are full, hook tools fail, hang or
// answer nonsense, the charm's directory can't be read.
//
// Every unit's health check is a witness: it tells this process that the unit is
// in its operation, and stays there until it is told how it went or dies. From
// these sections, and from those that the units' transitions.log tell of, the
// test makes the history of a lock, for porcupine to say whether it could be
// that of a mutex. When the faults have stopped all queues must drain, and no
// process and no goroutine may be left behind.
//
//	go test ./tests/processfaults -runs 200       # 200 random runs
//	go test ./tests/processfaults -run TestProcessFaults/random -runs 1 -seed 7 -v
//
// The seed of a random run determines what is done to whom in which order; when
// exactly it hits a process is up to the machine.
package processfaults
