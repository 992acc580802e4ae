package simulation

import (
	"fmt"
	"slices"
	"strings"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/world"
)

func (n *node) broke(format string, args ...any) {
	if n.violation == "" && !n.scope.twoAtOnce {
		n.violation = fmt.Sprintf(format, args...)
	}
}

// checkEntry is checked when a unit begins its operation.
func (n *node) checkEntry(p *process) {
	for i := range n.procs {
		if q := &n.procs[i]; q != p && q.at == inCallback {
			n.violation = fmt.Sprintf("%s begins its operation while %s runs one", p.unit, q.unit)
		}
	}
	app := n.model.AppDatabag(0)
	at := stampOf(app["granted_at"])
	switch executed := stampOf(n.model.UnitDatabag(0, p.unit)["executed_at"]); {
	case app["granted_unit"] != p.unit || at.IsZero():
		n.broke("%s runs without a committed grant", p.unit)
	case executed.Compare(at) > 0:
		n.broke("%s runs a second time on one grant", p.unit)
	}
}

// databags are what one unit's commit can change, as it was before it.
type databags struct{ app, own map[string]string }

func (n *node) before(p *process) databags {
	return databags{n.model.AppDatabag(0), n.model.UnitDatabag(0, p.unit)}
}

// checkCommit is checked after each commit.
func (n *node) checkCommit(was databags, unit string, run jujusim.Run, ran bool) {
	app, own := n.model.AppDatabag(0), n.model.UnitDatabag(0, unit)
	if own["operations"] != was.own["operations"] {
		n.checkQueue(unit, was.own["operations"], own["operations"], ran)
	}
	if own["executed_at"] != was.own["executed_at"] {
		switch at := stampOf(was.app["granted_at"]); {
		case !ran:
			n.broke("%s ended an attempt that it did not make", unit)
		case was.app["granted_unit"] != unit:
			n.broke("%s ended an attempt and holds no grant", unit)
		case stampOf(was.own["executed_at"]).Compare(at) > 0:
			n.broke("%s ended a second attempt on one grant", unit)
		case stampOf(own["executed_at"]).Compare(at) <= 0:
			n.broke("%s ended its attempt before its grant", unit)
		}
	}
	holder, at := was.app["granted_unit"], was.app["granted_at"]
	if holder == "" || app["granted_unit"] == holder && app["granted_at"] == at {
		return
	}
	switch {
	case stampOf(n.model.UnitDatabag(0, holder)["executed_at"]).Compare(stampOf(at)) > 0: // used
	case !slices.Contains(n.model.Units(), holder): // gone
	case holder == unit && run.DepartingUnit == unit: // leaving
	default:
		n.broke("%s took the lock from %s, which has not used its grant", unit, holder)
	}
}

// checkQueue checks that only the head of a queue goes, when it was tried.
func (n *node) checkQueue(unit, was, now string, ran bool) {
	old, err := codec.ParseQueue(was)
	if err != nil {
		n.broke("%s had a queue that can't be read: %v", unit, err)
	}
	queue, err := codec.ParseQueue(now)
	if err != nil {
		n.broke("%s wrote a queue that can't be read: %v", unit, err)
	}
	switch {
	case world.StartsWith(queue, old):
	case ran && world.StartsWith(queue, old[1:]):
	case ran && len(queue) >= len(old) && world.Same(queue[0], old[0].Next()) && world.StartsWith(queue[1:], old[1:]):
		if limit, ok := queue[0].MaxRetry.Limit(); ok && queue[0].Attempt.Int() > limit {
			n.broke("%s keeps an operation past its retry limit", unit)
		}
	default:
		n.broke("%s changed its queue from %s to %s", unit, was, now)
	}
}

func stampOf(text string) codec.Timestamp {
	at, err := codec.ParseTimestamp(text)
	if err != nil {
		return codec.Timestamp{}
	}
	return at
}

// checkQuiet is checked in every state in which nothing goes on by itself: all
// is done then. If a worker was lost, or a departure is kept from the others,
// it may take an update-status.
func (n *node) checkQuiet() {
	left := n.undone()
	if left == "" {
		return
	}
	if !n.lost {
		n.broke("stuck: %s", left)
		return
	}
	last := n.clone()
	for _, p := range last.procs {
		last.check(last.model.UpdateStatus(p.unit))
	}
	last.runFairly()
	if last.violation != "" {
		n.broke("after update-status: %s", last.violation)
	} else if left := last.undone(); left != "" {
		n.broke("stuck even after update-status: %s", left)
	}
}

// runFairly makes progress until there is none left to make.
func (n *node) runFairly() {
	var moves []move
	for turn := range 1000 {
		moves = unprompted(n.moves(moves[:0]))
		if len(moves) == 0 || n.violation != "" {
			return
		}
		n.do(moves[turn%len(moves)])
	}
	n.broke("goes on for ever")
}

// undone tells what is not done: queued operations, and a lock that is held.
func (n *node) undone() string {
	var left []string
	for _, unit := range n.model.Units() {
		if text := n.model.UnitDatabag(0, unit)["operations"]; text != "" && text != "[]" {
			left = append(left, unit+" has operations")
		}
	}
	if holder := n.model.AppDatabag(0)["granted_unit"]; holder != "" {
		left = append(left, holder+" holds the lock")
	}
	return strings.Join(left, ", ")
}
