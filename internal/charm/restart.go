package charm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// serviceTimeout is how long systemctl may take for one service. systemd
// itself gives up earlier, unless a service is configured to take its time.
const serviceTimeout = 10 * time.Minute

// restart restarts the services and waits until the unit is well. A unit that
// does not get well keeps the lock, so that no other unit follows it: the roll
// stops there until the unit recovers.
func (h *hook) restart(ctx context.Context, args codec.Args) (rollingops.Result, error) {
	p := h.progressOf(h.operation)
	waits := !p.Since.IsZero()
	if config, err := h.config(ctx); err == nil && config.err != nil {
		h.Log.Error("cannot restart before the configuration can be used, keeping the lock", "error", config.err)
		return rollingops.Await, nil
	}
	delay, err := h.start(ctx, restart, args, !waits)
	if err != nil {
		return h.dropIfUnusable(restart, err)
	}
	over := true
	if err = h.prepare(ctx, &p); err == nil && !waits {
		err = h.restartServices(ctx, &p, delay)
	}
	if err == nil {
		over, err = h.becomeWell(ctx, &p)
	}
	switch {
	case err == nil && !over:
		h.keep(p)
		return rollingops.Continue, nil
	case err == nil:
		if err := h.save(operationNote, nil); err != nil {
			h.Log.Warn("a note is left over", "error", err)
		}
		h.record(restart+":done", args.Map())
		return rollingops.Release, nil
	}
	p.Since, p.Well = time.Time{}, time.Time{}
	p.Reason = cut(err.Error(), maxReason)
	h.keep(p)
	if ctx.Err() != nil && !p.Touched {
		return h.stopped(ctx, restart, args) // others may go first
	}
	h.failure = err.Error()
	log := h.Log.With("error", err)
	if output := outputOf(err); output != "" {
		log = log.With("output", output)
	}
	log.Error("restart failed, keeping the lock")
	h.record(restart+":retry_hold", args.Map())
	return rollingops.RetryHold, err
}

// prepare takes the configuration that this attempt uses.
func (h *hook) prepare(ctx context.Context, p *progress) error {
	config, err := h.config(ctx)
	if err != nil {
		return err
	}
	p.Config = config.fingerprint
	return nil
}

// restartServices goes on where the last attempt stopped. When all services had
// restarted already and the unit was not well, it looks first whether the unit
// is by now: a service that only needed longer is not stopped again.
func (h *hook) restartServices(ctx context.Context, p *progress, delay time.Duration) error {
	if p.done(h.conf.Services) {
		err := h.look(ctx)
		if err == nil {
			h.Log.Info("the unit is well by now, nothing is restarted again")
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		p.Done = nil
	}
	if err := h.preCheck(ctx, *p); err != nil {
		return err
	}
	for _, service := range h.conf.Services {
		if slices.Contains(p.Done, service) {
			continue
		}
		p.Touched = true
		h.keep(*p)
		if err := h.program(ctx, serviceTimeout, "systemctl", "restart", service); err != nil {
			return fmt.Errorf("cannot restart %s: %w", service, err)
		}
		h.Log.Info("service restarted", "service", service)
		p.Done = append(p.Done, service)
		h.keep(*p)
	}
	return h.Sleep(ctx, delay)
}

// preCheck runs the pre-check before anything is stopped. Afterwards it would
// tell of the very unit that is down.
func (h *hook) preCheck(ctx context.Context, p progress) error {
	if len(h.conf.PreCheck) == 0 || p.Touched {
		return nil
	}
	if err := h.program(ctx, maxCheckTry, h.conf.PreCheck...); err != nil {
		return fmt.Errorf("pre-check failed, nothing was stopped: %w", err)
	}
	h.Log.Info("pre-check passed")
	return nil
}

// commandError is a failed command, with the end of what it wrote.
type commandError struct {
	err    error
	output string
}

func (e *commandError) Error() string { return e.err.Error() }
func (e *commandError) Unwrap() error { return e.err }

// program runs a program. Its arguments, which may be secret, go to no log.
func (h *hook) program(ctx context.Context, limit time.Duration, argv ...string) error {
	output, err := h.Commands.Run(ctx, limit, argv...)
	if err != nil {
		return &commandError{err, output}
	}
	return nil
}

// outputOf is what the failed command behind an error wrote, "" for none.
func outputOf(err error) string {
	if failed := (*commandError)(nil); errors.As(err, &failed) {
		return failed.output
	}
	return ""
}
