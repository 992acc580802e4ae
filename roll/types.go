package roll

import (
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// Args are the arguments of an operation. Decode fills a struct by the names that
// its fields have for encoding/json, and refuses arguments that it does not have.
type Args = codec.Args

// Result is what an operation says of its attempt.
type Result = rollingops.Result

const (
	// Release ends the operation and gives the lock back.
	Release = rollingops.Release
	// RetryRelease gives the lock back and tries again later; others go first.
	RetryRelease = rollingops.RetryRelease
	// RetryHold keeps the lock and tries again: the roll stops at this unit.
	RetryHold = rollingops.RetryHold
	// Continue says that the attempt is not over: the unit keeps the lock and goes
	// on in another hook, a second later or so. Operators' actions come in between.
	// Nothing counts such hooks: the operation has to know itself when it has
	// waited long enough.
	Continue = rollingops.Continue
	// Await is Continue without a hook of its own: the next hook of the unit,
	// whatever it is for, goes on with the attempt.
	Await = rollingops.Await
)

// Pacing is the pause before a retry: Delay before the first, twice as long before
// each further one, never longer than Max. Max 0 means no limit.
type Pacing = rollingops.Pacing

// Ticket says where a request ended up: Position in the unit's own queue, 1 for the
// head; Duplicate if an equal one was there already; Retry if it equals the one
// that waits for its next attempt, which [Hook.RetryNow] brings forward.
type Ticket = rollingops.Ticket

// Status is what the unit does about the lock: its Kind, the Operation at the head
// of the queue, how many are Queued, how many attempts have Failed, Until when a
// retry waits, the Position in line (0 if this hook does not know), which unit is
// the Holder and Since when, and whose queues are Unreadable.
type Status = rollingops.Status

// StatusKind is what a unit does, in one word.
type StatusKind = rollingops.StatusKind

const (
	// StatusNotReady: the peer relation does not exist yet.
	StatusNotReady = rollingops.StatusNotReady
	// StatusIdle: nothing is queued.
	StatusIdle = rollingops.StatusIdle
	// StatusWaiting: it is another unit's turn.
	StatusWaiting = rollingops.StatusWaiting
	// StatusGranted: the unit holds the lock and its attempt is to come, or goes on.
	StatusGranted = rollingops.StatusGranted
	// StatusRetrying: the last attempt failed, the next one is due at Until.
	StatusRetrying = rollingops.StatusRetrying
	// StatusStalled: the unit has held the lock for more than 15 minutes.
	StatusStalled = rollingops.StatusStalled
	// StatusUnreadable: the unit's queue can't be read; see [Hook.DiscardQueue].
	StatusUnreadable = rollingops.StatusUnreadable
)

// What the methods of [Hook] return as errors.
var (
	// ErrNoRelation says that the peer relation does not exist: nothing can be
	// queued before relation-created.
	ErrNoRelation = rollingops.ErrNoRelation
	// ErrNotLeader says that only the leader may do what was asked for.
	ErrNotLeader = rollingops.ErrNotLeader
)

// InvalidRequestError says what is wrong with a request.
type InvalidRequestError = rollingops.InvalidRequestError

// UndecodableQueueError says that the unit's own queue can't be read.
type UndecodableQueueError = rollingops.UndecodableQueueError
