// Package cost is what hookcost writes down.
package cost

import "time"

// Log is the file on a unit's machine that has a line for each hook.
const Log = "/var/lib/hook-cost.log"

// Hook is one hook, action or juju-exec command of a charm.
type Hook struct {
	Begin  time.Time     `json:"begin"`
	Wall   time.Duration `json:"wall_ns"`
	CPU    time.Duration `json:"cpu_ns"` // of all processes that it waited for
	Path   string        `json:"path"`   // JUJU_DISPATCH_PATH
	Remote string        `json:"remote,omitempty"`
	Exit   int           `json:"exit"`
}

// End is when it ended.
func (h Hook) End() time.Time { return h.Begin.Add(h.Wall) }
