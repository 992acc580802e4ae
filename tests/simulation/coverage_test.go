package simulation

import (
	"fmt"
	"strings"
	"time"
)

// faults are all that the scheduler can do to a cluster. Each counts how often
// it was done (fired) and how often it changed what units did (mattered).
var faults = []string{
	"clock skew", "clock jumps in a hook",
	"leadership moved", "leadership lost in a hook", "leadership back within a hook", "leadership to the holder",
	"stale view", "event lost", "event repeated", "event delayed", "departed never comes",
	"hook killed before callback", "hook killed in callback", "hook killed after callback", "hook fails at its end",
	"juju-exec fails", "worker never started", "worker killed", "worker late", "worker started twice",
	"agent restarted in a hook", "machine rebooted", "machine suspended in a hook",
	"unit removed", "forced removal", "unit added", "leaving leader", "joined not delivered",
	"queue corrupted", "unknown callback", "forced release", "service broken", "too late to schedule",
}

// coverage is the table of what was tried. A nil coverage counts nothing.
type coverage struct {
	fired, mattered map[string]int
	hooks, runs     int
}

func newCoverage() *coverage {
	c := &coverage{fired: make(map[string]int), mattered: make(map[string]int)}
	for _, f := range faults {
		c.fired[f] = 0
	}
	return c
}

func (c *coverage) count(m map[string]int, fault string) {
	if _, ok := c.fired[fault]; !ok {
		panic("unknown fault " + fault)
	}
	m[fault]++
}

func (c *coverage) fire(fault string) {
	if c != nil {
		c.count(c.fired, fault)
	}
}

func (c *coverage) matter(fault string) {
	if c != nil {
		c.count(c.mattered, fault)
	}
}

// rate says how much was simulated in the given time of one processor.
func (c *coverage) rate(used time.Duration) string {
	return fmt.Sprintf("%d simulations, %d hooks, %.0f hooks a second of processor time", c.runs, c.hooks, float64(c.hooks)/used.Seconds())
}

// missing are the faults that never happened or never made a difference.
func (c *coverage) missing() []string {
	var out []string
	for _, f := range faults {
		if c.fired[f] == 0 || c.mattered[f] == 0 {
			out = append(out, f)
		}
	}
	return out
}

func (c *coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s %10s %10s\n", "fault", "fired", "mattered")
	for _, f := range faults {
		fmt.Fprintf(&b, "%-32s %10d %10d\n", f, c.fired[f], c.mattered[f])
	}
	return b.String()
}
