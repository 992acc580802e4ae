package world

import (
	"context"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
	"rolling-ops/tests/v1unit"
)

// This file lets units on the Python library v1 live beside ours: see package
// v1unit for what they do.

// v1WorkerSleeps is how long v1's worker waits before its one call.
const v1WorkerSleeps = 10 * time.Second

// v1Worker is the process that a unit on v1 starts, none if pid is 0.
type v1Worker struct {
	pid int
	due time.Time
}

// ready reports whether the worker would call now.
func (k v1Worker) ready(w *World) bool { return k.pid != 0 && !w.Now.Before(k.due) }

// call queues the command with the agent; however that goes, the worker ends.
func (k *v1Worker) call(w *World, m *Machine) {
	*k = v1Worker{}
	_, _ = w.Model.EnqueueExec(m.Name, LockGranted)
}

// addV1Unit adds a unit on v1, as when an application is being refreshed and
// this unit has not got to it yet.
func addV1Unit(w *World, _ *Machine, _ []string) error {
	if len(w.Names()) >= MaxUnits {
		return errImpossible
	}
	m := w.Units[w.Model.AddUnit()]
	m.Program = v1Program{w, m}
	return nil
}

// upgradeCharm is the hook that a refreshed unit runs first.
const upgradeCharm = "hooks/upgrade-charm"

// refresh has one unit take up the charm on v1, or ours: each does so when its
// agent gets to it, some long after others.
func refresh(w *World, m *Machine, args []string) error {
	v1 := args[0] == "v1"
	if m.Running != nil || m.V1() == v1 {
		return errImpossible
	}
	m.Program = Charm{}
	if v1 {
		m.Program = v1Program{w, m}
	}
	_, err := w.Model.EnqueueExec(m.Name, upgradeCharm)
	return err
}

var v1Kinds = map[unit.Kind]v1unit.Kind{
	unit.RelationChanged: v1unit.RelationChanged, unit.RelationDeparted: v1unit.RelationDeparted, unit.LeaderElected: v1unit.LeaderElected,
	unit.UpdateStatus: v1unit.UpdateStatus, unit.LockGranted: v1unit.LockGranted,
}

// v1Operations are the actions of a charm on v1 with the operations of ours, and
// what they always return.
var v1Operations = map[string]v1Operation{
	"restart":          {"_restart", rollingops.Release, "done"},
	"failed-restart":   {"_failed_restart", rollingops.RetryRelease, "retry_release"},
	"deferred-restart": {"_deferred_restart", rollingops.RetryHold, "retry_hold"},
}

type v1Operation struct {
	callback string
	result   rollingops.Result
	says     string
}

// v1Program is a charm on v1.
type v1Program struct {
	w *World
	m *Machine
}

// V1 reports whether the unit runs v1.
func (m *Machine) V1() bool {
	_, ok := m.Program.(v1Program)
	return ok
}

// Run implements [Program].
func (p v1Program) Run(ctx context.Context, on Host) error {
	event, err := charm.ParseEvent(on.Env)
	if err != nil {
		return err
	}
	tools := on.Deps.Tools
	c := v1unit.Config{Unit: p.m.Name, IsLeader: tools.IsLeader, Clock: on.Deps.Clock, Worker: p, Callbacks: make(map[string]rollingops.Callback)}
	peers, err := unit.FindPeers(ctx, tools, event, charm.PeerRelation)
	if err != nil {
		return err
	}
	if peers != nil {
		c.Relation = peers
	}
	for _, o := range v1Operations {
		c.Callbacks[o.callback] = p.callback(o, on.Deps)
	}
	h := v1unit.Begin(c)
	if event.Kind == unit.Action {
		return request(ctx, h, event.Name, tools)
	}
	return h.Handle(ctx, v1unit.Event{Kind: v1Kinds[event.Kind], Departing: event.DepartingUnit})
}

func (p v1Program) callback(o v1Operation, deps charm.Deps) rollingops.Callback {
	return func(ctx context.Context, args codec.Args) (rollingops.Result, error) {
		tell := func(what string) error {
			return deps.Transitions.Record(charm.Transition{Event: o.callback + ":" + what, Parameters: args.Map()})
		}
		if err := tell("start"); err != nil {
			return 0, err
		}
		if err := deps.Sleep(ctx, 0); err != nil {
			return 0, err
		}
		if p.m.broken && o.callback == "_restart" {
			o.result, o.says = rollingops.RetryHold, "retry_hold"
		}
		return o.result, tell(o.says)
	}
}

// request is an action that asks for an operation. v1's charms have no others.
func request(ctx context.Context, h *v1unit.Hook, action string, tools *hooktool.Tools) error {
	o, ok := v1Operations[action]
	if !ok {
		return nil
	}
	params, err := tools.ActionParams(ctx)
	if err != nil {
		return err
	}
	var maxRetry *int
	if params.Has("max-retry") {
		limit, err := params.Int("max-retry")
		if err != nil {
			return err
		}
		n := int(limit)
		maxRetry = &n
	}
	return h.Request(ctx, o.callback, map[string]any{"delay": params["delay"]}, maxRetry)
}

// Start implements [v1unit.Worker].
func (p v1Program) Start(context.Context) (int, error) {
	p.w.v1Pids++
	p.m.v1Worker = v1Worker{p.w.v1Pids, p.w.Now.Add(v1WorkerSleeps)}
	return p.w.v1Pids, nil
}

// Interrupt implements [v1unit.Worker]: it ends the machine's own worker. What it
// does to another process is left out.
func (p v1Program) Interrupt(_ context.Context, pid int) {
	if p.m.v1Worker.pid == pid {
		p.m.v1Worker = v1Worker{}
	}
}

// ours reports whether the unit does not run v1.
func (w *World) ours(name string) bool {
	m := w.Units[name]
	return m == nil || !m.V1()
}
