package charm

import (
	"context"
	"fmt"
	"time"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/text"
	"rolling-ops/internal/unitname"
)

// line is a status, "" for none.
type line struct {
	Name    string `json:"name,omitempty"`
	Message string `json:"message,omitempty"`
}

// rolloutLine is what the unit's status says because of a rollout: of its own
// step if that failed, else, on the leader, of the whole. A unit whose turn has
// not come says nothing: it serves.
func (h *hook) rolloutLine(ctx context.Context, s rollingops.Status, leads bool) line {
	record, step, _ := h.ops.Step()
	own := step.ID != 0 && step.ID == record.ID && record.Active()
	switch {
	case own && step.State == rollout.StepFailing:
		return line{"maintenance", h.failingStep(record, step, s)}
	case own && step.Failed(record) && !record.Skip.Has(unitname.Number(h.event.Unit)):
		return line{"blocked", h.withCause(fmt.Sprintf("%s failed %d of %d in rollout %d: ",
			plain(record.Operation), step.Attempts, record.Retries+1, record.ID), step.Error)}
	case !leads:
		return line{}
	}
	r, err := h.ops.Rollout(ctx)
	switch {
	case err != nil:
		h.Log.Warn("status says nothing of the rollout", "error", err)
		return line{}
	case r.Err != nil:
		return line{"blocked", "The record of the rollout can't be read: abort-rollout"}
	case !r.Record.Active():
		return line{}
	case !r.Surveyed:
		return h.shown.Rollout // nothing has changed but what the others do
	}
	name, message := h.progress(r)
	return line{name, message}
}

// failingStep tells of a step that is tried again.
func (h *hook) failingStep(r rollout.Record, step rollout.Step, s rollingops.Status) string {
	head := fmt.Sprintf("%s failed %d of %d: ", plain(r.Operation), step.Attempts, r.Retries+1)
	if s.Kind == rollingops.StatusRetrying {
		head += "next " + h.clock(s.Until) + ": "
	}
	return h.withCause(head, step.Error)
}

// withCause adds a cause that is cut so that all of it fits.
func (h *hook) withCause(head, cause string) string {
	return head + text.Cut(text.OneLine(cause), max(0, maxStatus-len(head)))
}

// stallAfter is how long a unit may take until a person has to look.
const stallAfter = rollingops.StallAfter

// progress is how far a rollout is. It is blocked if it stopped by itself.
func (h *hook) progress(r rollingops.Rollout) (name, message string) {
	head := fmt.Sprintf("Rollout %d", r.Record.ID)
	counts := fmt.Sprintf("%d/%d done", r.Tally.Done, r.Tally.Total())
	if r.Record.State == rollout.Paused {
		return h.paused(r, head, counts)
	}
	now := h.Clock.Now()
	switch {
	case r.Holder != "" && now.Sub(r.Since) > stallAfter:
		return "blocked", fmt.Sprintf("%s: %s holds the lock since %s", head, h.named(r.Holder), h.clock(r.Since))
	case r.Holder != "":
		return "active", fmt.Sprintf("%s: %s, %s runs", head, counts, h.named(r.Holder))
	case h.conf != nil && h.conf.err != nil:
		return "blocked", fmt.Sprintf("%s: %s, an option can't be used: juju config sets it right", head, counts)
	case !r.Opens.IsZero():
		return "active", fmt.Sprintf("%s: %s, its window opens %s", head, counts, h.clock(r.Opens))
	case r.WaitsFor != "" && now.Sub(lastMove(r)) > stallAfter:
		return "blocked", fmt.Sprintf("%s: %s has not answered", head, h.named(r.WaitsFor))
	case r.WaitsFor != "":
		return "active", fmt.Sprintf("%s: %s, waits for %s", head, counts, h.named(r.WaitsFor))
	}
	if failing := unitsIn(r, rollout.PhaseFailing); len(failing) > 0 {
		return "active", fmt.Sprintf("%s: %s, %s tries again", head, counts, h.andMore(failing))
	}
	return "active", head + ": " + counts
}

func (h *hook) paused(r rollingops.Rollout, head, counts string) (name, message string) {
	switch r.Record.Why {
	case rollout.AfterCanary:
		return "blocked", fmt.Sprintf("%s paused after %s: %s", head, h.named(newest(r)), rollout.ActionResume)
	case rollout.AfterFailure:
		failed := append(unitsIn(r, rollout.PhaseFailed), unitsIn(r, rollout.PhaseFailing)...)
		return "blocked", fmt.Sprintf("%s paused: %s failed: %s", head, h.andMore(failed), rollout.ActionShow)
	case rollout.AfterRelease:
		return "blocked", fmt.Sprintf("%s paused: the lock was taken from a unit: %s", head, rollout.ActionShow)
	}
	return "active", fmt.Sprintf("%s paused by operator: %s", head, counts)
}

// summary is the line for a person who asked.
func (h *hook) summary(r rollingops.Rollout) string {
	switch {
	case r.Err != nil:
		return "the record can't be read (" + text.OneLine(r.Err.Error()) + "): abort-rollout discards it"
	case r.Record.State == rollout.None:
		return "there has been no rollout"
	case !r.Record.Active():
		return fmt.Sprintf("Rollout %d of %s %s: %d/%d done", r.Record.ID, plain(r.Record.Operation), r.Record.State, r.Tally.Done, r.Tally.Total())
	}
	_, message := h.progress(r)
	return message
}

func unitsIn(r rollingops.Rollout, phase rollout.Phase) (units []string) {
	for _, u := range r.Units {
		if u.Phase == phase {
			units = append(units, u.Name)
		}
	}
	return units
}

// andMore names the first of some units.
func (h *hook) andMore(units []string) string {
	switch len(units) {
	case 0:
		return "a unit"
	case 1:
		return h.named(units[0])
	}
	return fmt.Sprintf("%s and %d more", h.named(units[0]), len(units)-1)
}

// newest is the unit whose step ended well last.
func newest(r rollingops.Rollout) string {
	last := rollingops.RolloutUnit{Name: "a unit"}
	for _, u := range r.Units {
		if u.Phase == rollout.PhaseDone && (last.Step == (rollout.Step{}) || u.Step.Ended.Compare(last.Step.Ended) > 0) {
			last = u
		}
	}
	return last.Name
}

// lastMove is when anything of the rollout happened last.
func lastMove(r rollingops.Rollout) time.Time {
	last := r.Record.At
	for _, u := range r.Units {
		if u.Step.ID == r.Record.ID && u.Step.Ended.Compare(last) > 0 {
			last = u.Step.Ended
		}
	}
	return last.Time()
}
