package roll

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rolling-ops/internal/text"
	"rolling-ops/internal/unit"
)

// showStatus sets the status if this hook changed what the unit does, or takes
// stock. A hook that is about other units sets none: it would be work for nothing,
// N times a change. A status is not worth a hook that fails.
func (h *Hook) showStatus(ctx context.Context, attempted bool) {
	if h.charm.Status == nil || !attempted && !h.changed && !h.takesStock() {
		return
	}
	status, err := h.ops.Status(ctx)
	if err == nil {
		name, message := h.charm.Status(status)
		err = h.Tools.StatusSet(ctx, name, text.OneLine(message))
	}
	if err != nil {
		h.Log.Warn("status left as it is", "error", err)
	}
}

func (h *Hook) takesStock() bool {
	switch h.event.Kind {
	case unit.Start, unit.ConfigChanged, unit.UpgradeCharm, unit.UpdateStatus:
		return true
	}
	return false
}

// Describe puts a status into Juju's terms: active when nothing is queued, blocked
// when an operator is needed, else waiting, with what for.
func Describe(s Status) (name, message string) {
	switch s.Kind {
	case StatusNotReady:
		return "waiting", "Waiting for the peer relation"
	case StatusUnreadable:
		return "blocked", "Cannot read the queue of this unit: see the log"
	case StatusIdle:
		return "active", notes(s)
	}
	message = "Awaiting " + s.Operation
	if notes := notes(s); notes != "" {
		message += ": " + notes
	}
	return "waiting", message
}

// notes are the parts of a message that are there only at times.
func notes(s Status) string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if s.Failed > 0 {
		note("attempt %d failed", s.Failed)
	}
	if s.Failed > 0 && s.Holds {
		note("others wait")
	}
	switch {
	case s.Kind == StatusRetrying:
		note("next at %s", clock(s.Until))
	case s.Kind == StatusStalled:
		note("lock granted at %s and not used yet", clock(s.Since))
	case s.Kind == StatusWaiting && s.Position > 0:
		note("number %d in line", s.Position)
	}
	if s.StalledHolder {
		note("%s has held the lock since %s", s.Holder, clock(s.Since))
	}
	if s.Blind != nil {
		note("nothing is granted: %v", s.Blind)
	}
	if len(s.Unreadable) > 0 {
		note("cannot read the queue of %s", strings.Join(s.Unreadable, ", "))
	}
	return strings.Join(notes, ", ")
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
