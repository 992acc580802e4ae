// Package invariant says what must hold of committed databags, whatever units
// do and whatever goes wrong: as pure functions of what is committed, one an
// invariant. Each returns nil if it holds. It shares nothing with the library
// but the codec.
package invariant

import (
	"fmt"
	"time"

	"rolling-ops/internal/codec"
)

// Broken is an invariant that does not hold.
type Broken struct {
	Form string // tells invariants apart, whatever units and stamps they are about
	Text string
}

func (b *Broken) Error() string { return b.Text }

func broken(form string, args ...any) *Broken {
	return &Broken{form, fmt.Sprintf(form, args...)}
}

// Bag is a databag as it is committed.
type Bag = map[string]string

// Grant is the lock as it is committed: the zero Grant if it is free.
type Grant struct{ Unit, At string }

// GrantOf is the lock that an application databag holds.
func GrantOf(app Bag) Grant { return Grant{app["granted_unit"], app["granted_at"]} }

// at is the zero Timestamp if nobody can run under the grant.
func (g Grant) at() codec.Timestamp {
	at, foreign := readStamp(g.At)
	if g.Unit == "" || foreign || at.Compare(lastStamp) == 0 {
		return codec.Timestamp{}
	}
	return at
}

// Void reports whether nobody can run under the grant.
func (g Grant) Void() bool { return g.at().IsZero() }

// UsedBy reports whether a holder with that stamp has used the grant.
func (g Grant) UsedBy(holder Stamp) bool { return holder.At.Compare(g.at()) > 0 }

// Stamp is a unit's executed_at.
type Stamp struct {
	At codec.Timestamp // the later of both copies; zero without a good one
	// Foreign says that one of them is nothing that a unit can have written.
	Foreign bool
}

// StampOf is the stamp that a unit databag holds.
func StampOf(unit Bag) Stamp {
	at, foreign := readStamp(unit["executed_at"])
	second, copied := unit["rollingops-executed-at"]
	secondAt, secondForeign := readStamp(second)
	if at.Compare(secondAt) < 0 {
		at = secondAt
	}
	return Stamp{at, foreign || secondForeign || copied && secondAt.IsZero()}
}

// lastStamp is the last that a unit can have written.
var lastStamp = codec.TimestampOf(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Microsecond))

func readStamp(text string) (at codec.Timestamp, foreign bool) {
	at, err := codec.ParseTimestamp(text)
	if err != nil {
		return codec.Timestamp{}, false
	}
	if at.Compare(lastStamp) > 0 {
		return codec.Timestamp{}, true
	}
	return at, false
}

// Alone holds if a unit begins its operation while nobody is inside one, but
// where either of the two is excused.
func Alone(unit string, inside []string, excused func(unit string) bool) *Broken {
	for _, other := range inside {
		if other == unit || !excused(other) && !excused(unit) {
			return broken("%s begins its operation while %s runs one", unit, other)
		}
	}
	return nil
}

// Begins holds if a unit that begins its operation has an unused grant and an
// operation to run.
func Begins(unit string, g Grant, own Bag) *Broken {
	queue, err := codec.ParseQueue(own["operations"])
	switch {
	case g.Unit != unit || g.Void():
		return broken("%s runs without a committed grant: it is %+v", unit, g)
	case g.UsedBy(StampOf(own)):
		return broken("%s runs a second time on the grant of %s", unit, g.At)
	case err != nil || len(queue) == 0:
		return broken("%s runs an operation that is not in its queue", unit)
	}
	return nil
}

// RunsLeft holds if the unit may run an operation for the nth time, after so
// many hooks that failed behind it.
func RunsLeft(unit string, op codec.Operation, runs, lost int) *Broken {
	if limit, bounded := op.MaxRetry.Limit(); bounded && runs > limit+1+lost {
		return broken("%s runs its operation for the %dth time, max_retry is %d and %d hooks failed", unit, runs, limit, lost)
	}
	return nil
}

// Attempt is what a run made of its unit's grant.
type Attempt struct {
	Grant  Grant  // the one that it could act on
	Ran    bool   // the operation's callback ran
	Result string // what that said: done, retry_hold or retry_release
	// Step is the operation of the step that the grant is for, nil for none.
	Step *codec.Operation
	// OfStep says that it is an attempt at a step, the first one or a retry.
	OfStep bool
	// Abandoned says that the head is a step's retry whose rollout was given up.
	Abandoned bool
	// Unknown says that nobody knows the operation.
	Unknown bool
	// CutShort says that its callback was begun and cut short so often that it
	// counts as failed without another run.
	CutShort bool
}

// Stamped holds if a unit's executed_at is as it was, or ends an attempt, or
// puts right what others wrote. It never goes back.
func Stamped(unit string, was, now Stamp, a Attempt) *Broken {
	holds := a.Grant.Unit == unit && !a.Grant.Void()
	switch {
	case now.At.Compare(was.At) < 0:
		return broken("%s set its executed_at back, from %s to %s", unit, was.At, now.At)
	case now.Foreign && !was.Foreign:
		return broken("%s wrote an executed_at that no unit can write", unit)
	case now.At.Compare(was.At) == 0:
		return nil
	case was.Foreign && !a.Ran: // put right: a grant of meanwhile goes on
		return nil
	case a.Grant.Unit != unit:
		return broken("%s ended an attempt and held no grant", unit)
	case holds && a.Grant.UsedBy(was):
		return broken("%s ended a second attempt on the grant of %s", unit, a.Grant.At)
	case holds && !a.Grant.UsedBy(now):
		return broken("%s ended its attempt at %s, not after its grant of %s", unit, now.At, a.Grant.At)
	}
	return nil
}

// Cleared holds if a grant that is no more was void or used, or if there is a
// reason: its holder is gone, or is the leader itself and leaves.
func Cleared(by string, was, now Grant, holder Stamp, reason bool) *Broken {
	if was == now || was.Void() || was.UsedBy(holder) || reason {
		return nil
	}
	return broken("%s took the lock from %s, which has not used its grant of %s", by, was.Unit, was.At)
}

// NotForItself holds if a leader that leaves does not grant itself the lock.
func NotForItself(by string, was, now Grant, leaves bool) *Broken {
	if leaves && was != now && now.Unit == by {
		return broken("%s grants itself the lock and is leaving", by)
	}
	return nil
}

// Undone tells what is not done: queued operations, and a lock that is held. A
// queue that can't be read waits for an operator.
func Undone(app Bag, units []string, of func(unit string) Bag) string {
	var left string
	add := func(form string, args ...any) {
		if left != "" {
			left += ", "
		}
		left += fmt.Sprintf(form, args...)
	}
	for _, unit := range units {
		bag := of(unit)
		if queue, err := codec.ParseQueue(bag["operations"]); err == nil && len(queue) > 0 {
			add("%s has %d operations (%s)", unit, len(queue), bag["state"])
		}
	}
	if g := GrantOf(app); g.Unit != "" {
		add("%s holds the lock since %s", g.Unit, g.At)
	}
	return left
}
