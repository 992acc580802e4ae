// Package v1unit is a unit on the Python charm library rolling_ops v1, as far as
// other units can tell: what it reads and writes in which hook, in the order in
// which it does, with what it gets wrong. Tests have it live beside our own.
//
// It is held to the recorded decisions of v1, and to what v1 did in those that
// our protocol decides otherwise.
package v1unit

import (
	"context"
	"fmt"
	"slices"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// Config is what a unit needs of the world. All fields but Relation and Order
// are required.
type Config struct {
	Unit      string   // such as "rolling-ops/0"
	Relation  Relation // nil while the peer relation does not exist
	IsLeader  func(ctx context.Context) (bool, error)
	Clock     rollingops.Clock
	Worker    Worker
	Callbacks map[string]rollingops.Callback
	// Order is in which order the unit looks at all units, itself among them: v1
	// takes them from a set, so any may come. Nil means by name.
	Order func(units []string) []string
}

// Relation is the peer relation: see [rollingops.Juju], of which v1 knows no more.
type Relation interface {
	App(ctx context.Context) (map[string]string, error)
	Unit(ctx context.Context, unit string) (map[string]string, error)
	Members(ctx context.Context) ([]string, error)
	SetUnit(ctx context.Context, changes map[string]string) error
	SetApp(ctx context.Context, changes map[string]string) error
}

// Worker is the unit's background process. It waits 10 s, runs the lock-granted
// hook once, and ends, whether that went well or not.
type Worker interface {
	// Start starts a process and returns its id.
	Start(ctx context.Context) (pid int, err error)
	// Interrupt signals a process on the unit's own machine, whatever that is:
	// the id may be another machine's.
	Interrupt(ctx context.Context, pid int)
}

// Kind is the event of a hook.
type Kind int

const (
	Other Kind = iota // nothing that the library observes
	RelationChanged
	RelationDeparted
	LeaderElected
	UpdateStatus
	LockGranted
)

// Event is the hook that runs.
type Event struct {
	Kind      Kind
	Departing string // the unit that leaves, in RelationDeparted
}

// Hook is one hook or action of the unit. What it writes, it writes at once. An
// error means that the process ends with an exception: the hook fails.
type Hook struct {
	c    Config
	data databags
}

// Begin opens a hook.
func Begin(c Config) *Hook {
	return &Hook{c: c, data: databags{c: c, units: make(map[string]map[string]string)}}
}

// Handle does what the library does in the event's hook.
func (h *Hook) Handle(ctx context.Context, e Event) error {
	if h.c.Relation == nil && e.Kind != LeaderElected {
		return nil
	}
	switch e.Kind {
	case RelationChanged:
		return h.changed(ctx)
	case RelationDeparted:
		return h.departed(ctx, e.Departing)
	case LeaderElected:
		return h.lead(ctx)
	case UpdateStatus, LockGranted:
		return h.woken(ctx)
	}
	return nil
}

func (h *Hook) changed(ctx context.Context) error {
	if err := h.data.list(ctx); err != nil {
		return err
	}
	leads, err := h.data.leads(ctx)
	if err != nil {
		return err
	}
	if leads {
		return h.lead(ctx)
	}
	_, err = h.runIfGranted(ctx)
	return err
}

// departed frees the lock of a unit that is leaving, which may be the leader
// itself.
func (h *Hook) departed(ctx context.Context, unit string) error {
	if err := h.data.list(ctx); err != nil {
		return err
	}
	if leads, err := h.data.leads(ctx); err != nil || !leads {
		return err
	}
	app, err := h.data.app(ctx)
	if err != nil || app[rollingops.KeyGrantedUnit] != unit {
		return err
	}
	if err := h.release(ctx); err != nil {
		return err
	}
	return h.lead(ctx)
}

func (h *Hook) woken(ctx context.Context) error {
	if err := h.data.list(ctx); err != nil {
		return err
	}
	if ran, err := h.runIfGranted(ctx); err != nil || !ran {
		return err
	}
	return h.lead(ctx)
}

// Request puts an operation into the unit's own queue. A leader then goes on to
// grant the lock, maybe to itself, and run the operation.
func (h *Hook) Request(ctx context.Context, callbackID string, kwargs map[string]any, maxRetry *int) error {
	if _, ok := h.c.Callbacks[callbackID]; !ok {
		return raise(InvalidRequest, fmt.Errorf("no callback %q", callbackID))
	}
	if h.c.Relation == nil {
		return raise(NoRelation, nil)
	}
	if err := h.enqueue(ctx, callbackID, kwargs, maxRetry); err != nil {
		return err
	}
	leads, err := h.data.leads(ctx)
	if err != nil || !leads {
		return err
	}
	return h.lead(ctx)
}

func (h *Hook) enqueue(ctx context.Context, callbackID string, kwargs map[string]any, maxRetry *int) error {
	if err := h.data.list(ctx); err != nil {
		return err
	}
	own, err := h.own(ctx)
	if err != nil {
		return err
	}
	queue, err := own.queue()
	if err != nil {
		return raise(InvalidRequest, err)
	}
	args, err := codec.NewArgs(kwargs)
	if err != nil {
		return raise(InvalidRequest, err)
	}
	op, err := codec.NewOperation(callbackID, args, h.c.Clock.Now(), maxRetry)
	if err != nil {
		return raise(InvalidRequest, err)
	}
	queue, added := queue.Push(op)
	if !added {
		return nil
	}
	if queue.Len() == 1 {
		if err := h.data.setUnit(ctx, map[string]string{rollingops.KeyState: string(rollingops.Requested)}); err != nil {
			return err
		}
	}
	return h.writeQueue(ctx, queue, nil)
}

// lead releases and grants the lock if the unit leads: once more for each
// operation of its own that it has run at once.
func (h *Hook) lead(ctx context.Context) error {
	for {
		leads, err := h.data.leads(ctx)
		if err != nil || !leads {
			return err
		}
		if h.c.Relation == nil {
			return raise("IndexError", fmt.Errorf("there is no relation"))
		}
		granted, err := h.passOn(ctx)
		if err != nil || granted != h.c.Unit {
			return err
		}
		own, err := h.own(ctx)
		if err != nil {
			return err
		}
		if own.state() == rollingops.AwaitRetry || own.state() == rollingops.AwaitRetryHold {
			return h.startWorker(ctx)
		}
		if err := h.run(ctx); err != nil {
			return err
		}
	}
}

// passOn frees the lock if any unit's databag says so, and grants it if it is
// free. It returns to whom.
func (h *Hook) passOn(ctx context.Context) (granted string, err error) {
	if err := h.data.list(ctx); err != nil {
		return "", err
	}
	units := h.data.everybody()
	over, err := h.grantIsOver(ctx, units)
	if err != nil {
		return "", err
	}
	if over {
		if err := h.release(ctx); err != nil {
			return "", err
		}
	}
	app, err := h.data.app(ctx)
	if err != nil {
		return "", err
	}
	holder := app[rollingops.KeyGrantedUnit]
	switch {
	case holder == "":
	case slices.Contains(units, holder):
		return "", nil
	default: // not, or no longer, listed
		if err := h.release(ctx); err != nil {
			return "", err
		}
	}
	next, err := h.next(ctx, units)
	if err != nil || next == "" {
		return "", err
	}
	return next, h.data.setApp(ctx, map[string]string{rollingops.KeyGrantedUnit: next, rollingops.KeyGrantedAt: h.stamp()})
}

// grantIsOver reports whether the holder says that it is idle, or anybody at all
// that it has executed something after the grant.
func (h *Hook) grantIsOver(ctx context.Context, units []string) (bool, error) {
	app, err := h.data.app(ctx)
	if err != nil {
		return false, err
	}
	for _, name := range units {
		v, err := h.view(ctx, name)
		if err != nil {
			return false, err
		}
		if v.state() == rollingops.Idle && app[rollingops.KeyGrantedUnit] == name {
			return true, nil
		}
		if over, err := v.executedSince(app[rollingops.KeyGrantedAt]); err != nil || over {
			return over, err
		}
	}
	return false, nil
}

// next is whose turn it is, "" if nobody's.
func (h *Hook) next(ctx context.Context, units []string) (string, error) {
	var requests, retries []view
	for _, name := range units {
		v, err := h.view(ctx, name)
		if err != nil {
			return "", err
		}
		switch v.state() {
		case rollingops.AwaitRetryHold:
			return name, nil
		case rollingops.Requested:
			requests = append(requests, v)
		case rollingops.AwaitRetry:
			retries = append(retries, v)
		}
	}
	if len(requests) > 0 { // also if none of them turns out to have anything queued
		return oldest(requests, view.requestedAt)
	}
	return oldest(retries, view.executedAt)
}

func (h *Hook) startWorker(ctx context.Context) error {
	app, err := h.data.app(ctx)
	if err != nil {
		return err
	}
	if text := app[KeyWorker]; text != "" {
		pid, err := parsePid(text)
		if err != nil {
			return err
		}
		h.c.Worker.Interrupt(ctx, pid)
		if err := h.data.setApp(ctx, map[string]string{KeyWorker: ""}); err != nil {
			return err
		}
	}
	pid, err := h.c.Worker.Start(ctx)
	if err != nil {
		return err
	}
	return h.data.setApp(ctx, map[string]string{KeyWorker: fmt.Sprint(pid)})
}
