package bench

import (
	"slices"
	"time"
)

// Report is what was measured, charm by charm.
type Report struct {
	Machine string         `json:"machine"`
	Charms  []*CharmReport `json:"charms"`
}

// CharmReport is what was measured of one charm. Times are in nanoseconds.
type CharmReport struct {
	Name     string       `json:"name"`
	Dispatch int64        `json:"dispatch_bytes"` // the size of the file
	Size     int64        `json:"charm_bytes"`    // of all files
	Hooks    []HookReport `json:"hooks"`
	Rolls    []RollReport `json:"rolls"`
	Retries  Samples      `json:"leader_retries_ns"` // from the leader's failed attempt to its next one
}

// HookReport is what one of HookNames took at one size, run by run.
type HookReport struct {
	Name   string  `json:"name"`
	Units  int     `json:"units"`
	Wall   Samples `json:"wall_ns"`
	CPU    Samples `json:"cpu_ns"`
	Start  Samples `json:"start_ns"` // until the first hook-tool call
	Memory int64   `json:"memory_bytes"`
	Calls  []int   `json:"calls"`
	Bytes  []int   `json:"bytes"`
}

// RollReport is what it took to run an operation on each unit.
type RollReport struct {
	Units     int            `json:"units"`
	Hooks     int            `json:"hooks"`
	Events    int            `json:"events"`
	Calls     int            `json:"calls"`
	Parts     map[string]int `json:"calls_by_part"`
	CPU       time.Duration  `json:"cpu_ns"`
	Elapsed   time.Duration  `json:"elapsed_ns"`
	HandOvers Samples        `json:"hand_overs_ns"`
	Real      time.Duration  `json:"real_ns"` // what measuring it took
	// TooLong is how long it would have taken about, if it was left out for
	// that.
	TooLong time.Duration `json:"too_long_ns,omitempty"`
}

// Samples are times from several runs.
type Samples []time.Duration

// Median returns the median, 0 without samples.
func (s Samples) Median() time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// Min and Max return the extremes, 0 without samples.
func (s Samples) Min() time.Duration {
	if len(s) == 0 {
		return 0
	}
	return slices.Min(s)
}

// Max is like Min.
func (s Samples) Max() time.Duration {
	if len(s) == 0 {
		return 0
	}
	return slices.Max(s)
}
