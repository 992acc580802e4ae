package charm

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rolling-ops/internal/rollingops"
)

// maxStatus bounds a status message, in bytes: more is not readable in juju
// status.
const maxStatus = 300

// statusLimit is how long a status may take: a call to the controller.
const statusLimit = 3 * time.Second

// showStatus sets the unit's status at the end of a hook, if this hook changed
// something about the unit or is one for taking stock. A hook that is about
// other units sets none: it would be work for nothing, N times a change.
func (h *hook) showStatus(ctx context.Context, attempt *rollingops.Attempt) {
	switch h.event.Kind {
	case Start, ConfigChanged, UpgradeCharm, UpdateStatus:
	default:
		if attempt == nil && h.requested == "" && !h.cleared {
			return
		}
	}
	status, err := h.ops.Status(ctx)
	if err != nil {
		h.Log.Warn("status left as it is", "error", err)
		return
	}
	if attempt == nil && status.Failed > 0 && (h.requested != "" || h.event.Kind == UpdateStatus && status.Kind == rollingops.StatusRetrying) {
		return // the status says why the last attempt failed
	}
	if h.requested != "" {
		h.show(ctx, "waiting", awaiting(h.requested))
		return
	}
	name, message := h.describe(status, attempt)
	h.show(ctx, name, message)
}

// show sets the unit's status, or the one that says what is wrong with the
// configuration. A status is not worth a hook that fails.
func (h *hook) show(ctx context.Context, name, message string) {
	config, err := h.config(ctx)
	if err == nil {
		if config.err != nil {
			name, message = "blocked", strings.ReplaceAll(config.err.Error(), "\n", "; ")
		}
		err = h.Tools.StatusSet(ctx, name, shorten(message))
	}
	if err != nil {
		h.Log.Warn("status left as it is", "error", err)
	}
}

// describe puts the library's status into Juju's terms.
func (h *hook) describe(s rollingops.Status, attempt *rollingops.Attempt) (name, message string) {
	if s.Queued == 0 && (s.Kind == rollingops.StatusGranted || s.Kind == rollingops.StatusStalled) {
		s.Kind = rollingops.StatusIdle // it only has to give the lock back
	}
	var notes []string
	if s.Failed > 0 {
		notes = append(notes, h.failed(s, attempt))
	}
	name, message = "waiting", awaiting(s.Operation)
	switch s.Kind {
	case rollingops.StatusNotReady:
		return "waiting", "Waiting for the peer relation"
	case rollingops.StatusUnreadable:
		return "blocked", "Cannot read the queue of this unit: see the log, then run the action clear-queue"
	case rollingops.StatusIdle:
		name, message = "active", ""
	case rollingops.StatusRetrying:
		notes = append(notes, "next at "+h.clock(s.Until))
	case rollingops.StatusStalled:
		notes = append(notes, "lock granted at "+h.clock(s.Since)+" and not used yet")
	case rollingops.StatusWaiting:
		if s.Position > 0 {
			notes = append(notes, fmt.Sprintf("number %d in line", s.Position))
		}
	}
	if s.StalledHolder {
		notes = append(notes, fmt.Sprintf("%s has held the lock since %s", s.Holder, h.clock(s.Since)))
	}
	if len(s.Unreadable) > 0 {
		notes = append(notes, "cannot read the queue of "+strings.Join(s.Unreadable, ", "))
	}
	if message != "" && len(notes) > 0 {
		message += ": "
	}
	return name, message + strings.Join(notes, ", ")
}

// failed tells of the last attempt, and why it failed if that was in this hook.
func (h *hook) failed(s rollingops.Status, attempt *rollingops.Attempt) string {
	text := fmt.Sprintf("attempt %d failed", s.Failed)
	if h.failure != "" {
		text += " (" + h.failure + ")"
	}
	if attempt != nil && attempt.Result == rollingops.RetryHold {
		text += ", others wait"
	}
	return text
}

func awaiting(operation string) string { return "Awaiting " + operation + " operation" }

// clock is a moment for people, with its date unless that is today's.
func (h *hook) clock(t time.Time) string {
	if t, now := t.UTC(), h.Clock.Now().UTC(); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func shorten(message string) string {
	if len(message) <= maxStatus {
		return message
	}
	end := maxStatus - len("...")
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + "..."
}
