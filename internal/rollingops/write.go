package rollingops

import (
	"context"
	"fmt"
	"time"

	"rolling-ops/internal/rollout"
)

// write is the end of the hook: at most one relation-set per databag.
func (h *Hook) write(ctx context.Context) error {
	own, err := h.ownChanges()
	if err != nil {
		return err
	}
	if len(own) > 0 {
		if err := h.m.Juju.SetUnit(ctx, own); err != nil {
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
	if h.m.Clock.SinceBoot()-h.view.askedAt > LeaseMargin {
		h.report.Late, h.report.Granted, h.report.Released = true, "", ""
		h.m.Log.Info("too late in this hook to write the lock, the worker will bring the unit back")
		h.wake(ctx, h.lateAfter())
		return nil
	}
	if err := h.m.Juju.SetApp(ctx, app); err != nil {
		return fmt.Errorf("cannot write the application databag: %w", err)
	}
	return nil
}

// lateAfter is when a leader comes back that was too late to write: at once, but
// with a rollout after what an operator has asked for meanwhile.
func (h *Hook) lateAfter() time.Duration {
	if h.view.rolls.running() {
		return continueAfter
	}
	return 0
}

// ownChanges is what changed of the own databag. What did not change keeps its
// bytes, however another implementation wrote them.
func (h *Hook) ownChanges() (map[string]string, error) {
	changes := make(map[string]string)
	if h.own.state != h.view.own.state {
		changes[KeyState] = string(h.own.state)
	}
	if h.own.executedAt != h.view.own.executedAt || h.own.differ {
		changes[KeyExecutedAt] = h.own.executedAt.String()
		changes[KeyExecutedAtCopy] = changes[KeyExecutedAt]
	} else if h.own.single && h.own.queueErr == nil {
		changes[KeyExecutedAtCopy] = h.own.executedAt.String() // protects it from now on
	}
	if h.own.retryNow != h.view.own.retryNow {
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
	if h.grant != h.view.grant {
		changes[KeyGrantedUnit], changes[KeyGrantedAt] = h.grant.unit, ""
		if !h.grant.free() {
			changes[KeyGrantedAt] = h.grant.at.String()
		}
		if h.m.Principal != "" {
			changes[KeyGrantedPrincipal] = h.grant.principalText()
		}
		if marked := h.standingMarks().String(); marked != h.view.marksText {
			changes[KeyForced] = marked
		}
	}
	if h.nudge != h.view.nudge {
		changes[KeyNudge] = h.nudge
	}
	return changes, h.rolls.changes(h.view.rolls, changes)
}

// rolloutChanges are those of the own databag.
func (h *Hook) rolloutChanges(changes map[string]string) error {
	if h.own.primary != h.view.own.primary {
		changes[KeyPrimary] = ""
		if h.own.primary {
			changes[KeyPrimary] = primary
		}
	}
	if h.own.step != h.view.own.step || h.own.stepErr != h.view.own.stepErr {
		text, err := h.own.step.Encode()
		if err != nil {
			return err
		}
		changes[rollout.KeyStep] = text
	}
	if h.own.last != h.view.own.last {
		text, err := h.own.last.Encode()
		if err != nil {
			return err
		}
		changes[rollout.KeyLast] = text
	}
	return nil
}

// changes are those of the application databag.
func (r rolls) changes(read rolls, changes map[string]string) error {
	if r.record.Token() != read.record.Token() || r.err != read.err {
		text, err := r.record.Encode()
		if err != nil {
			return err
		}
		changes[rollout.KeyRecord] = text
	}
	if r.grant != read.grant {
		changes[rollout.KeyGrant] = r.grant.String()
	}
	text, err := r.history.Encode()
	if err != nil {
		return err
	}
	if len(r.history) > 0 && text != read.historyText {
		changes[rollout.KeyHistory] = text
	}
	return nil
}
