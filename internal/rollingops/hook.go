package rollingops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// Hook is one hook of the local unit, from Begin to Finish. It holds what was
// read of the relation and what Finish will write; nothing is written earlier.
type Hook struct {
	m     *Manager
	event Event

	leads   bool
	askedAt time.Duration // boot-time clock, just before is-leader was asked

	grantRead grant    // the lock as read
	grant     grant    // the lock as it will be written
	ownRead   unitView // the own databag as read
	own       unitView // the own databag as it will be written
	requeued  bool     // own.queue is not what was read
	apart     bool     // a subordinate's attempt has to wait, for want of its principal
	// ownRequeued is requeued before this hook's attempt.
	ownRequeued bool
	marks       marks  // units that an operator took the lock from
	marksRead   string // as read
	forced      string // the one of this hook
	nudgeRead   string // the grant whose holder was nudged, by its stamp
	nudge       string // as it will be written
	rollsRead   rolls  // rollouts as read
	rolls       rolls  // as they will be written
	awaited     string // the unit whose step is next and that has not answered

	members  []string // relation-list, once asked for
	listed   bool
	goal     map[string]bool // goal-state, once asked for: true for a unit that is leaving
	goalErr  error           // why it can't be had
	surveyed bool            // every unit was read
	bags     map[string]unitView
	pacing   *Pacing

	report Report
}

