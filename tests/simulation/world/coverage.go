package world

import (
	"fmt"
	"strings"
	"time"
)

// fault is something that can be done to a cluster.
type fault struct{ Name, Matters string }

// faults are all that the scheduler does to a cluster. Each counts how often it
// was done (fired) and how often that changed what a unit did or saw
// (mattered); what counts as the latter is said here.
var Faults = []fault{
	{"clock skew", "a stamp had to be put later than its writer's clock"},
	{"clock jumps in a hook", "a stamp of that hook had to be put later than its writer's clock"},
	{"leadership moved", "the lock was held"},
	{"leadership lost in a hook", "that hook was then too late to write the lock, or its commit was refused"},
	{"leadership back within a hook", "that hook was too late to write the lock"},
	{"leadership to the holder", "the new leader ran its operation under the other's grant"},
	{"too late to schedule", "the leader had something to write and did not"},
	{"commit refused", "the hook's writes were lost"},
	{"stale view", "the leader read an old state or executed_at of a unit"},
	{"event lost", "it was on its way to the leader or to the holder"},
	{"event repeated", "the leader or the holder ran a hook for nothing"},
	{"event delayed", "the unit had a hook to run once it was let through"},
	{"departed never comes", "relation-list named a unit that is no more"},
	{"joined not delivered", "relation-list did not name the holder"},
	{"hook killed before callback", "the unit held the lock"},
	{"hook killed in callback", "always"},
	{"hook killed after callback", "always: the callback runs again"},
	{"hook fails at its end", "it had written something"},
	{"juju-exec fails", "it had written something, which was committed"},
	{"agent restarted in a hook", "always"},
	{"machine rebooted", "a hook or a worker ran"},
	{"machine suspended in a hook", "for longer than is-leader may be trusted"},
	{"worker never started", "it was asked for"},
	{"worker killed", "it had not called yet"},
	{"worker late", "the unit led or held the lock"},
	{"worker started twice", "two commands were queued"},
	{"unit removed", "it had operations queued, or the lock"},
	{"forced removal", "the next unit began while the removed one might still run"},
	{"forced release", "the next unit began while the holder ran"},
	{"unit added", "it ran an operation"},
	{"leaving leader", "it granted the lock, or gave it back"},
	{"queue corrupted", "a unit came across the queue"},
	{"unknown callback", "the operation was dropped"},
	{"foreign stamp", "the unit wrote its next stamp over it"},
	{"foreign stamp on the lock", "its holder had not used the grant"},
	{"service broken", "a restart failed"},
	{"rollout started", "a unit was done with its step"},
	{"rollout paused", "a step's grant was given back unused"},
	{"rollout resumed", "a unit whose step had failed had another turn"},
	{"rollout aborted", "a step's retry was dropped"},
	{"1000 operations queued", "an attempt was made with as many in the queue"},
}

// Coverage is the table of what was tried. A nil coverage counts nothing.
type Coverage struct {
	fired, mattered map[string]int

	Runs, Hooks        int // simulations, and hooks, actions and commands in them
	accepted, attempts int // operations, and callbacks run
}

func NewCoverage() *Coverage {
	return &Coverage{fired: make(map[string]int), mattered: make(map[string]int)}
}

func (c *Coverage) fire(fault string) {
	if c != nil {
		c.fired[known(fault)]++
	}
}

// matter counts a fault that made a difference, if it did.
func (c *Coverage) matter(fault string, did bool) {
	if c != nil && did {
		c.mattered[known(fault)]++
	}
}

var faultNames = make(map[string]bool)

func init() {
	for _, f := range Faults {
		faultNames[f.Name] = true
	}
}

func known(name string) string {
	if !faultNames[name] {
		panic("unknown fault " + name)
	}
	return name
}

// Rate says how much was simulated in the given time of one processor.
func (c *Coverage) Rate(used time.Duration) string {
	return fmt.Sprintf("%d simulations, %d operations accepted, %d attempts, %d hooks: %.0f hooks a second of processor time",
		c.Runs, c.accepted, c.attempts, c.Hooks, float64(c.Hooks)/used.Seconds())
}

// Missing are the faults that never happened or never made a difference.
func (c *Coverage) Missing() []string {
	var out []string
	for _, f := range Faults {
		if c.fired[f.Name] == 0 || c.mattered[f.Name] == 0 {
			out = append(out, f.Name)
		}
	}
	return out
}

func (c *Coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-30s %9s %9s  %s\n", "fault", "fired", "mattered", "it matters when")
	for _, f := range Faults {
		fmt.Fprintf(&b, "%-30s %9d %9d  %s\n", f.Name, c.fired[f.Name], c.mattered[f.Name], f.Matters)
	}
	return b.String()
}
