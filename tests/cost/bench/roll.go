package bench

import (
	"fmt"
	"time"

	"rolling-ops/jujusim"
)

// Roll is what it took until all that was queued had run.
type Roll struct {
	Hooks    int // everything that ran: hooks, actions, juju-exec commands
	Events   int // those of them that a commit had caused: relation-changed
	Attempts int
	Calls    int // of hook tools
	CPU      time.Duration
	// Elapsed is the time on units that have a machine each, in which Juju
	// delivers events at once.
	Elapsed time.Duration
	// HandOvers are the times from one attempt's commit to the beginning of the
	// next attempt.
	HandOvers []time.Duration
	// Parts are the hook-tool calls by what they were made for.
	Parts map[string]int

	lastEnd time.Duration
	leader  string
}

// NewRoll returns the counter of a roll; it is for a Driver's OnRun.
func NewRoll(leader string) *Roll {
	return &Roll{Parts: map[string]int{}, leader: leader, lastEnd: -1}
}

// Add counts what has run.
func (r *Roll) Add(ran Ran) {
	r.Hooks++
	r.Calls += ran.Cost.Calls
	r.CPU += ran.Cost.CPU
	r.Elapsed = max(r.Elapsed, ran.End)
	if ran.Run.RelationID >= 0 {
		r.Events++
	}
	r.Parts[r.part(ran)] += ran.Cost.Calls
	if ran.Cost.Attempt == 0 {
		return
	}
	r.Attempts++
	if r.lastEnd >= 0 {
		r.HandOvers = append(r.HandOvers, ran.Begin+ran.Cost.Attempt-r.lastEnd)
	}
	r.lastEnd = ran.End
}

// The parts of a roll.
const (
	PartRequests  = "requests"  // the actions
	PartAttempts  = "attempts"  // the hooks in which an operation ran
	PartLeader    = "leader"    // the leader's other hooks
	PartFollowers = "followers" // all others
)

func (r *Roll) part(ran Ran) string {
	switch {
	case ran.Run.Kind == jujusim.ActionRun:
		return PartRequests
	case ran.Cost.Attempt > 0:
		return PartAttempts
	case ran.Run.Unit == r.leader:
		return PartLeader
	}
	return PartFollowers
}

// Application returns a model of n units of a charm that have done with setting
// up, without the charm having run.
func Application(charm *jujusim.Charm, n int, opts jujusim.Options) (*jujusim.Model, error) {
	opts.App, opts.AutoElect = "app", true
	m := jujusim.New(charm, opts)
	for range n {
		m.AddUnit()
	}
	// Each joins when it is installed, and then sees the others.
	for range 2 {
		if err := Settle(m, m.Units()...); err != nil {
			return nil, fmt.Errorf("cannot set the application up: %w", err)
		}
	}
	return m, nil
}
