package world

import (
	"slices"
	"strings"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
)

// checker holds every invariant against what happens. It sees only committed
// databags, the answers of actions and the charm's own notes of what it runs,
// and shares no logic with the library but its codec.
type checker struct {
	w     *World
	units map[string]*record
	lock  invariant.Grant
	by    string // the leader that wrote it

	rollout   invariant.Rollout
	stepGrant invariant.StepGrant

	Inside  []string // units in a callback
	zombies []string // units removed by force in a callback, which may still run
	// forced are the grants that an operator, or somebody who writes the lock,
	// took from a unit in mid-run, which may have read its grant: until that run
	// ends it may act on it.
	forced map[string][]invariant.Grant

	forward int // attempts ended, operations accepted, units gone
}

// record is what is known of one unit.
type record struct {
	queue      codec.Queue
	unreadable bool
	stamp      invariant.Stamp
	foreign    bool   // somebody else wrote that, and the unit has not put it right
	used       string // granted_at of the last grant that an attempt was committed for

	step     invariant.Step
	failedIn int               // the rollout in which its step has failed
	tries    map[string]*tries // of what is in its queue

	// The run in progress.
	ran    bool            // a callback was run
	ended  bool            // and that is committed
	trying *tries          // of the operation that it runs
	grant  invariant.Grant // when it began; zero if none was run
	result string          // what the callback said: done, retry_hold or retry_release
}

func newChecker(w *World) *checker {
	return &checker{w: w, units: make(map[string]*record), forced: make(map[string][]invariant.Grant)}
}

func (c *checker) unit(name string) *record {
	r := c.units[name]
	if r == nil {
		r = &record{}
		c.units[name] = r
	}
	return r
}

// began is the begin of a run.
func (c *checker) began(r *running) {
	u := c.unit(r.m.Name)
	u.ran, u.ended, u.grant, u.result = false, false, invariant.Grant{}, ""
}

// failed is a run that goes wrong though nobody made it.
func (c *checker) failed(r *running, err error) {
	if r.overdue && r.deposed {
		c.w.cover.matter("commit refused", true)
		return
	}
	c.w.violation("%s of %s failed: %v", r.Hook.Run(), r.m.Name, err)
}

// transition is the charm's note that a callback begins or ends.
func (c *checker) transition(r *running, event string, _ codec.Args) {
	operation, what, _ := strings.Cut(event, ":")
	switch {
	case operation == "action":
	case what == "start":
		c.enter(r)
	default:
		c.unit(r.m.Name).result = what
		c.leave(r.m.Name)
	}
}

// enter is the begin of a callback.
func (c *checker) enter(r *running) {
	unit, u := r.m.Name, c.unit(r.m.Name)
	c.w.must(invariant.Alone(unit, c.Inside, c.isForced))
	if !r.CommitBy.IsZero() {
		c.w.violation("%s begins its operation while a write of the application databag waits", unit)
	}
	read, own := r.reads[App], c.w.UnitBag(unit)
	if read["granted_unit"] == unit && invariant.ForStep(read) {
		own = c.enterStep(unit, read)
	}
	lock := c.firstFitting(c.grants(unit), func(g invariant.Grant) *invariant.Broken {
		return invariant.Begins(unit, g, own)
	})
	if u.used == lock.At {
		c.w.violation("%s runs again on the grant of %s, which it has used", unit, lock.At)
	}
	op, step := c.head(unit, read)
	u.ran, u.grant, u.trying = true, lock, u.of(*op)
	if id := u.trying.rollout; id != 0 && !step {
		c.w.must(invariant.RetryOfStep(unit, read, id))
	}
	u.trying.runs++
	c.w.must(invariant.RunsLeft(unit, *op, u.trying.runs, u.trying.lost))
	c.count(r, u)
	c.Inside = append(c.Inside, unit)
}

// grants are those that the unit may act on in its present run: the one that is
// committed, and before it those that were taken from it by force.
func (c *checker) grants(unit string) []invariant.Grant {
	return append(slices.Clone(c.forced[unit]), c.lock)
}

// firstFitting is the first of the grants under which an invariant holds; there
// has to be one.
func (c *checker) firstFitting(grants []invariant.Grant, holds func(invariant.Grant) *invariant.Broken) invariant.Grant {
	var first *invariant.Broken
	for _, g := range grants {
		broken := holds(g)
		if broken == nil {
			return g
		}
		if first == nil {
			first = broken
		}
	}
	c.w.must(first)
	return invariant.Grant{}
}

func (c *checker) isForced(unit string) bool {
	_, ok := c.forced[unit]
	return ok
}

