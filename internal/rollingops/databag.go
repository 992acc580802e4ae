package rollingops

import (
	"errors"
	"fmt"
	"strings"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// State is what a unit asks for.
type State string

const (
	Idle           State = "idle"
	Requested      State = "request"
	AwaitRetry     State = "retry-release"
	AwaitRetryHold State = "retry-hold"
)

// grant is the lock as the application databag holds it.
type grant struct {
	unit string
	at   codec.Timestamp // zero when missing or unreadable
	// principal is the holder's, "" if the charm is not subordinate or nobody has
	// recorded it.
	principal string
}

// readGrant reads the lock. What names no unit of the local unit's application,
// or leaves no room for the stamp that would end it, is void.
func readGrant(app map[string]string, local string) grant {
	g := grant{unit: app[KeyGrantedUnit]}
	if g.unit != "" && !sameApplication(g.unit, local) {
		return grant{unit: fmt.Sprintf("%.100q", g.unit)} // fit to be shown
	}
	if at, _ := readStamp(app[KeyGrantedAt]); roomFor(1, at) {
		g.at = at
	}
	if holder, principal, _ := strings.Cut(app[KeyGrantedPrincipal], " "); holder == g.unit {
		g.principal = readPrincipal(principal)
	}
	return g
}

func (g grant) free() bool { return g.unit == "" }

// void tells that nobody can run under the grant: without a stamp, "executed
// after the grant" would mean nothing.
func (g grant) void() bool { return g.unit != "" && g.at.IsZero() }

func (g grant) heldBy(unit string) bool { return g.unit == unit && !g.void() }

// usedBy reports whether the holder has ended the attempt that the grant allows.
// Only the holder's own databag answers that, never its state and never
// another unit's stamp.
func (g grant) usedBy(holder unitView) bool { return holder.executedAt.Compare(g.at) > 0 }

// unitView is one unit's databag as it was read in this hook.
type unitView struct {
	name       string
	state      State
	queue      codec.Queue
	queueErr   error
	executedAt codec.Timestamp // the later of both copies; zero without a good one
	// foreign says that executed_at, or its copy, is nothing that the unit can
	// have written: it does not tell whether the unit has used a grant.
	foreign bool
	differ  bool // the copies do, and have to be written anew
	single  bool // there is no copy yet

	principal string // "" if none is recorded that can be one

	primary bool // it asked for the last turn

	step    rollout.Step // zero when missing or unreadable
	stepErr error
	last    rollout.Last
	rolling bool // of the own databag: this hook's attempt is one at the step

	retryNow string            // KeyRetryNow
	bag      map[string]string // as read
}

// primary is the only value of KeyPrimary.
const primary = "true"

func newUnitView(name string, bag map[string]string) unitView {
	v := unitView{name: name, state: State(bag[KeyState]), retryNow: bag[KeyRetryNow], bag: bag}
	v.principal = readPrincipal(bag[KeyPrincipal])
	v.primary = bag[KeyPrimary] == primary
	v.step, v.stepErr = rollout.ParseStep(bag[rollout.KeyStep])
	v.last, _ = rollout.ParseLast(bag[rollout.KeyLast])
	v.queue, v.queueErr = codec.ParseQueue(bag[KeyOperations])
	at, foreign := readStamp(bag[KeyExecutedAt])
	second, copied := bag[KeyExecutedAtCopy]
	secondAt, secondForeign := readStamp(second)
	v.executedAt = later(at, secondAt)
	v.foreign = foreign || secondForeign || copied && secondAt.IsZero()
	v.differ = v.foreign || copied && at.Compare(secondAt) != 0
	v.single = !copied && !v.executedAt.IsZero()
	return v
}

// head is the operation that the next attempt runs, if the queue can be read
// and is not empty.
func (v unitView) head() (codec.Operation, bool) {
	if v.queueErr != nil {
		return codec.Operation{}, false
	}
	return v.queue.Head()
}

// waits reports whether the unit asks for the lock and can have it. One with an
// empty queue does not ask, whatever its state says.
func (v unitView) waits() bool { return v.asks() && v.stampErr() == nil }

func (v unitView) asks() bool {
	_, ok := v.head()
	return ok && turn[v.state] > 0
}

// stampErr says why a unit that asks can't be granted the lock, for its
// executed_at. No unit brings that about by itself. One whose stamp is foreign
// is granted the lock: it puts the stamp right and gives the lock back.
func (v unitView) stampErr() error {
	switch {
	case v.state == AwaitRetry && v.executedAt.IsZero() && !v.foreign:
		return errors.New("executed_at, when its last attempt ended, is missing or can't be read")
	case !roomFor(2, v.executedAt):
		return errors.New("executed_at is the end of all stamps, no grant can follow it: remove the unit")
	}
	return nil
}

// unreadable reports whether an operator has to look after the unit's databag.
func (v unitView) unreadable() bool { return v.queueErr != nil || v.asks() && v.stampErr() != nil }

// retries reports whether the unit's next attempt is a retry.
func (v unitView) retries() bool {
	_, ok := v.head()
	return ok && (v.state == AwaitRetry || v.state == AwaitRetryHold) && !v.executedAt.IsZero()
}

// paused reports whether a pause comes before the retry: none does that an
// operator wants now.
func (v unitView) paused() bool { return v.retries() && v.retryNow != v.executedAt.String() }

// sameApplication reports whether name is that of a unit of the application to
// which another unit belongs.
func sameApplication(name, unit string) bool {
	return unitname.Valid(name) && unitname.Application(name) == unitname.Application(unit)
}
