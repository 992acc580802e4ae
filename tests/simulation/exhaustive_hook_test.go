package simulation

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
	"rolling-ops/tests/simulation/world"
)

// passage is one run of the library through a hook, from its start to its next
// stop. It is all that the library sees of the world.
type passage struct {
	n        *node
	p        *process
	hook     *jujusim.Hook
	moved    bool // got a fresh answer
	begun    bool // has looked at the clock
	woke     bool // asked for the worker
	asks     int  // how often is-leader was asked in this passage
	requests bool // is in a request
	ended    bool // stopped: nothing that the library does now counts
	others   map[string]invariant.Bag
}

var errStopped = errors.New("stopped here")

// goOn runs the unit's hook from where it is to its next stop.
func (n *node) goOn(p *process) {
	s := &passage{n: n, p: p, hook: n.model.Hook(p.unit)}
	err := s.run()
	switch {
	case s.ended:
	case err != nil:
		p.place = "exit"
		n.broke("%s on %s failed: %v", s.hook.Run(), p.unit, err)
		n.end(p, 1)
	case n.unseen(s):
		n.end(p, 0)
	default:
		// What it knows does not matter any more, only what it has written.
		p.at, p.place, p.order = atExit, "exit", 0
		p.knows, p.leads, p.late, p.app, p.own = false, false, false, nil, nil
	}
}

// unseen tells whether it makes no difference when the hook is committed: it
// wrote nothing that rests on what it read of others, and nothing can happen to
// it that could not have happened before. (An action that dies is not run again,
// so what it was for is lost.)
func (n *node) unseen(s *passage) bool {
	if n.scope.unreduced {
		return false
	}
	nothing := !s.p.ran && !s.p.wrote && !s.woke
	safe := n.left.Fail == 0 && (n.left.Reboot == 0 || s.hook.Run().Kind != jujusim.ActionRun)
	return nothing || safe && !s.p.wroteApp
}

func (s *passage) run() error {
	ctx := context.Background()
	m := rollingops.New(rollingops.Config{
		Unit: s.p.unit, Juju: s, Clock: s, Waker: s, Log: nolog,
	})
	m.Register("_restart", s.callback(rollingops.Release))
	m.Rollable("_restart")
	m.Register("_failed_restart", s.callback(rollingops.RetryRelease))
	m.Register("_deferred_restart", s.callback(rollingops.RetryHold))
	run := s.hook.Run()
	h, err := m.Begin(ctx, libraryEvent(run))
	if err != nil {
		return err
	}
	if run.Kind == jujusim.ActionRun {
		if err := s.request(h, run); err != nil {
			return err
		}
	}
	_, err = h.Finish(ctx)
	return err
}

var nolog = slog.New(slog.DiscardHandler)

func libraryEvent(run jujusim.Run) rollingops.Event {
	e := rollingops.Event{Leaving: run.DepartingUnit == run.Unit, Remote: run.RemoteUnit}
	switch {
	case run.Kind == jujusim.ExecRun:
		e.Kind = rollingops.LockGranted
	case run.Name == "update-status":
		e.Kind = rollingops.UpdateStatus
	case strings.HasSuffix(run.Name, "-relation-changed"):
		e.Kind = rollingops.RelationChanged
	}
	return e
}

// request does what the charm's action does.
func (s *passage) request(h *rollingops.Hook, run jujusim.Run) error {
	if strings.HasSuffix(run.Name, "-rollout") {
		return s.operate(h, run.Name)
	}
	var maxRetry *int
	if n, ok := run.Params["max-retry"].(int64); ok {
		maxRetry = new(int)
		*maxRetry = int(n)
	}
	s.requests = true
	defer func() { s.requests = false }()
	_, err := h.Request("_"+strings.ReplaceAll(run.Name, "-", "_"), map[string]any{"delay": run.Params["delay"]}, maxRetry)
	return err
}

// pause stops the hook before a call, unless it just came from its last stop.
func (s *passage) pause(at stop, place string) bool {
	if !s.ended && s.moved {
		s.ended = true
		s.p.at, s.p.place = at, place
	}
	s.moved = true
	return s.ended
}

func (s *passage) IsLeader(context.Context) (bool, error) {
	if s.asks++; s.asks > 1 { // no right library does
		return s.hook.IsLeader(), nil
	}
	if !s.p.knows {
		if s.pause(read, "is-leader") { // nor reads anything before
			return false, errStopped
		}
		s.p.knows, s.p.leads = true, s.hook.IsLeader()
		s.p.hasLed = s.p.hasLed || s.p.leads
		if s.n.scope.broken == cachedLeadership {
			s.p.leads = s.p.leads || s.p.oldLeads
			s.p.oldLeads = s.p.leads
		}
	}
	return s.p.leads, nil
}

