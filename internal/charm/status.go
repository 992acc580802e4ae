package charm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/text"
	"rolling-ops/internal/unit"
)

// maxStatus bounds a status message, in bytes: juju status cuts what is longer.
const maxStatus = 120

// shownNote is the note of what a leader's status said of other units, which
// has to go again when it is no longer so.
type shownNote struct {
	Unreadable []string `json:"unreadable,omitempty"`
	Blind      bool     `json:"blind,omitempty"`
	Rollout    line     `json:"rollout,omitzero"`
}

func (n shownNote) empty() bool { return len(n.Unreadable) == 0 && !n.Blind && n.Rollout == line{} }

// showStatus sets the unit's status at the end of a hook, if this hook changed
// something about the unit or is one for taking stock, or if a leader has news
// of others. A hook that is about other units sets none: it would be work for
// nothing, N times a change.
func (h *hook) showStatus(ctx context.Context, attempt *rollingops.Attempt) {
	stock := h.takesStock(attempt)
	leads := h.peers.Leads()
	if _, step, _ := h.ops.Step(); !stock && !leads && h.shown.empty() && step == (rollout.Step{}) {
		return
	}
	status, err := h.ops.Status(ctx)
	if err != nil {
		h.Log.Warn("status left as it is", "error", err)
		return
	}
	news := h.news(ctx, status, leads)
	if !stock && !news {
		return
	}
	status = h.withStep(status)
	name, message := h.describe(status)
	_, step, _ := h.ops.Step()
	if own := status.Kind == rollingops.StatusUnreadable || status.Queued > 0 && step.State != rollout.StepFailing; !own && h.shown.Rollout != (line{}) {
		name, message = h.shown.Rollout.Name, h.shown.Rollout.Message
	}
	if h.requested != "" && status.Failed == 0 && status.Kind != rollingops.StatusUnreadable {
		name, message = "waiting", awaiting(h.requested)
	}
	h.show(ctx, name, message)
}

// withStep is the status in which a step that goes on in another hook is the
// unit's operation: it stands in no queue.
func (h *hook) withStep(s rollingops.Status) rollingops.Status {
	record, step, _ := h.ops.Step()
	if s.Kind != rollingops.StatusGranted && s.Kind != rollingops.StatusStalled || !step.Ready(record) {
		return s
	}
	if requested := record.At.String(); h.progressOf(requested + " " + record.Operation).goesOn() {
		s.Operation, s.Requested, s.Queued, s.Failed = record.Operation, requested, s.Queued+1, 0
	}
	return s
}

// takesStock reports whether the hook is one in which the unit's own status is
// set in any case.
func (h *hook) takesStock(attempt *rollingops.Attempt) bool {
	switch h.event.Kind {
	case unit.Start, unit.ConfigChanged, unit.UpgradeCharm, unit.UpdateStatus:
		return true
	}
	return attempt != nil || h.requested != "" || h.cleared || h.rolledOut
}

// news reports whether a leader's status has to say something else of other
// units than it does, and takes note of it. Whom this hook has not read is as
// it was.
func (h *hook) news(ctx context.Context, s rollingops.Status, leads bool) bool {
	now := shownNote{Rollout: h.rolloutLine(ctx, s, leads)}
	if leads {
		now.Blind = s.Blind != nil
		now.Unreadable = slices.DeleteFunc(slices.Clone(s.Unreadable), func(name string) bool { return name == h.event.Unit })
		if !s.Surveyed {
			now.Unreadable = append(now.Unreadable, h.shown.Unreadable...)
			slices.Sort(now.Unreadable)
			now.Unreadable = slices.Compact(now.Unreadable)
		}
	}
	if now.Blind == h.shown.Blind && now.Rollout == h.shown.Rollout && slices.Equal(now.Unreadable, h.shown.Unreadable) {
		return false
	}
	var note any
	if !now.empty() {
		note = now
	}
	if err := h.save(statusNote, note); err != nil {
		h.Log.Warn("status may be set once more", "error", err)
	}
	h.shown = now
	return true
}

