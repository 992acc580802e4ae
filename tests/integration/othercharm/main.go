// Othercharm is the dispatch of a small charm with operations that the
// rolling-ops charm does not have. It bears the same name and has the same peer
// relation, so that an application can be refreshed from one to the other.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// retryDelay is the pause between the attempts of the operation hold.
const retryDelay = 100 * time.Millisecond

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	transport, err := hooktool.Auto(os.Getenv)
	if err != nil {
		return err
	}
	defer transport.Close()
	tools := hooktool.New(transport)
	event, err := charm.ParseEvent(os.Getenv)
	if err != nil {
		return err
	}
	log := slog.New(hooktool.NewLogHandler(tools, slog.LevelDebug, os.Stderr))
	h := hook{Deps: charm.System(os.Getenv, event, tools, log), event: event}
	switch event.Kind {
	case charm.RelationBroken, charm.Stop, charm.Remove:
		return nil
	}
	ids, err := tools.RelationIDs(ctx, charm.PeerRelation)
	if err != nil || len(ids) == 0 {
		return err
	}
	h.relation = ids[0]
	return h.handle(ctx)
}

// hook is the handling of one event. It is the peer relation, the leadership
// and the goal state of the library.
type hook struct {
	charm.Deps
	event    charm.Event
	relation string // its id, such as restart:0
}

func (h *hook) handle(ctx context.Context) error {
	manager := rollingops.New(rollingops.Config{
		Unit:       h.event.Unit,
		Relation:   h,
		Leadership: h.Tools,
		GoalState:  goalState{h.Tools},
		Clock:      h.Clock,
		Waker:      h.Waker,
		Log:        h.Log,
		Pacing: func(context.Context) (rollingops.Pacing, error) {
			return rollingops.Pacing{Delay: retryDelay, Max: retryDelay}, nil
		},
	})
	manager.Register("_note", h.note)
	manager.Register("_hold", h.hold)
	ops, err := manager.Begin(ctx, h.libraryEvent())
	if err != nil {
		return err
	}
	if h.event.Kind == charm.Action {
		if err := h.act(ctx, ops); err != nil {
			return h.Tools.ActionFail(ctx, err.Error())
		}
	}
	if _, err := ops.Finish(ctx); err != nil {
		return err
	}
	return h.Tools.StatusSet(ctx, "active", "")
}

func (h *hook) libraryEvent() rollingops.Event {
	event := rollingops.Event{Leaving: h.event.DepartingUnit == h.event.Unit}
	switch h.event.Kind {
	case charm.RelationChanged:
		event.Kind = rollingops.RelationChanged
	case charm.UpdateStatus:
		event.Kind = rollingops.UpdateStatus
	case charm.LockGranted:
		event.Kind = rollingops.LockGranted
	}
	return event
}

func (h *hook) act(ctx context.Context, ops *rollingops.Hook) error {
	kwargs := map[string]any{}
	if h.event.Name == "note" {
		params, err := h.Tools.ActionParams(ctx)
		if err != nil {
			return err
		}
		size, err := params.Int("size")
		if err != nil {
			return err
		}
		kwargs["text"] = strings.Repeat("x", int(size))
	}
	_, err := ops.Request("_"+h.event.Name, kwargs, nil)
	return err
}

func (h *hook) note(_ context.Context, args codec.Args) (rollingops.Result, error) {
	var a struct {
		Text string `json:"text"`
	}
	if err := args.Decode(&a); err != nil {
		return 0, err
	}
	return rollingops.Release, h.record("_note:start", fmt.Sprintf("_note:%d_bytes", len(a.Text)))
}

func (h *hook) hold(context.Context, codec.Args) (rollingops.Result, error) {
	return rollingops.RetryHold, h.record("_hold:start", "_hold:retry_hold")
}

func (h *hook) record(events ...string) error {
	for _, event := range events {
		t := charm.Transition{Time: h.Clock.Now(), Unit: h.event.Unit, Event: event}
		if err := h.Transitions.Record(t); err != nil {
			return err
		}
	}
	return nil
}

func (h *hook) App(ctx context.Context) (map[string]string, error) {
	application, _, _ := strings.Cut(h.event.Unit, "/")
	return h.Tools.RelationGetApp(ctx, h.relation, application)
}

func (h *hook) Unit(ctx context.Context, unit string) (map[string]string, error) {
	return h.Tools.RelationGet(ctx, h.relation, unit)
}

func (h *hook) Members(ctx context.Context) ([]string, error) {
	return h.Tools.RelationList(ctx, h.relation)
}

func (h *hook) SetUnit(ctx context.Context, changes map[string]string) error {
	return h.Tools.RelationSet(ctx, h.relation, changes)
}

func (h *hook) SetApp(ctx context.Context, changes map[string]string) error {
	return h.Tools.RelationSetApp(ctx, h.relation, changes)
}

type goalState struct{ tools *hooktool.Tools }

func (g goalState) Units(ctx context.Context) (leaving map[string]bool, err error) {
	state, err := g.tools.GoalState(ctx)
	leaving = make(map[string]bool, len(state.Units))
	for unit, goal := range state.Units {
		leaving[unit] = goal.Status == "dying"
	}
	return leaving, err
}