// count is for the table of coverage.
func (c *checker) count(r *running, u *record) {
	cover := c.w.cover
	if cover == nil {
		return
	}
	cover.attempts++
	cover.matter("forced release", len(c.Inside) > 0)
	cover.matter("forced removal", len(c.zombies) > 0)
	cover.matter("unit added", r.m.late)
	cover.matter("leadership to the holder", c.w.Model.Leader() == r.m.Name && c.by != r.m.Name)
	cover.matter("1000 operations queued", len(u.queue) >= 1000)
}

// leave is the end of a callback.
func (c *checker) leave(unit string) {
	c.Inside = slices.DeleteFunc(c.Inside, func(u string) bool { return u == unit })
}

// left is the end of a unit's run, whatever way: no callback of it runs on.
func (c *checker) left(unit string) {
	c.leave(unit)
	if u := c.unit(unit); u.ran {
		u.ran = false
		u.trying.lost++ // until the commit says otherwise
	}
	if c.w.ending == nil {
		delete(c.forced, unit)
	}
}

// removing is a unit that is about to be removed by force: its machine may not
// have heard, and finish what it is doing.
func (c *checker) removing(unit string) {
	if slices.Contains(c.Inside, unit) {
		c.zombies = append(c.zombies, unit)
	}
}

// gone is a unit that the controller does not know any more.
func (c *checker) gone(unit string) {
	c.w.cover.matter("unit removed", c.lock.Unit == unit || len(c.unit(unit).queue) > 0)
	delete(c.units, unit)
	c.forward++
}

// committed is the end of a run, with what was written. The changes of a unit's
// own databag come first.
func (c *checker) committed(e jujusim.Event) {
	if e.Err != nil && (c.w.ending == nil || !c.w.ending.overdue) {
		c.w.violation("commit of %s on %s refused: %v", e.Run, e.Unit, e.Err)
	}
	for _, write := range e.Writes {
		switch write.Unit {
		case "":
			c.lockWritten(e)
		case e.Unit:
			c.unitWritten(e, write.Changes)
		default:
			c.w.violation("%s writes the databag of %s", e.Unit, write.Unit)
		}
	}
	if u := c.unit(e.Unit); u.grant.Unit != "" && e.Exit == 0 && e.Err == nil && !u.ended {
		c.w.violation("%s committed nothing of the attempt that it made", e.Unit)
	}
}

// lockWritten checks that a grant ends only when its attempt has, or its holder
// is no more, or by force.
func (c *checker) lockWritten(e jujusim.Event) {
	was, now := c.lock, invariant.GrantOf(c.w.AppBag())
	c.lock, c.by = now, e.Unit
	leaves := e.Run.DepartingUnit == e.Unit
	c.rolloutWritten(e, c.w.AppBag(), was != now && !strings.HasPrefix(e.Run.Command, stampLockCommand+" "))
	c.w.must(invariant.NotForItself(e.Unit, was, now, leaves))
	reason := !slices.Contains(c.w.Names(), was.Unit) || leaves && was.Unit == e.Unit
	taken := invariant.Cleared(e.Unit, was, now, c.unit(was.Unit).stamp, reason)
	fault, excused := forces(e.Run)
	if excused {
		c.w.cover.fire(fault)
		c.w.cover.matter("foreign stamp on the lock", taken != nil && fault == "foreign stamp on the lock")
	}
	switch {
	case taken == nil:
	case !excused:
		c.w.must(taken)
	case c.w.Units[was.Unit].Running != nil:
		c.forced[was.Unit] = append(c.forced[was.Unit], was)
	}
}

// forces is the fault by which a run may take the lock from a holder that has
// not used its grant.
func forces(run jujusim.Run) (fault string, ok bool) {
	switch {
	case run.Name == "release-lock":
		return "forced release", true
	case strings.HasPrefix(run.Command, stampLockCommand+" "):
		return "foreign stamp on the lock", true
	}
	return "", false
}

// actionOf is the name of the action that queues a callback.
func actionOf(callback string) string {
	return strings.ReplaceAll(strings.TrimPrefix(callback, "_"), "_", "-")
}

// answered is an action that is over: what it accepted has to be in the queue.
func (c *checker) answered(a *jujusim.ActionResult) {
	c.rolledOut(a)
	operation, ok := a.Results["operation"].(string)
	if !ok || a.Status != jujusim.ActionCompleted {
		return
	}
	u := c.unit(a.Unit)
	if u.unreadable || len(u.queue) == 0 || actionOf(u.queue[len(u.queue)-1].CallbackID) != operation {
		c.w.violation("%s accepted %s and did not queue it", a.Unit, operation)
	}
	c.forward++
	if c.w.cover != nil {
		c.w.cover.accepted++
	}
}