// Report is what Finish did, for the charm's statuses and logs.
type Report struct {
	Attempt  *Attempt // nil when no callback's turn came
	Released string   // the unit whose grant was cleared, "" if none
	Granted  string   // the unit that was granted the lock, "" if none
	// Late says that the leader had something to write and no longer might:
	// too long ago since is-leader was asked. Its worker brings it back.
	Late bool
	// Blind is why goal-state, which was needed, can't be had: nobody was granted
	// the lock then, nor was it taken from a unit that may be gone. The worker
	// brings the leader back.
	Blind error
	// Woken says that the worker was asked for, due after Wake.
	Woken bool
	Wake  time.Duration
}

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
	if h.m.Relation == nil {
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
	if h.m.Relation == nil {
		return 0, ErrNoRelation
	}
	dropped := h.own.queue.Len()
	if h.own.queueErr != nil {
		dropped = -1
	}
	if h.stepGoesOn() {
		h.own.step.Attempts, h.own.step.Ended = h.own.step.Attempts+1, h.m.reading()
	}
	if h.own.step.State == rollout.StepFailing || h.stepGoesOn() {
		h.own.step.State, h.own.step.Error = rollout.StepFailed, "an operator has cleared the queue"
		h.ownRound()
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
	if h.m.Relation == nil {
		return "", ErrNoRelation
	}
	if !h.leads {
		return "", ErrNotLeader
	}
	h.forced = h.grant.unit
	h.release()
	return h.forced, nil
}

// Finish ends the hook: the local unit's attempt if its turn has come, then,
// on a leader, release and grant, then the worker, then the writes. It must be
// the last thing in the hook that can fail.
//
// ctx ends the callback alone: what it did is recorded all the same.
func (h *Hook) Finish(ctx context.Context) (Report, error) {
	if h.m.Relation == nil {
		return Report{}, nil
	}
	steady := context.WithoutCancel(ctx)
	h.mendStamp()
	h.partWithLock()
	if err := h.attempt(ctx); err != nil {
		return h.report, err
	}
	h.answer(steady)
	if err := h.followUp(steady); err != nil {
		if h.report.Attempt == nil {
			return h.report, err
		}
		// The callback has run: it would run again, and as often as this fails.
		h.m.Log.Error("cannot schedule, the worker will bring the unit back", "error", err)
		h.grant, h.rolls, h.report.Released, h.report.Granted = h.grantRead, h.rollsRead, "", ""
		h.nudge = h.nudgeRead
		h.wake(steady, comeBackAfter)
	}
	h.watchOther(steady)
	return h.report, h.write(steady)
}

// followUp is what comes after the attempt: on a leader release and grant, then
// the worker.
func (h *Hook) followUp(ctx context.Context) error {
	var again time.Duration
	if h.leads {
		var err error
		if again, err = h.schedule(ctx); err != nil {
			return err
		}
	}
	return h.wakeIfNeeded(ctx, again)
}

// mendStamp puts the unit's own executed_at right when something else than the
// unit has written it. A foreign one does not tell whether the unit has used its
// grant. So it is replaced by one past the grant, which ends that without a run.
func (h *Hook) mendStamp() {
	if !h.own.foreign {
		return
	}
	h.m.Log.Warn("executed_at is nothing that this unit can have written: it is put right, and a grant given back unused")
	at := h.own.executedAt
	if h.grant.heldBy(h.m.Unit) {
		at = later(at, h.grant.at)
	}
	if h.own.foreign = false; roomFor(1, at) {
		at = next(h.m.reading(), at)
	}
	h.own.executedAt = at
}

// attempt runs the head operation if the local unit holds an unused grant and
// this is a hook for it. A leader waits for its worker's hook, so that the
// callback never delays the hooks in which it schedules.
func (h *Hook) attempt(ctx context.Context) error {
	switch h.event.Kind {
	case LockGranted, UpdateStatus:
	case RelationChanged:
		if h.leads {
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

// continueAfter is when an attempt that is not over goes on, so that the hooks
// and actions that wait come first: a juju-exec goes before most of them.
const continueAfter = time.Second

// wakeIfNeeded asks for the worker when the local unit ends the hook with an
// unused grant, or leads and has to look again later. A unit that is leaving
// gets no more hooks of that kind.
func (h *Hook) wakeIfNeeded(ctx context.Context, again time.Duration) error {
	switch {
	case h.event.Leaving:
	case h.holdsUnused() && !h.report.Attempt.is(Await):
		wait, err := h.holdersWait(ctx)
		if err != nil {
			return err
		}
		if h.report.Attempt.is(Continue) {
			wait = max(wait, continueAfter)
		}
		if h.apart {
			wait = max(wait, h.blindPause())
		}
		h.wake(ctx, wait)
	case h.rolls.running() && h.rolls.record.Token() != h.rollsRead.record.Token():
		h.wake(ctx, 0) // to answer it: Juju may not tell a leader what it has written itself
	case again > 0:
		h.wake(ctx, again)
	}
	return nil
}

// wake asks for the worker. That it can't be had must not undo the hook, whose
// callback may have run: update-status is there for that.
func (h *Hook) wake(ctx context.Context, delay time.Duration) {
	h.report.Woken, h.report.Wake = true, delay
	if err := h.m.Waker.Wake(ctx, delay); err != nil {
		h.m.Log.Error("cannot start the worker, the next hook will try again", "error", err)
	}
}

// write is the end of the hook: at most one relation-set per databag.
func (h *Hook) write(ctx context.Context) error {
	own, err := h.ownChanges()
	if err != nil {
		return err
	}
	if len(own) > 0 {
		if err := h.m.Relation.SetUnit(ctx, own); err != nil {
			return fmt.Errorf("cannot write the databag of %s: %w", h.m.Unit, err)
		}
	}
	app, err := h.appChanges()
	if err != nil {
		return err
	}
	if len(app) == 0 {
		return nil
	}
	if h.m.Clock.SinceBoot()-h.askedAt > LeaseMargin {
		h.report.Late, h.report.Granted, h.report.Released = true, "", ""
		h.m.Log.Info("too late in this hook to write the lock, the worker will bring the unit back")
		h.wake(ctx, h.lateAfter())
		return nil
	}
	if err := h.m.Relation.SetApp(ctx, app); err != nil {
		return fmt.Errorf("cannot write the application databag: %w", err)
	}
	return nil
}

// lateAfter is when a leader comes back that was too late to write: at once, but
// with a rollout after what an operator has asked for meanwhile.
func (h *Hook) lateAfter() time.Duration {
	if h.rollsRead.running() {
		return continueAfter
	}
	return 0
}

// ownChanges is what changed of the own databag. What did not change keeps its
// bytes, however another implementation wrote them.
func (h *Hook) ownChanges() (map[string]string, error) {
	changes := make(map[string]string)
	if h.own.state != h.ownRead.state {
		changes[KeyState] = string(h.own.state)
	}
	if h.own.executedAt != h.ownRead.executedAt || h.own.differ {
		changes[KeyExecutedAt] = h.own.executedAt.String()
		changes[KeyExecutedAtCopy] = changes[KeyExecutedAt]
	} else if h.own.single && h.own.queueErr == nil {
		changes[KeyExecutedAtCopy] = h.own.executedAt.String() // protects it from now on
	}
	if h.own.retryNow != h.ownRead.retryNow {
		changes[KeyRetryNow] = h.own.retryNow
	}
	if h.m.Principal != "" && h.own.bag[KeyPrincipal] != h.m.Principal {
		changes[KeyPrincipal] = h.m.Principal
	}
	if err := h.rolloutChanges(changes); err != nil {
		return nil, err
	}
	if h.requeued {
		text, err := h.own.queue.Encode()
		if err != nil {
			return nil, fmt.Errorf("cannot encode the operation queue of %s: %w", h.m.Unit, err)
		}
		changes[KeyOperations] = text
	}
	return changes, nil
}

func (h *Hook) appChanges() (map[string]string, error) {
	changes := make(map[string]string)
	if h.grant != h.grantRead {
		changes[KeyGrantedUnit], changes[KeyGrantedAt] = h.grant.unit, ""
		if !h.grant.free() {
			changes[KeyGrantedAt] = h.grant.at.String()
		}
		if h.m.Principal != "" {
			changes[KeyGrantedPrincipal] = h.grant.principalText()
		}
		if marked := h.standingMarks().String(); marked != h.marksRead {
			changes[KeyForced] = marked
		}
	}
	if h.nudge != h.nudgeRead {
		changes[KeyNudge] = h.nudge
	}
	return changes, h.rolls.changes(h.rollsRead, changes)
}