func (s *passage) App(context.Context) (map[string]string, error) {
	if s.p.app != nil {
		return s.p.app, nil
	}
	if (s.p.leads && s.n.mayElect() || s.n.scope.unreduced) && s.pause(asked, "relation-get --app") {
		return nil, errStopped
	}
	s.moved = true
	app, err := s.hook.ReadApp(0, s.n.model.App())
	if s.n.scope.broken == staleApp {
		s.p.oldApp, app = app, orEmptyBag(s.p.oldApp)
	}
	s.p.app = app
	return app, err
}

func (s *passage) Unit(_ context.Context, unit string) (map[string]string, error) {
	if s.ended {
		return nil, errStopped
	}
	if unit != s.p.unit {
		if s.beforeOthers("relation-get") {
			return nil, errStopped
		}
		bag, err := s.hook.ReadUnit(0, unit)
		if s.others == nil {
			s.others = make(map[string]invariant.Bag)
		}
		s.others[unit] = bag
		return bag, err
	}
	if s.p.own == nil {
		own, err := s.hook.ReadUnit(0, unit)
		s.p.own = own
		return own, err
	}
	return s.p.own, nil
}

// beforeOthers is where a leader may be stopped that has read the lock and is
// about to look at the others: all it asks then counts as one moment.
func (s *passage) beforeOthers(place string) bool {
	if s.p.at == read || s.p.ran {
		return s.ended
	}
	return s.pause(read, place)
}

func (s *passage) Members(context.Context) ([]string, error) {
	if s.beforeOthers("relation-list") {
		return nil, errStopped
	}
	return s.hook.Members(0), nil
}

func (s *passage) Beside(context.Context) (bool, error) { return true, nil }

func (s *passage) GoalState(context.Context) (map[string]bool, error) {
	if s.beforeOthers("goal-state") {
		return nil, errStopped
	}
	units := s.n.model.Units()
	if s.n.scope.broken == listedOnly {
		units = append(s.hook.Members(0), s.p.unit)
	}
	leaving := make(map[string]bool)
	for _, unit := range units {
		p := s.n.proc(unit)
		leaving[unit] = p != nil && p.dying
	}
	return leaving, nil
}

// callback is an operation with one result. It stops once, inside.
func (s *passage) callback(result rollingops.Result) rollingops.Callback {
	return func(context.Context, codec.Args) (rollingops.Result, error) {
		if s.p.at == inCallback {
			s.moved, s.p.ran = true, true
			if s.p.fails {
				return rollingops.RetryRelease, nil
			}
			return result, nil
		}
		s.ended = true
		s.p.at, s.p.place = inCallback, "callback"
		s.n.checkEntry(s.p)
		return result, nil
	}
}

func (s *passage) SetUnit(_ context.Context, changes map[string]string) error {
	if s.ended {
		return errStopped
	}
	s.p.wrote = true
	err := s.hook.WriteUnit(0, changes)
	if err == nil {
		s.checkOwn()
	}
	return err
}

func (s *passage) SetApp(_ context.Context, changes map[string]string) error {
	if s.ended {
		return errStopped
	}
	s.p.wrote, s.p.wroteApp = true, true
	err := s.hook.WriteApp(0, changes)
	if err == nil {
		s.checkApp()
	}
	return err
}

// Now stands still, so that only the logical clock moves stamps on. Requests
// alone are told apart: each is younger than all that wait.
func (s *passage) Now() time.Time {
	if s.requests {
		return world.Epoch.Add(time.Duration(s.p.order) * time.Millisecond)
	}
	return world.Epoch
}

// SinceBoot is asked at the begin and before the application databag is
// written.
func (s *passage) SinceBoot() time.Duration {
	if s.begun && s.p.late && s.n.scope.broken != noLease {
		return jujusim.LeasePromise + time.Second
	}
	s.begun = true
	return 0
}

func (s *passage) Wake(_ context.Context, delay time.Duration) error {
	if s.ended || s.n.scope.broken == noWaker {
		return nil
	}
	s.woke = true
	s.p.worker = s.p.worker.asked(delay > 0)
	return nil
}

func (s *passage) Watch(_ context.Context, delay time.Duration) error {
	if s.ended || s.n.scope.broken == noWaker {
		return nil
	}
	s.p.watching = delay > 0
	return nil
}

func orEmptyBag(bag map[string]string) map[string]string {
	if bag == nil {
		return map[string]string{}
	}
	return bag
}
