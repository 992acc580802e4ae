package charm

import (
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
)

// Names of the notes.
const (
	operationNote = "operation.json"
	statusNote    = "status.json"
)

// load reads a note. One that can't be read counts as none: it must not stop a
// roll.
func (h *hook) load(name string, into any) {
	if err := unit.Load(h.Notes, name, into); err != nil {
		h.Log.Warn("note on this machine can't be read", "note", name, "error", err)
	}
}

// save writes a note; nil removes it.
func (h *hook) save(name string, note any) error { return unit.Save(h.Notes, name, note) }

// Begin implements rollingops.Attempts.
func (h *hook) Begin(key string) (cutShort int, err error) {
	_, h.operation, _ = strings.Cut(key, " ") // the key begins with the grant
	return h.attempts().Begin(key)
}

// End implements rollingops.Attempts.
func (h *hook) End(key string) error { return h.attempts().End(key) }

func (h *hook) attempts() unit.Attempts { return unit.Attempts{Notes: h.Notes, Log: h.Log} }

// cutShort tells, in the transitions and in the status, of an attempt that ended
// its hook each time.
func (h *hook) cutShort(a *rollingops.Attempt) {
	p := h.progressOf(h.operation)
	p.Since, p.Well, p.Asked, p.Reason = time.Time{}, time.Time{}, time.Time{}, a.Err.Error()
	h.keep(p)
	h.failure = p.Reason
	h.record(a.CallbackID+":retry_release", nil)
}

// progress is the note of the operation at the head of the queue: how far its
// attempts have come. It stays until the next one's, as the hook in which the
// operation has ended may fail and run again.
type progress struct {
	// Operation is what the note is about: requested_at and the callback.
	Operation string `json:"operation"`
	// Touched says that something was told to stop, to begin with.
	Touched bool `json:"touched,omitempty"`
	// Done are the tasks that are done.
	Done []string `json:"done,omitempty"`
	// Config tells the configuration that the last attempt used from others.
	Config string `json:"config,omitempty"`
	// Reason is why the last attempt failed, or the last health check did.
	Reason string `json:"reason,omitempty"`
	// Since is when the unit began to wait for the health check, which goes on
	// in hook after hook. Zero while it does not wait.
	Since time.Time `json:"since,omitzero"`
	// Well is since when the health check has passed.
	Well time.Time `json:"well,omitzero"`
	// Boot is the boot of the machine that a reboot is to end.
	Boot string `json:"boot,omitempty"`
	// Asked is when the machine was told to reboot. Zero when the attempt is over.
	Asked time.Time `json:"asked,omitzero"`
}

// goesOn reports whether an attempt has begun that is not over.
func (p progress) goesOn() bool { return !p.Since.IsZero() || !p.Asked.IsZero() }

// name is that of the operation, as it stands in the queues.
func (p progress) name() string {
	_, name, _ := strings.Cut(p.Operation, " ")
	return name
}

// maxReason bounds the reason that is kept, in bytes.
const maxReason = 512

// progressOf returns the note about an operation, an empty one if there is
// none.
func (h *hook) progressOf(operation string) progress {
	var p progress
	h.load(operationNote, &p)
	if p.Operation != operation {
		return progress{Operation: operation}
	}
	return p
}

// keep writes the note. Without it the next attempt only does more than it has
// to.
func (h *hook) keep(p progress) {
	if err := h.save(operationNote, p); err != nil {
		h.Log.Warn("the next attempt will not know how far this one came", "error", err)
	}
}

// done reports whether all tasks are done.
func (p progress) done(tasks []task) bool {
	return p.Touched && !slices.ContainsFunc(tasks, func(t task) bool { return !slices.Contains(p.Done, t.name) })
}
