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
	failedRestart   = "_failed_restart"
	deferredRestart = "_deferred_restart"
)

// serviceTimeout is how long systemctl may take for one service. systemd
// itself gives up earlier, unless a service is configured to take its time.
const serviceTimeout = 10 * time.Minute

// arguments of all three operations.
type arguments struct {
	Delay float64 `json:"delay"` // seconds
}

// start begins an attempt: it notes it, shows it and reads the arguments.
func (h *hook) start(ctx context.Context, operation string, args codec.Args) (time.Duration, error) {
	var a arguments
	err := args.Decode(&a)
	if err == nil {
		err = checkDelay(a.Delay)
	}
	if err != nil {
		return 0, unusable{err}
	}
	h.record(operation+":start", args.Map())
	h.show(ctx, "maintenance", "Executing "+operation+" operation")
	return time.Duration(math.Round(a.Delay * float64(time.Second))), nil
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

// restart restarts the services and checks the unit's health. A unit that is
// not well afterwards keeps the lock, so that no other unit follows it: the
// roll stops there until the unit recovers.
func (h *hook) restart(ctx context.Context, args codec.Args) (rollingops.Result, error) {
	delay, err := h.start(ctx, restart, args)
	if err != nil {
		return h.dropIfUnusable(restart, err)
	}
	err = h.restartServices(ctx, delay)
	switch {
	case err == nil:
		h.record(restart+":done", args.Map())
		return rollingops.Release, nil
	case ctx.Err() != nil && (h.conf == nil || len(h.conf.Services) == 0):
		return h.stopped(ctx, restart, args) // it has touched nothing: others may go first
	}
	h.failure = err.Error()
	h.Log.Error("restart failed, keeping the lock", "error", err)
	h.record(restart+":retry_hold", args.Map())
	return rollingops.RetryHold, nil
}

func (h *hook) restartServices(ctx context.Context, delay time.Duration) error {
	config, err := h.config(ctx)
	if err != nil {
		return err
	}
	if config.err != nil {
		return fmt.Errorf("cannot restart: %w", config.err)
	}
	for _, service := range config.Services {
		if err := h.command(ctx, serviceTimeout, "systemctl", "restart", service); err != nil {
			return fmt.Errorf("cannot restart service %s: %w", service, err)
		}
		h.Log.Info("service restarted", "service", service)
	}
	if err := h.Sleep(ctx, delay); err != nil {
		return err
	}
	if len(config.HealthCheck) == 0 {
		return nil
	}
	if err := h.command(ctx, config.HealthCheckTimeout, config.HealthCheck...); err != nil {
		return fmt.Errorf("health check failed: %w", err)
	}
	h.Log.Info("health check passed")
	return nil
}

// command runs a program; what a failed one wrote goes to the log. Its
// arguments, which may be secret, do not.
func (h *hook) command(ctx context.Context, limit time.Duration, argv ...string) error {
	output, err := h.Commands.Run(ctx, limit, argv...)
	if err != nil && output != "" {
		h.Log.Warn("command failed", "command", argv[0], "error", err, "output", output)
	}
	return err
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
	delay, err := h.start(ctx, operation, args)
	if err != nil {
		return h.dropIfUnusable(operation, err)
	}
	if err := h.Sleep(ctx, delay); err != nil {
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
