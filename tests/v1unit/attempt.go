package v1unit

import (
	"context"
	"maps"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// runIfGranted runs the unit's operation if it is named in the grant and has no
// stamp after it. It reports whether it was its turn.
func (h *Hook) runIfGranted(ctx context.Context) (bool, error) {
	app, err := h.data.app(ctx)
	if err != nil || app[rollingops.KeyGrantedUnit] != h.c.Unit {
		return false, err
	}
	own, err := h.own(ctx)
	if err != nil {
		return false, err
	}
	if done, err := own.executedSince(app[rollingops.KeyGrantedAt]); err != nil || done {
		return false, err
	}
	return true, h.run(ctx)
}

// run makes one attempt. An operation that nobody knows is left where it is, and
// the lock with it.
func (h *Hook) run(ctx context.Context) error {
	own, err := h.own(ctx)
	if err != nil {
		return err
	}
	queue, err := own.queue()
	if err != nil {
		return err
	}
	op, ok := queue.Head()
	if !ok {
		return h.complete(ctx, queue)
	}
	callback, ok := h.c.Callbacks[op.CallbackID]
	if !ok {
		return nil
	}
	result, err := callback(ctx, op.Kwargs)
	if err != nil {
		result = rollingops.RetryRelease
	}
	switch result {
	case rollingops.RetryRelease:
		return h.retry(ctx, queue, rollingops.AwaitRetry)
	case rollingops.RetryHold:
		return h.retry(ctx, queue, rollingops.AwaitRetryHold)
	}
	return h.complete(ctx, queue)
}

func (h *Hook) complete(ctx context.Context, queue codec.Queue) error {
	queue = queue.Pop()
	state := rollingops.Idle
	if queue.Len() > 0 {
		state = rollingops.Requested
	}
	return h.writeQueue(ctx, queue, map[string]string{rollingops.KeyState: string(state), rollingops.KeyExecutedAt: h.stamp()})
}

func (h *Hook) retry(ctx context.Context, queue codec.Queue, state rollingops.State) error {
	op, _ := queue.Head()
	op = op.Next()
	queue = queue.WithHead(op)
	if err := h.writeQueue(ctx, queue, nil); err != nil {
		return err
	}
	if op.Exhausted() {
		return h.complete(ctx, queue)
	}
	return h.data.setUnit(ctx, map[string]string{rollingops.KeyState: string(state), rollingops.KeyExecutedAt: h.stamp()})
}

// writeQueue writes the queue, and other keys with it.
func (h *Hook) writeQueue(ctx context.Context, queue codec.Queue, with map[string]string) error {
	text, err := queue.Encode()
	if err != nil {
		return err
	}
	changes := map[string]string{rollingops.KeyOperations: text}
	maps.Copy(changes, with)
	return h.data.setUnit(ctx, changes)
}

// stamp is the raw wall clock.
func (h *Hook) stamp() string { return codec.TimestampOf(h.c.Clock.Now()).String() }

func (h *Hook) release(ctx context.Context) error {
	return h.data.setApp(ctx, map[string]string{rollingops.KeyGrantedUnit: "", rollingops.KeyGrantedAt: ""})
}
