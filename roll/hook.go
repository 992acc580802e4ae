package roll

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"rolling-ops/hooktool"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
)

// Event is what Juju runs the charm for.
type Event struct {
	// Name is the hook's, such as "config-changed", or the action's.
	Name string
	// Action says that it is an action.
	Action bool
	// Unit is the local unit, such as "my-database/0".
	Unit string
	// Principal is the unit that a subordinate's is beside; "" in other charms.
	Principal string
	// CharmDir is the absolute path of the charm on this machine.
	CharmDir string
}

// Hook is one hook or action of the local unit. It is good for as long as Handle
// or an operation runs, and not for several goroutines.
type Hook struct {
	Event Event
	// Tools are Juju's hook tools.
	Tools *hooktool.Tools
	// Log goes to Juju's log.
	Log *slog.Logger

	charm Charm
	env   Environment
	event unit.Event
	peers *unit.Peers      // nil while the peer relation does not exist
	ops   *rollingops.Hook // the library's part

	changed  bool   // Handle changed what the unit does
	released string // the unit that an operator took the lock from
	ended    bool
}

func newHook(c Charm, env Environment, event unit.Event) *Hook {
	return &Hook{
		Event: Event{
			Name: event.Name, Action: event.Kind == unit.Action,
			Unit: event.Unit, Principal: event.Principal, CharmDir: event.CharmDir,
		},
		Tools: env.Tools, Log: env.Log, charm: c, env: env, event: event,
	}
}

// run is the way of every event. Its writes come last: what follows them can't
// fail.
func (h *Hook) run(ctx context.Context) error {
	var err error
	if h.event.TakesPart() {
		if h.peers, err = unit.FindPeers(ctx, h.Tools, h.event, h.charm.Relation); err != nil {
			return err
		}
	}
	if h.ops, err = h.manager().Begin(ctx, h.event.Library()); err != nil {
		return err
	}
	if h.charm.Handle != nil {
		err := h.charm.Handle(ctx, h)
		switch {
		case err != nil && h.Event.Action:
			h.fail(ctx, err)
		case err != nil:
			return err
		}
	}
	if h.charm.Status != nil && h.peers.Leads() && h.event.Kind == unit.UpdateStatus {
		// The leader alone tells of units whose queue can't be read: a look at every
		// unit by every unit would cost too much.
		if err := h.ops.Survey(ctx); err != nil {
			return err
		}
	}
	report, err := h.ops.Finish(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unit.AfterWrite)
	defer cancel()
	h.Tools.Bound(ctx)
	if report.Late && h.released != "" {
		h.fail(ctx, errors.New("cannot release the lock: the hook took too long and wrote nothing; run the action again"))
	}
	h.showStatus(ctx, report.Attempt != nil)
	return nil
}

func (h *Hook) fail(ctx context.Context, cause error) {
	if err := h.Tools.ActionFail(ctx, cause.Error()); err != nil {
		h.Log.Warn("action can't be failed", "action", h.Event.Name, "cause", cause, "error", err)
	}
}

// Request asks for an operation on the local unit.
type Request struct {
	// Operation is its name in [Charm.Operations].
	Operation string
	// Args are its arguments: a struct or a map that encoding/json makes an object
	// of. [Args.Decode] fills such a struct again. Nil means none.
	Args any
	// Retries is how often the operation is tried again after its first attempt.
	// Nil means until it succeeds; new(2) means three attempts.
	Retries *int
}

// ErrEnded says that the hook is over: what is asked for then would be lost.
var ErrEnded = errors.New("the hook has ended")

// Request queues an operation on the local unit. One that equals the last in the
// queue is not added again. Finish of the hook, which follows Handle, writes it.
//
// Errors: [ErrEnded], [ErrNoRelation], [*InvalidRequestError] for an unknown name
// or arguments that can't be stored, [*UndecodableQueueError].
func (h *Hook) Request(r Request) (Ticket, error) {
	if h.ended {
		return Ticket{}, fmt.Errorf("cannot request operation %q: %w", r.Operation, ErrEnded)
	}
	args, err := r.args()
	if err != nil {
		return Ticket{}, &InvalidRequestError{CallbackID: r.Operation, Err: err}
	}
	ticket, err := h.ops.Request(r.Operation, args, r.Retries)
	h.changed = h.changed || err == nil
	return ticket, err
}

// args are the arguments as the library takes them.
func (r Request) args() (map[string]any, error) {
	switch args := r.Args.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return args, nil
	}
	text, err := json.Marshal(r.Args)
	if err != nil {
		return nil, fmt.Errorf("cannot use arguments: %w", err)
	}
	var args map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&args); err != nil {
		return nil, fmt.Errorf("cannot use arguments: %T is no object in JSON", r.Args)
	}
	return args, nil
}

// RetryNow spares the unit the rest of the pause before its next attempt, since
// what made the last one fail has changed. It reports whether a retry waits.
func (h *Hook) RetryNow() (bool, error) {
	if h.ended {
		return false, fmt.Errorf("cannot retry now: %w", ErrEnded)
	}
	waits := h.ops.RetryNow()
	h.changed = h.changed || waits
	return waits, nil
}

// DiscardQueue empties the unit's own queue, on an operator's word: also one that
// can't be read, of which it is the way out. It returns how many operations were
// dropped, -1 if that can't be told.
func (h *Hook) DiscardQueue() (int, error) {
	if h.ended {
		return 0, fmt.Errorf("cannot discard the queue: %w", ErrEnded)
	}
	dropped, err := h.ops.DiscardQueue()
	h.changed = h.changed || err == nil
	return dropped, err
}

// ForceRelease takes the lock from the unit that holds it, although that may be in
// its operation: only an operator can know that it is not. It returns the unit, ""
// if the lock was free. On a unit that does not lead it returns [ErrNotLeader].
func (h *Hook) ForceRelease() (string, error) {
	if h.ended {
		return "", fmt.Errorf("cannot release the lock: %w", ErrEnded)
	}
	unit, err := h.ops.ForceRelease()
	h.released = unit
	return unit, err
}

// Status is what the unit will be doing when the hook is over, as far as the hook
// has read the relation.
func (h *Hook) Status(ctx context.Context) (Status, error) { return h.ops.Status(ctx) }
