package simulation

import (
	"slices"
	"strings"

	"rolling-ops/internal/jujusim"
	"rolling-ops/internal/rollingops"
)

// checker holds every invariant against what happens. It sees only committed
// databags and the charm's own notes, and shares no logic with the library but
// its codec.
type checker struct {
	w       *world
	units   map[string]*record
	app     grant
	inside  []string // units in a callback
	zombies []string // units removed by force in a callback, which may still run
	forced  []string // units in a callback whose grant an operator took
}

// record is what is known of one unit.
type record struct {
	queue      rollingops.Queue
	readable   bool
	executedAt rollingops.Timestamp

	// The head operation: how often it ran, and how often its hook failed then.
	runs, lost int

	used string // granted_at of the last grant that an attempt was committed for
	// The run in progress.
	ran     bool   // a callback was run
	granted string // granted_at when it began
}

type grant struct{ unit, at string }

func newChecker(w *world) *checker {
	return &checker{w: w, units: make(map[string]*record)}
}

func (c *checker) unit(name string) *record {
	r := c.units[name]
	if r == nil {
		r = &record{readable: true}
		c.units[name] = r
	}
	return r
}

// began is the begin of a run.
func (c *checker) began(r *running) {
	u := c.unit(r.m.name)
	u.ran, u.granted = false, ""
}

// failed is a run that goes wrong though nobody made it.
func (c *checker) failed(r *running, err error) {
	if r.hook.Run().Kind == jujusim.ActionRun {
		return // its error is the operator's
	}
	c.w.violation("%s of %s failed: %v", r.hook.Run(), r.m.name, err)
}

// transition is the charm's note that a callback begins or ends.
func (c *checker) transition(r *running, event string) {
	switch {
	case strings.HasPrefix(event, "action:"):
	case strings.HasSuffix(event, ":start"):
		c.enter(r.m.name)
	default:
		c.leave(r.m.name)
	}
}

func (c *checker) enter(unit string) {
	for _, other := range c.inside {
		if other == unit || !slices.Contains(c.forced, other) {
			c.w.violation("%s begins its operation while %s runs one", unit, other)
		}
		c.w.cover.matter("forced release")
	}
	if len(c.zombies) > 0 {
		c.w.cover.matter("forced removal")
	}
	u := c.unit(unit)
	at, err := rollingops.ParseTimestamp(c.app.at)
	switch {
	case c.app.unit != unit || err != nil || at.IsZero():
		c.w.violation("%s runs without a committed grant: %+v", unit, c.app)
	case u.executedAt.Compare(at) > 0 || u.used == c.app.at:
		c.w.violation("%s runs a second time on the grant of %s", unit, c.app.at)
	}
	c.inside = append(c.inside, unit)
	u.ran, u.granted = true, c.app.at
	u.runs++
	if op, ok := u.queue.Head(); ok {
		if limit, bounded := op.MaxRetry.Limit(); bounded && u.runs > limit+1+u.lost {
			c.w.violation("%s runs its operation for the %dth time, max_retry is %d and %d hooks failed", unit, u.runs, limit, u.lost)
		}
	}
}

func (c *checker) leave(unit string) {
	isUnit := func(u string) bool { return u == unit }
	c.inside = slices.DeleteFunc(c.inside, isUnit)
	c.forced = slices.DeleteFunc(c.forced, isUnit)
}

// left is the end of a unit's run, whatever way: no callback of it runs on.
func (c *checker) left(unit string) {
	c.leave(unit)
	if u := c.unit(unit); u.ran {
		u.ran = false
		u.lost++ // until the commit says otherwise
	}
}

// gone is a unit that the controller does not know any more.
func (c *checker) gone(unit string) { delete(c.units, unit) }

// removing is a unit that is about to be removed by force: its machine may not
// have heard, and finish what it is doing.
func (c *checker) removing(unit string) {
	if slices.Contains(c.inside, unit) {
		c.zombies = append(c.zombies, unit)
	}
}

// committed is the end of a run, with what was written.
func (c *checker) committed(e jujusim.Event) {
	if e.Err != nil {
		c.w.violation("commit of %s on %s refused: %v", e.Run, e.Unit, e.Err)
	}
	for _, write := range e.Writes {
		if write.Unit == "" {
			continue
		}
		if write.Unit != e.Unit {
			c.w.violation("%s writes the databag of %s", e.Unit, write.Unit)
		}
		c.unitWritten(e, write.Changes)
	}
	for _, write := range e.Writes {
		if write.Unit == "" {
			c.appWritten(e)
		}
	}
}

