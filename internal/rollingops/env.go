package rollingops

import (
	"context"
	"time"
)

// Juju is what one hook asks of Juju and tells it, about the peer relation and the
// units in it. Every method is one hook-tool call, but for Beside; the package asks
// for nothing twice in a hook.
type Juju interface {
	// IsLeader reports whether the local unit leads. True is a promise for 30 s.
	IsLeader(ctx context.Context) (bool, error)
	// App returns the application databag, of one that is too large at least AppKeys.
	App(ctx context.Context) (map[string]string, error)
	// Unit returns the databag of a unit, the local one or another, of one that is
	// too large at least UnitKeys. The error is codec.ErrTooLarge if the queue can't
	// be read for its size; the other keys count all the same.
	Unit(ctx context.Context, unit string) (map[string]string, error)
	// Members returns the other units that relation-list names.
	Members(ctx context.Context) ([]string, error)
	// GoalState returns all units that the controller knows, events delivered or
	// not, the local one too: true for those that are being removed. For a
	// subordinate charm, of which goal-state names no unit, it returns those of all
	// applications that it is integrated with.
	GoalState(ctx context.Context) (leaving map[string]bool, err error)
	// Beside reports whether the local unit of a subordinate charm is in a relation
	// with its principal. It is asked of no other charm's.
	Beside(ctx context.Context) (bool, error)
	// SetUnit writes the given keys of the local unit's databag; an empty
	// value deletes its key.
	SetUnit(ctx context.Context, changes map[string]string) error
	// SetApp writes the given keys of the application databag.
	SetApp(ctx context.Context, changes map[string]string) error
}

// Clock is the machine's two clocks.
type Clock interface {
	// Now is the wall clock.
	Now() time.Time
	// SinceBoot is a clock that never jumps and goes on while the machine is
	// suspended: CLOCK_BOOTTIME.
	SinceBoot() time.Duration
}

// Waker brings the local unit back into a rollingops_lock_granted hook, when
// delay is over and the running hook has been committed.
type Waker interface {
	Wake(ctx context.Context, delay time.Duration) error
	// Watch brings the unit back when delay is over too, but only if nobody calls
	// it off until then: with a delay of 0, in a later hook. One that is asked for
	// already stays as it is.
	Watch(ctx context.Context, delay time.Duration) error
}

// Attempts is a note on the unit's own machine of the attempt that is being
// made. It outlives dispatch, the agent and a reboot, so that an operation which
// ends its own hook each time is counted. One note at a time is enough.
type Attempts interface {
	// Begin notes, durably, that an attempt begins. Key is one line that names
	// the grant and the operation. It returns how often an attempt of the same
	// key has begun before without an End, 0 if the note is about another key.
	Begin(key string) (cutShort int, err error)
	// End removes the note: the attempt is over, however it went.
	End(key string) error
}
