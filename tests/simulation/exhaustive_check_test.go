package simulation

import (
	"fmt"
	"slices"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
)

func (n *node) broke(format string, args ...any) {
	if n.violation == "" && !n.scope.twoAtOnce {
		n.violation = fmt.Sprintf(format, args...)
	}
}

func (n *node) must(b *invariant.Broken) {
	if b != nil {
		n.broke("%s", b.Text)
	}
}

// checkEntry is checked when a unit begins its operation.
func (n *node) checkEntry(p *process) {
	for i := range n.procs {
		if q := &n.procs[i]; q != p && q.at == inCallback {
			n.violation = invariant.Alone(p.unit, []string{q.unit}, nobody).Text
		}
	}
	own := n.enterStep(p, n.model.UnitDatabag(0, p.unit))
	n.must(invariant.Begins(p.unit, invariant.GrantOf(n.model.AppDatabag(0)), own))
}

func nobody(string) bool { return false }

// databags are what one unit's commit can change, as it was before it.
type databags struct{ app, own map[string]string }

func (n *node) before(p *process) databags {
	return databags{n.model.AppDatabag(0), n.model.UnitDatabag(0, p.unit)}
}

// checkCommit is checked after each commit.
func (n *node) checkCommit(was databags, unit string, run jujusim.Run, ran bool) {
	app, own := n.model.AppDatabag(0), n.model.UnitDatabag(0, unit)
	attempt := invariant.Attempt{Grant: invariant.GrantOf(was.app), Ran: ran}
	n.checkRecord(unit, run, was.app, app)
	if own["executed_at"] != was.own["executed_at"] {
		n.must(invariant.Stamped(unit, invariant.StampOf(was.own), invariant.StampOf(own), attempt))
	}
	held := attempt.Grant
	leaves := run.DepartingUnit == unit
	n.must(invariant.NotForItself(unit, held, invariant.GrantOf(app), leaves))
	if held.Unit == "" {
		return
	}
	reason := !slices.Contains(n.model.Units(), held.Unit) || leaves && held.Unit == unit
	n.must(invariant.Cleared(unit, held, invariant.GrantOf(app), invariant.StampOf(n.model.UnitDatabag(0, held.Unit)), reason))
}

// checkQueue checks that only the head of a queue goes, when it was tried.
func (n *node) checkQueue(unit string, was codec.Queue, own map[string]string, attempt invariant.Attempt) {
	queue, err := codec.ParseQueue(own["operations"])
	if err != nil {
		n.broke("%s wrote a queue that can't be read: %v", unit, err)
	}
	_, broken := invariant.QueueMoved(unit, was, queue, own["state"], attempt)
	n.must(broken)
}

// results are what the operations of a search say.
var results = map[string]string{"_restart": "done", "_failed_restart": "retry_release", "_deferred_restart": "retry_hold"}

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

// runFairly makes progress until there is none left to make, also by looks of
// leaders.
func (n *node) runFairly() {
	for range 100 {
		if n.runOn(); n.violation != "" || !n.looks() {
			return
		}
	}
	n.broke("looks for ever")
}

// runOn makes progress until there is none left to make without a look.
func (n *node) runOn() {
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

// undone tells what is not done.
func (n *node) undone() string {
	app := n.model.AppDatabag(0)
	left := invariant.Undone(app, n.model.Units(), func(unit string) map[string]string {
		return n.model.UnitDatabag(0, unit)
	})
	if left == "" {
		left = invariant.Rolling(app, n.committed)
	}
	return left
}