func (c *checker) unitWritten(e jujusim.Event, changes map[string]string) {
	bag := c.w.unitBag(e.Unit)
	u := c.unit(e.Unit)
	at, err := rollingops.ParseTimestamp(bag["executed_at"])
	if err == nil && at != u.executedAt {
		c.attempted(e, u, at)
	}
	if _, ok := changes["operations"]; !ok {
		return
	}
	queue, err := rollingops.ParseQueue(bag["operations"])
	if err != nil {
		if e.Run.Command != "corrupt" {
			c.w.violation("%s wrote a queue that can't be read: %v", e.Unit, err)
		}
		u.readable = false
		return
	}
	switch {
	case e.Run.Name == "clear-queue":
		u.runs, u.lost = 0, 0
	case !u.readable:
		c.w.violation("%s overwrote a queue that could not be read", e.Unit)
	default:
		c.queueMoved(e, u, queue)
	}
	u.queue, u.readable = queue, true
}

// attempted is the commit of an attempt's end.
func (c *checker) attempted(e jujusim.Event, u *record, at rollingops.Timestamp) {
	if at.Compare(u.executedAt) <= 0 {
		c.w.violation("%s set its executed_at back, from %s to %s", e.Unit, u.executedAt, at)
	}
	on := u.granted
	if on == "" { // no callback: an empty or unreadable queue, or an unknown callback
		on = c.app.at
		if c.app.unit != e.Unit && !c.w.wasForced(e.Unit) {
			c.w.violation("%s ended an attempt and held no grant", e.Unit)
		}
	}
	if u.used == on {
		c.w.violation("%s ended a second attempt on the grant of %s", e.Unit, on)
	}
	if g, err := rollingops.ParseTimestamp(on); err == nil && at.Compare(g) <= 0 {
		c.w.violation("%s ended its attempt at %s, not after its grant of %s", e.Unit, at, on)
	}
	if u.granted != "" {
		u.lost--
	}
	u.used, u.executedAt = on, at
}

// queueMoved checks that a queue is what it was with at most its head tried or
// dropped and new entries at the end.
func (c *checker) queueMoved(e jujusim.Event, u *record, now rollingops.Queue) {
	was := u.queue
	switch {
	case startsWith(now, was):
	case len(was) > 0 && len(now) >= len(was) && same(now[0], was[0].Next()) && startsWith(now[1:], was[1:]):
		if limit, bounded := now[0].MaxRetry.Limit(); bounded && now[0].Attempt.Int() > limit {
			c.w.violation("%s keeps an operation past its retry limit: %s of %d", e.Unit, now[0].Attempt, limit)
		}
		if u.granted == "" {
			c.w.violation("%s counts an attempt that it did not make", e.Unit)
		}
	case len(was) > 0 && startsWith(now, was[1:]):
		if was[0].CallbackID != "_gone" && u.runs == 0 {
			c.w.violation("%s dropped an operation that never ran", e.Unit)
		}
		u.runs, u.lost = 0, 0
	default:
		c.w.violation("%s changed the order of its queue: from %v to %v", e.Unit, was, now)
	}
}

func startsWith(q, prefix rollingops.Queue) bool {
	return len(q) >= len(prefix) && slices.EqualFunc(q[:len(prefix)], prefix, same)
}

func same(a, b rollingops.Operation) bool {
	return a.Equal(b) && a.RequestedAt == b.RequestedAt && a.Attempt == b.Attempt && a.MaxRetry == b.MaxRetry
}

// appWritten checks that a grant ends only when its attempt has, or its holder
// is no more, or by force.
func (c *checker) appWritten(e jujusim.Event) {
	bag := c.w.appBag()
	now := grant{bag["granted_unit"], bag["granted_at"]}
	was := c.app
	c.app = now
	if was.unit == "" || now == was {
		return
	}
	at, err := rollingops.ParseTimestamp(was.at)
	switch {
	case err != nil || at.IsZero(): // void
	case c.unit(was.unit).executedAt.Compare(at) > 0: // used
	case !slices.Contains(c.w.names(), was.unit): // gone
	case e.Run.DepartingUnit == e.Unit && was.unit == e.Unit: // leaving
	case e.Run.Name == "release-lock":
		c.w.cover.fire("forced release")
		if slices.Contains(c.inside, was.unit) {
			c.forced = append(c.forced, was.unit)
		}
		c.w.units[was.unit].forced = true
	default:
		c.w.violation("%s took the lock from %s, which has not used its grant of %s", e.Unit, was.unit, was.at)
	}
}

func (w *world) wasForced(unit string) bool { return w.units[unit] != nil && w.units[unit].forced }
