package charm

import (
	"context"
	"fmt"
	"time"

	"rolling-ops/internal/text"
)

// The health check is tried again and again until the unit is well, in one hook
// after the other: an action or a changed option has not to wait for hours.
const (
	maxCheckTry = 30 * time.Second // one try, which is killed then
	checkPause  = time.Second      // between two tries
	maxChecking = 5 * time.Second  // in one hook
)

// check is the health check, nil if there is none.
func (h *hook) check() func(context.Context) error {
	if len(h.conf.HealthCheck) == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		return h.program(ctx, min(maxCheckTry, h.conf.HealthCheckTimeout), h.conf.HealthCheck...)
	}
}

// becomeWell waits until the check passes, for `health-check-timeout` at most, and
// then holds for `health-for`. It reports whether that is over; if not, the wait
// goes on in another hook. Nil is no check.
func (h *hook) becomeWell(ctx context.Context, p *progress, check func(context.Context) error) (over bool, err error) {
	if check == nil {
		return true, nil
	}
	now := h.Clock.Now()
	if p.Since.IsZero() || p.Since.After(now) { // a clock that was set makes the wait longer, not endless
		p.Since, p.Reason = now, ""
	}
	for end := h.Clock.SinceBoot() + maxChecking; ; {
		err := check(ctx)
		now := h.Clock.Now()
		switch {
		case ctx.Err() != nil:
			return true, fmt.Errorf("health check stopped: %w", context.Cause(ctx))
		case err == nil && h.hasHeld(p, now):
			h.Log.Info("health check passed")
			return true, nil
		case err == nil:
		case now.Sub(p.Since) >= h.conf.HealthCheckTimeout-checkPause:
			return true, fmt.Errorf("health check failed: %w", err)
		default:
			h.notWell(ctx, p, err)
		}
		if h.Clock.SinceBoot()+checkPause > end {
			return false, nil
		}
		if err := h.Sleep(ctx, checkPause); err != nil {
			return true, err
		}
	}
}

// hasHeld takes note that the check has passed, and reports whether it has done
// so for long enough: a service may die a moment after it came up.
func (h *hook) hasHeld(p *progress, now time.Time) bool {
	if p.Well.IsZero() || p.Well.After(now) {
		p.Well = now
	}
	return now.Sub(p.Well) >= h.conf.HealthFor
}

// notWell takes note of a check that failed, and shows it if it is the first.
func (h *hook) notWell(ctx context.Context, p *progress, err error) {
	first := p.Reason == ""
	p.Well, p.Reason = time.Time{}, text.Cut(err.Error(), maxReason)
	if !first {
		return
	}
	h.Log.Warn("health check failed, waiting until it passes", "error", err, "limit", h.conf.HealthCheckTimeout, "output", outputOf(err))
	h.show(ctx, "waiting", waitingForHealth(p.name(), h.clock(p.Since), p.Reason))
}

func waitingForHealth(operation, since, reason string) string {
	message := func(reason string) string {
		return fmt.Sprintf("%s: health check failed since %s (%s), others wait", awaiting(operation), since, reason)
	}
	told := message(reason)
	if long := len(told) - maxStatus; long > 0 {
		told = message(text.Cut(reason, max(0, len(reason)-long)))
	}
	return told
}

// look reports by its error whether the unit is well now. Without a health
// check, a unit is well whose services are active.
func (h *hook) look(ctx context.Context) error {
	if check := h.check(); check != nil {
		return check(ctx)
	}
	return h.servicesActive(ctx)
}

// cameUp reports by its error whether the unit is well after a reboot: its
// services are active and its health check passes.
func (h *hook) cameUp(ctx context.Context) error {
	if err := h.servicesActive(ctx); err != nil {
		return err
	}
	if check := h.check(); check != nil {
		return check(ctx)
	}
	return nil
}

func (h *hook) servicesActive(ctx context.Context) error {
	for _, service := range h.conf.Services { // of several, is-active wants only one to be
		if err := h.program(ctx, maxCheckTry, "systemctl", "is-active", "--quiet", service); err != nil {
			return fmt.Errorf("service %s is not active: %w", service, err)
		}
	}
	return nil
}
