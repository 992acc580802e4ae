package charm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"rolling-ops/hooktool"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
)

// Bounds of action parameters; actions.yaml has them too, for Juju to check.
const (
	defaultDelay = 1    // seconds
	maxDelay     = 3600 // seconds
	maxMaxRetry  = 1_000_000
)

// act runs the action. What is wrong with it fails the action, not the hook.
func (h *hook) act(ctx context.Context) {
	results, err := h.perform(ctx)
	if err != nil {
		h.Log.Warn("action failed", "action", h.event.Name, "error", err)
		h.fail(ctx, err)
		return
	}
	if err := h.Tools.ActionSet(ctx, results); err != nil {
		h.Log.Warn("results of the action are lost", "action", h.event.Name, "error", err)
	}
}

// fail fails the action that runs.
func (h *hook) fail(ctx context.Context, err error) {
	if err := h.Tools.ActionFail(context.WithoutCancel(ctx), err.Error()); err != nil {
		h.Log.Error("cannot fail the action", "error", err)
	}
}

// perform does what the action is for and returns its results. Its error is
// for the operator: nothing was done then.
func (h *hook) perform(ctx context.Context) (map[string]string, error) {
	switch h.event.Name {
	case "restart":
		return h.queue(ctx, restart, "delay")
	case "reload":
		return h.queue(ctx, reload, "delay")
	case "command":
		return h.queue(ctx, runCommand, "delay")
	case "reboot":
		return h.queue(ctx, reboot, "delay", "always")
	case "failed-restart":
		return h.queue(ctx, failedRestart, "delay", "max-retry")
	case "deferred-restart":
		return h.queue(ctx, deferredRestart, "delay", "max-retry")
	case "clear-queue":
		return h.clearQueue(ctx)
	case "release-lock":
		return h.releaseLock(ctx)
	case rollout.ActionStart, rollout.ActionPause, rollout.ActionResume, rollout.ActionAbort, rollout.ActionShow:
		return h.rolloutAction(ctx)
	}
	return nil, fmt.Errorf("unknown action %q", h.event.Name)
}

// queue requests an operation with the action's parameters.
func (h *hook) queue(ctx context.Context, operation string, known ...string) (map[string]string, error) {
	params, err := h.params(ctx, known...)
	if err != nil {
		return nil, err
	}
	kwargs, err := h.kwargsOf(ctx, operation, params)
	if err != nil {
		return nil, err
	}
	maxRetry, err := maxRetryOf(params)
	if err != nil {
		return nil, err
	}
	ticket, err := h.ops.Request(operation, kwargs, maxRetry)
	if unreadable := (*rollingops.UndecodableQueueError)(nil); errors.As(err, &unreadable) {
		return nil, fmt.Errorf("%w; the action clear-queue discards it", err)
	} else if err != nil {
		return nil, fmt.Errorf("cannot queue %s: %w", operation, err)
	}
	h.requested = operation
	h.Log.Info("operation queued", "operation", operation, "position", ticket.Position, "duplicate", ticket.Duplicate)
	shown := maps.Clone(kwargs)
	if maxRetry != nil {
		shown["max-retry"] = *maxRetry
	}
	h.record("action:"+h.event.Name, shown)
	results := map[string]string{
		"operation": plain(operation),
		"position":  strconv.Itoa(ticket.Position),
		"duplicate": strconv.FormatBool(ticket.Duplicate),
	}
	if ticket.Retry && h.ops.RetryNow() {
		results["retry"] = "now"
		h.Log.Info("the next attempt need not wait", "operation", operation)
	}
	if ticket.Duplicate {
		results["max-retry"] = "unlimited" // of the operation that is queued already
		if ticket.MaxRetry != nil {
			results["max-retry"] = strconv.Itoa(*ticket.MaxRetry)
		}
	}
	return results, nil
}

func (h *hook) clearQueue(ctx context.Context) (map[string]string, error) {
	if _, err := h.params(ctx); err != nil {
		return nil, err
	}
	dropped, err := h.ops.DiscardQueue()
	if err != nil {
		return nil, fmt.Errorf("cannot clear the queue: %w", err)
	}
	h.cleared = true
	h.giveUp()
	text := "unknown" // the queue can't be read
	if dropped >= 0 {
		text = strconv.Itoa(dropped)
	}
	h.Log.Warn("queue cleared by an operator", "dropped", text)
	return map[string]string{"dropped": text}, nil
}

