package rollingops

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"rolling-ops/internal/codec"
)

// Keys of the databags, fixed by the protocol.
const (
	keyState       = "state"
	keyOperations  = "operations"
	keyExecutedAt  = "executed_at"
	keyGrantedUnit = "granted_unit"
	keyGrantedAt   = "granted_at"

	// keyLeaving is ours: granted_at of the grant that a unit leaves with. That
	// it is written tells the leader, to which Juju may not announce a departure.
	keyLeaving = "rollingops-leaving"
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
}

func readGrant(app map[string]string) grant {
	g := grant{unit: app[keyGrantedUnit], at: readStamp(app[keyGrantedAt])}
	if g.at.Time().Year() > lastYear+1 {
		g.at = codec.Timestamp{}
	}
	return g
}

// lastYear is the last one in which an attempt may have ended for another to
// follow: stamps go up to the year 9999, and the grant and the attempt that
// come next still need one that lies after it.
const lastYear = 9997

// readStamp returns the zero Timestamp for a text that is missing or
// unreadable.
func readStamp(text string) codec.Timestamp {
	at, err := codec.ParseTimestamp(text)
	if err != nil {
		return codec.Timestamp{}
	}
	return at
}

func (g grant) free() bool { return g.unit == "" }

// void tells that nobody can run under the grant: without a stamp, "executed
// after the grant" would mean nothing.
func (g grant) void() bool { return g.unit != "" && g.at.IsZero() }

func (g grant) heldBy(unit string) bool { return g.unit == unit && !g.void() }

// usedBy tells whether the holder has ended the attempt that the grant allows.
// Only the holder's own databag answers that, never its state and never
// another unit's stamp.
func (g grant) usedBy(holder unitView) bool { return holder.executedAt.Compare(g.at) > 0 }

// unitView is one unit's databag as it was read in this hook.
type unitView struct {
	name       string
	state      State
	queue      codec.Queue
	queueErr   error
	executedAt codec.Timestamp // zero when missing or unreadable
	leaving    string          // keyLeaving
}

func newUnitView(name string, bag map[string]string) unitView {
	v := unitView{name: name, state: State(bag[keyState]), executedAt: readStamp(bag[keyExecutedAt]), leaving: bag[keyLeaving]}
	v.queue, v.queueErr = codec.ParseQueue(bag[keyOperations])
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

// waits tells whether the unit asks for the lock and can have it. One with an
// empty queue does not ask, whatever its state says.
func (v unitView) waits() bool { return v.asks() && v.stampErr() == nil }

func (v unitView) asks() bool {
	_, ok := v.head()
	return ok && turn[v.state] > 0
}

// stampErr says why a unit that asks can't be granted the lock, for its
// executed_at. No unit brings that about by itself.
func (v unitView) stampErr() error {
	switch {
	case v.state == AwaitRetry && v.executedAt.IsZero():
		return errors.New("executed_at, when its last attempt ended, is missing or can't be read")
	case v.executedAt.Time().Year() > lastYear:
		return fmt.Errorf("executed_at lies in the year %d", v.executedAt.Time().Year())
	}
	return nil
}

// unreadable tells whether an operator has to look after the unit's databag.
func (v unitView) unreadable() bool { return v.queueErr != nil || v.asks() && v.stampErr() != nil }

// compareUnits orders unit names by number: rolling-ops/9 before
// rolling-ops/10.
func compareUnits(a, b string) int {
	return cmp.Or(cmp.Compare(unitNumber(a), unitNumber(b)), strings.Compare(a, b))
}

// unitNumber is N of app/N. A name without a number sorts last.
func unitNumber(name string) uint64 {
	_, digits, _ := strings.Cut(name, "/")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return n
}
