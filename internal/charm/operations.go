package charm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// The operations, by the names under which they stand in the queues. A new
// name would drop what is queued under the old one.
const (
	restart         = "_restart"
	reload          = "_reload"
	runCommand      = "_command"
	reboot          = "_reboot"
	failedRestart   = "_failed_restart"
	deferredRestart = "_deferred_restart"
)

// arguments of all operations.
type arguments struct {
	Delay  float64 `json:"delay"`  // seconds
	Always bool    `json:"always"` // of reboot: whether or not the machine asks for one
}

func (a arguments) delay() time.Duration {
	return time.Duration(math.Round(a.Delay * float64(time.Second)))
}

// start reads the arguments of an attempt, and notes and shows that it begins
// unless it only goes on.
func (h *hook) start(ctx context.Context, operation string, args codec.Args, begins bool) (arguments, error) {
	var a arguments
	err := args.Decode(&a)
	if err == nil {
		err = checkDelay(a.Delay)
	}
	if err != nil {
		return a, unusable{err}
	}
	if begins {
		h.record(operation+":start", args.Map())
		message := executing(operation)
		if record, _, attempted := h.ops.Step(); attempted {
			message = fmt.Sprintf("Executing %s operation (rollout %d)", plain(operation), record.ID)
		}
		h.show(ctx, "maintenance", message)
	}
	return a, nil
}

// unusable are arguments that no attempt can do anything with.
type unusable struct{ error }

// dropIfUnusable ends an operation that can't begin: one whose arguments, which
// come from a databag, make no sense is not tried for ever.
func (h *hook) dropIfUnusable(operation string, err error) (rollingops.Result, error) {
	if !errors.As(err, new(unusable)) {
		return 0, err
	}
	h.Log.Error("operation dropped: its arguments can't be used", "operation", operation, "error", err)
	return rollingops.Release, nil
}

// failedRestart always fails and lets others go first.
func (h *hook) failedRestart(ctx context.Context, args codec.Args) (rollingops.Result, error) {
	return h.failing(ctx, failedRestart, args, "retry_release", rollingops.RetryRelease)
}

// deferredRestart always fails and keeps the lock.
func (h *hook) deferredRestart(ctx context.Context, args codec.Args) (rollingops.Result, error) {
	return h.failing(ctx, deferredRestart, args, "retry_hold", rollingops.RetryHold)
}

func (h *hook) failing(ctx context.Context, operation string, args codec.Args, end string, result rollingops.Result) (rollingops.Result, error) {
	a, err := h.start(ctx, operation, args, true)
	if err != nil {
		return h.dropIfUnusable(operation, err)
	}
	if err := h.Sleep(ctx, a.delay()); err != nil {
		return h.stopped(ctx, operation, args)
	}
	h.record(operation+":"+end, args.Map())
	return result, nil
}

// stopped ends an attempt that dispatch was told to give up. Its error has the
// library let others go first, which the transitions must tell.
func (h *hook) stopped(ctx context.Context, operation string, args codec.Args) (rollingops.Result, error) {
	h.record(operation+":retry_release", args.Map())
	return 0, fmt.Errorf("stopped: %w", context.Cause(ctx))
}

// record takes note of a step. A full disk must not stop a roll.
func (h *hook) record(event string, parameters map[string]any) {
	t := Transition{Time: h.Clock.Now(), Unit: h.event.Unit, Event: event, Parameters: parameters}
	if err := h.Transitions.Record(t); err != nil {
		h.Log.Warn("step left unrecorded", "error", err)
	}
}