// giveUp forgets the operation that was at the head of the queue. One that waited
// for the health check ends here, which the transitions must tell.
func (h *hook) giveUp() {
	var p progress
	if h.load(operationNote, &p); p.Operation == "" {
		return
	}
	if p.goesOn() {
		h.record(p.name()+":cleared", map[string]any{})
	}
	if err := h.save(operationNote, nil); err != nil {
		h.Log.Warn("a note is left over", "error", err)
	}
}

func (h *hook) releaseLock(ctx context.Context) (map[string]string, error) {
	const accept = "accept-two-at-once"
	params, err := h.params(ctx, accept)
	if err != nil {
		return nil, err
	}
	accepted, err := params.Bool(accept)
	if err != nil {
		return nil, err
	}
	if !accepted {
		return nil, fmt.Errorf("cannot release the lock: %s must be true, "+
			"as two units work at the same time if the holder is not really stuck", accept)
	}
	holder, err := h.ops.ForceRelease()
	switch {
	case errors.Is(err, rollingops.ErrNotLeader):
		return nil, fmt.Errorf("cannot release the lock: %w; run the action on the leader, which juju status marks with a *", err)
	case err != nil:
		return nil, fmt.Errorf("cannot release the lock: %w", err)
	case holder == "":
		h.Log.Info("lock left as it is: nobody holds it")
		holder = "none"
	default:
		h.released = true
		h.Log.Warn("lock taken from its holder by an operator", "holder", holder)
	}
	return map[string]string{"released": holder}, nil
}

// params returns the action's parameters. One that the action does not have is
// an error.
func (h *hook) params(ctx context.Context, known ...string) (hooktool.Settings, error) {
	params, err := h.Tools.ActionParams(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the parameters: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown parameter %q", name)
		}
	}
	return params, nil
}

// kwargsOf reads the parameters that become the operation's arguments.
func (h *hook) kwargsOf(ctx context.Context, operation string, params hooktool.Settings) (map[string]any, error) {
	delay, err := delayOf(params)
	if err != nil {
		return nil, err
	}
	kwargs := map[string]any{"delay": delay}
	if params.Has("always") {
		always, err := params.Bool("always")
		switch {
		case err != nil:
			return nil, err
		case operation != reboot:
			return nil, fmt.Errorf(`cannot use "always": it is for reboot, not for %s`, plain(operation))
		case always:
			kwargs["always"] = true
		}
	}
	if operation != runCommand {
		return kwargs, nil
	}
	config, err := h.config(ctx)
	if err == nil && config.err == nil && !config.anyCommand {
		err = fmt.Errorf("there is nothing to run: juju config %s command=... says what", h.application())
	}
	return kwargs, err
}

// delayOf returns the seconds to wait: an int64 when they are whole, so that
// the queue says 1 and not 1.0, else a float64.
func delayOf(params hooktool.Settings) (any, error) {
	if !params.Has("delay") {
		return int64(defaultDelay), nil
	}
	delay, err := params.Float("delay")
	if err != nil {
		return nil, err
	}
	if err := checkDelay(delay); err != nil {
		return nil, err
	}
	if whole := int64(delay); float64(whole) == delay {
		return whole, nil
	}
	return delay, nil
}

// checkDelay guards the callbacks too: their arguments come from a databag.
func checkDelay(seconds float64) error {
	if seconds >= 0 && seconds <= maxDelay {
		return nil
	}
	return fmt.Errorf("cannot use %q: it must be from 0 to %d seconds", "delay", maxDelay)
}

// maxRetryOf returns how many retries are allowed, nil for any number.
func maxRetryOf(params hooktool.Settings) (*int, error) {
	if !params.Has("max-retry") {
		return nil, nil
	}
	n, err := params.Int("max-retry")
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxMaxRetry {
		return nil, errors.New(`cannot use "max-retry": it must be from 0 to ` + strconv.Itoa(maxMaxRetry))
	}
	maxRetry := int(n)
	return &maxRetry, nil
}
