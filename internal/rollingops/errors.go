package rollingops

import (
	"errors"
	"fmt"
)

// ErrNoRelation says that the peer relation does not exist yet: nothing can be
// queued before relation-created.
var ErrNoRelation = errors.New("the peer relation does not exist yet")

// ErrCutShort is an attempt's error that was not begun again, since its hook had
// ended in mid-operation each time.
var ErrCutShort = errors.New("the hook ended in mid-operation")

// ErrNotLeader says that only the leader may do what was asked for.
var ErrNotLeader = errors.New("this unit is not the leader")

// InvalidRequestError says what is wrong with a Request.
type InvalidRequestError struct {
	CallbackID string
	Err        error
}

func (e *InvalidRequestError) Error() string {
	return fmt.Sprintf("cannot request operation %q: %v", e.CallbackID, e.Err)
}

func (e *InvalidRequestError) Unwrap() error { return e.Err }

// UndecodableQueueError says that a unit's queue can't be read. Its bytes are
// left as they are until an operator discards them.
type UndecodableQueueError struct {
	Unit string
	Err  error
}

func (e *UndecodableQueueError) Error() string {
	return fmt.Sprintf("cannot read the operation queue of %s: %v", e.Unit, e.Err)
}

func (e *UndecodableQueueError) Unwrap() error { return e.Err }