// show sets the unit's status, or the one that says what is wrong with the
// configuration. A status is not worth a hook that fails.
func (h *hook) show(ctx context.Context, name, message string) {
	config, err := h.config(ctx)
	if err == nil {
		if config.err != nil {
			name, message = "blocked", strings.ReplaceAll(config.err.Error(), "\n", "; ")
		}
		err = h.Tools.StatusSet(ctx, name, text.Cut(h.short(text.OneLine(message)), maxStatus))
	}
	if err != nil {
		h.Log.Warn("status left as it is", "error", err)
	}
}

// describe puts the library's status into Juju's terms. If it is too long, the
// reason of a failure is cut, never what follows it.
func (h *hook) describe(s rollingops.Status) (name, message string) {
	if s.Queued == 0 && (s.Kind == rollingops.StatusGranted || s.Kind == rollingops.StatusStalled) {
		s.Kind = rollingops.StatusIdle // it only has to give the lock back
	}
	switch s.Kind {
	case rollingops.StatusNotReady:
		return "waiting", "Waiting for the peer relation"
	case rollingops.StatusUnreadable:
		return "blocked", "Cannot read the queue of this unit: see the log, then run the action clear-queue"
	}
	p := h.progressOf(s.Requested + " " + s.Operation)
	if p.goesOn() && (s.Kind == rollingops.StatusGranted || s.Kind == rollingops.StatusStalled) {
		if p.Reason == "" || p.Since.IsZero() {
			return "maintenance", executing(s.Operation)
		}
		return "waiting", waitingForHealth(s.Operation, h.clock(p.Since), p.Reason)
	}
	reason := ""
	if s.Failed > 0 {
		reason = cmp.Or(h.failure, p.Reason)
	}
	message = h.short(h.tell(s, reason))
	if long := len(message) - maxStatus; long > 0 {
		message = h.tell(s, text.Cut(reason, max(0, len(reason)-long)))
	}
	if s.Kind == rollingops.StatusIdle {
		return "active", message
	}
	return "waiting", message
}

// tell is the message of a status.
func (h *hook) tell(s rollingops.Status, reason string) string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if s.Failed > 0 {
		failed := fmt.Sprintf("attempt %d failed", s.Failed)
		if reason != "" {
			failed += " (" + reason + ")"
		}
		if s.Holds {
			failed += ", others wait"
		}
		notes = append(notes, failed)
	}
	switch s.Kind {
	case rollingops.StatusRetrying:
		note("next at %s", h.clock(s.Until))
	case rollingops.StatusStalled:
		note("lock granted at %s and not used yet", h.clock(s.Since))
	case rollingops.StatusWaiting:
		if s.Position > 0 {
			note("number %d in line", s.Position)
		}
	}
	if s.StalledHolder {
		note("%s has held the lock since %s", s.Holder, h.clock(s.Since))
	}
	if s.Blind != nil {
		note("nothing is granted: %v", s.Blind)
	}
	if len(h.shown.Unreadable) > 0 {
		note("cannot read the queue of %s", h.andMore(h.shown.Unreadable))
	}
	message := ""
	if s.Kind != rollingops.StatusIdle {
		message = awaiting(s.Operation)
		if len(notes) > 0 {
			message += ": "
		}
	}
	return message + strings.Join(notes, ", ")
}

// short is a message with shorter names if it is too long: without what units are
// beside, then without the application's name, which stands in front of it in juju
// status. What comes behind a name says what to do.
func (h *hook) short(message string) string {
	if len(message) > maxStatus {
		for _, principal := range h.ops.Principals() {
			message = strings.ReplaceAll(message, " on "+principal, "")
		}
	}
	if len(message) > maxStatus {
		message = strings.ReplaceAll(message, h.application()+"/", ".../")
	}
	return message
}

func executing(operation string) string { return "Executing " + plain(operation) + " operation" }

func awaiting(operation string) string { return "Awaiting " + plain(operation) + " operation" }

// clock is a moment for people, with its date unless that is today's.
func (h *hook) clock(t time.Time) string {
	if t, now := t.UTC(), h.Clock.Now().UTC(); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
