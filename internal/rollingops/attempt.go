package rollingops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rolling-ops/internal/codec"
)

// Attempt is the one attempt that a grant allows.
type Attempt struct {
	CallbackID string // "" when there was no operation to run
	Number     int    // 1 for the first
	Result     Result
	Err        error // the callback's error or panic
	// Dropped says why the operation left the queue without success.
	Dropped string
	// Rollout is the id of the rollout of which the attempt is the unit's step, 0
	// for a single operation.
	Rollout int
}

// goesOn reports whether the attempt is not over.
func (a *Attempt) goesOn() bool { return a.is(Continue) || a.is(Await) }

func (a *Attempt) is(r Result) bool { return a != nil && a.Result == r }

// attempt runs the head operation if the local unit holds an unused grant and
// this is a hook for it. A leader waits for its worker's hook, so that the
// callback never delays the hooks in which it schedules.
func (h *Hook) attempt(ctx context.Context) error {
	switch h.event.Kind {
	case LockGranted, UpdateStatus:
	case RelationChanged:
		if h.view.leads {
			return nil
		}
	default:
		return nil
	}
	if !h.holdsUnused() {
		return nil
	}
	wait, err := h.holdersWait(context.WithoutCancel(ctx))
	if err != nil || wait > 0 {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("cannot begin an attempt: %w", err) // rather than count one that was none
	}
	if !h.besidePrincipal(context.WithoutCancel(ctx)) {
		return nil
	}
	h.ownRequeued = h.requeued
	if h.rolls.isStep(h.grant) {
		if err := h.beginStep(); err != nil {
			h.m.Log.Info("lock given back unused", "reason", err)
			h.report.Attempt = &Attempt{}
			h.endAttempt()
			return nil
		}
	}
	h.own.rolling = h.own.rolling || h.stepHead()
	op, _ := h.own.head()
	h.report.Attempt = h.runHead(ctx)
	if h.report.Attempt.goesOn() {
		h.putOff(h.report.Attempt)
		return nil // the grant stays unused
	}
	h.endAttempt()
	h.conclude(op, h.report.Attempt)
	return nil
}

// endAttempt is what gives the lock back.
func (h *Hook) endAttempt() {
	h.own.executedAt = next(h.m.reading(), h.grant.at)
	h.own.retryNow = ""
}

// holdsUnused reports whether the local unit may act on the grant.
func (h *Hook) holdsUnused() bool {
	return h.grant.heldBy(h.m.Unit) && !h.grant.usedBy(h.own)
}

// holdersWait is how long the holder still pauses before it tries again. A
// unit in retry-release paused before it was granted the lock.
func (h *Hook) holdersWait(ctx context.Context) (time.Duration, error) {
	if h.own.state != AwaitRetryHold {
		return 0, nil
	}
	return h.pauseLeft(ctx, h.own)
}

// runHead makes one attempt at the head operation and moves the queue on.
func (h *Hook) runHead(ctx context.Context) *Attempt {
	if h.own.queueErr != nil {
		return &Attempt{Dropped: "the queue can't be read"}
	}
	op, ok := h.own.queue.Head()
	if !ok {
		h.dropHead()
		return &Attempt{}
	}
	log := h.m.Log.With("operation", op.CallbackID, "attempt", op.Attempt.Int()+1)
	a := &Attempt{CallbackID: op.CallbackID, Number: op.Attempt.Int() + 1}
	if h.own.rolling {
		a.Rollout = h.own.step.ID
	}
	if h.abandoned() {
		a.Dropped = "its rollout has been aborted"
		log.Warn("operation dropped: its rollout has been aborted")
		h.dropHead()
		return a
	}
	callback, ok := h.m.callbacks[op.CallbackID]
	if !ok || h.own.rolling && !h.m.rollable[op.CallbackID] {
		a.Dropped = "no such callback is registered"
		log.Error("operation dropped: no such callback is registered")
		h.dropHead()
		return a
	}
	log.Info("lock held, running operation")
	a.Result, a.Err = h.attemptOnce(ctx, callback, op)
	if a.Err != nil {
		var p *panicError
		if errors.As(a.Err, &p) {
			log = log.With("stack", string(p.stack))
		}
		if a.Result != RetryHold {
			log.Error("operation failed", "error", a.Err)
		}
	}
	if a.goesOn() {
		log.Debug("operation goes on in another hook", "result", a.Result)
		return a
	}
	h.settle(op, a)
	log.Info("operation ended", "result", a.Result, "state", h.own.state)
	return a
}

// maxCutShort is how often an attempt may be cut short, by a crash of dispatch,
// the agent or the machine, until it counts as a failed one.
const maxCutShort = 3

// attemptOnce calls the callback, unless the same attempt was cut short too
// often. A note that can't be made must not stop a roll.
func (h *Hook) attemptOnce(ctx context.Context, callback Callback, op codec.Operation) (Result, error) {
	if h.m.Attempts == nil {
		return call(ctx, callback, op.Kwargs)
	}
	key := fmt.Sprintf("%s %s %s", h.grant.at, op.RequestedAt, op.CallbackID)
	cutShort, err := h.m.Attempts.Begin(key)
	if err != nil {
		h.m.Log.Warn("attempt left unnoted: one that ends its own hook is not counted", "error", err)
	}
	defer func() {
		if err := h.m.Attempts.End(key); err != nil {
			h.m.Log.Warn("cannot remove the note of an attempt", "error", err)
		}
	}()
	if cutShort >= maxCutShort {
		return RetryRelease, fmt.Errorf("%w %d times", ErrCutShort, cutShort)
	}
	return call(ctx, callback, op.Kwargs)
}

// settle moves the queue on after an attempt. The callback may have queued
// more, so it is the queue of now whose head is replaced.
func (h *Hook) settle(op codec.Operation, a *Attempt) {
	if a.Result == Release {
		h.dropHead()
		return
	}
	op = op.Next()
	if op.Exhausted() {
		a.Dropped = "retry limit reached"
		h.m.Log.Warn("operation dropped: retry limit reached", "operation", op.CallbackID, "attempts", op.Attempt.Int())
		h.dropHead()
		return
	}
	h.own.queue, h.requeued = h.own.queue.WithHead(op), true
	h.own.state = AwaitRetry
	if a.Result == RetryHold {
		h.own.state = AwaitRetryHold
	}
}

func (h *Hook) dropHead() {
	h.own.queue, h.requeued = h.own.queue.Pop(), true
	h.own.state = Idle
	if op, ok := h.own.queue.Head(); ok {
		h.own.state = Requested
		if h.own.rolling && op.Attempt.Int() > 0 {
			h.own.state = AwaitRetry // it waited for its retry when the step went first
		}
	}
}
