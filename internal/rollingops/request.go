package rollingops

import (
	"errors"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// Ticket says where a request ended up.
type Ticket struct {
	// Position in the unit's own queue, 1 for the head.
	Position int
	// Duplicate says that the request equals the last entry and was not added.
	Duplicate bool
	// MaxRetry is the limit that counts for the operation, nil for none: of a
	// duplicate that of the entry which is there already.
	MaxRetry *int
	// Retry says that the request equals the head of the queue, which waits for
	// its next attempt after a failed one. RetryNow spares it the rest of its pause.
	Retry bool
}

// Request appends an operation to the unit's own queue, unless it equals the
// last entry. maxRetry is how often it is tried again after its first attempt; nil
// means without limit. Finish writes the queue.
//
// Errors: ErrNoRelation, *InvalidRequestError, *UndecodableQueueError.
func (h *Hook) Request(callbackID string, kwargs map[string]any, maxRetry *int) (Ticket, error) {
	if h.m.Juju == nil {
		return Ticket{}, ErrNoRelation
	}
	if _, ok := h.m.callbacks[callbackID]; !ok {
		return Ticket{}, &InvalidRequestError{callbackID, errors.New("no such callback is registered")}
	}
	if h.own.queueErr != nil {
		return Ticket{}, &UndecodableQueueError{h.m.Unit, h.own.queueErr}
	}
	args, err := codec.NewArgs(kwargs)
	if err != nil {
		return Ticket{}, &InvalidRequestError{callbackID, err}
	}
	op, err := codec.NewOperation(callbackID, args, h.m.reading().Time(), maxRetry)
	if err != nil {
		return Ticket{}, &InvalidRequestError{callbackID, err}
	}
	head, _ := h.own.head()
	queue, added := h.own.queue.Push(op)
	ticket := Ticket{Position: queue.Len(), Duplicate: !added, Retry: h.own.retries() && head.Equal(op)}
	if limit, limited := queue[queue.Len()-1].MaxRetry.Limit(); limited {
		ticket.MaxRetry = &limit
	}
	if !added {
		return ticket, nil
	}
	// What can't be written must fail here, not after a callback has run.
	if _, err := queue.Encode(); err != nil {
		return Ticket{}, &InvalidRequestError{callbackID, err}
	}
	if queue.Len() == 1 {
		h.own.state = Requested
	}
	h.own.queue, h.requeued = queue, true
	return ticket, nil
}

// RetryNow spares the unit the rest of the pause before its next attempt: an
// operator asks for it, or what made the last attempt fail has been changed. It
// counts for that attempt alone. It reports whether the next attempt is a retry.
// Finish writes it, so that the leader sees it too.
func (h *Hook) RetryNow() bool {
	if !h.own.retries() {
		return false
	}
	h.own.retryNow = h.own.executedAt.String()
	return true
}

// DiscardQueue empties the unit's own queue, also one that can't be decoded.
// It is the operator's explicit action: nothing else ever overwrites a queue
// that can't be read. It returns how many operations were dropped, -1 if that
// can't be told.
func (h *Hook) DiscardQueue() (int, error) {
	if h.m.Juju == nil {
		return 0, ErrNoRelation
	}
	dropped := h.own.queue.Len()
	if h.own.queueErr != nil {
		dropped = -1
	}
	goesOn := h.stepGoesOn()
	if goesOn {
		h.own.step.Attempts, h.own.step.Ended = h.own.step.Attempts+1, h.m.reading()
	}
	if goesOn || h.own.step.State == rollout.StepFailing {
		h.failStep("an operator has cleared the queue")
	}
	if h.own.stepErr != nil {
		h.own.step, h.own.stepErr = rollout.Step{}, nil
	}
	h.own.queue, h.own.queueErr, h.requeued = codec.Queue{}, nil, true
	h.own.state, h.own.retryNow = Idle, ""
	return dropped, nil
}

// ForceRelease clears the grant although its holder may be running a callback:
// the one way to have two units run at once, for an operator who knows that
// the holder is not. It returns the holder, "" if the lock was free. From then
// on the holder is last in line, whatever its turn is, until it has committed
// something: the operator wants others to go on, and it may be dead.
func (h *Hook) ForceRelease() (string, error) {
	if h.m.Juju == nil {
		return "", ErrNoRelation
	}
	if !h.view.leads {
		return "", ErrNotLeader
	}
	h.forced = h.grant.unit
	h.release()
	return h.forced, nil
}
