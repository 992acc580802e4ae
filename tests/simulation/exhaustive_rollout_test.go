package simulation

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
	"rolling-ops/tests/simulation/world"
)

// commands are what an operator says about a rollout, each on the leader and no
// more often than its budget has it.
var commands = [...]struct {
	name string
	left func(*budget) *uint8
	fits func(invariant.Rollout) bool // whether it changes anything
}{
	{"start-rollout", func(b *budget) *uint8 { return &b.Start }, func(r invariant.Rollout) bool { return !r.Active() }},
	{"pause-rollout", func(b *budget) *uint8 { return &b.Pause }, func(r invariant.Rollout) bool { return r.State == "running" }},
	{"resume-rollout", func(b *budget) *uint8 { return &b.Resume }, func(r invariant.Rollout) bool { return r.State == "paused" }},
	{"abort-rollout", func(b *budget) *uint8 { return &b.Abort }, invariant.Rollout.Active},
}

// rollouts is how many commands the scope has.
func (b budget) rollouts() uint8 { return b.Start + b.Pause + b.Resume + b.Abort }

// commandMoves are what an operator can say to the unit now.
func (n *node) commandMoves(to []move, i uint8) []move {
	if n.left.rollouts() == 0 || n.procs[i].dying || n.model.Leader() != n.procs[i].unit {
		return to
	}
	r := invariant.RolloutOf(n.model.AppDatabag(0))
	for arg, c := range commands {
		if *c.left(&n.left) > 0 && c.fits(r) {
			to = append(to, move{commandRollout, i, uint8(arg)})
		}
	}
	return to
}

func (n *node) command(p *process, arg uint8) {
	c := commands[arg]
	*c.left(&n.left)--
	n.requests++
	p.order = n.requests
	n.queued(n.model.EnqueueAction(p.unit, c.name, n.scope.params(c.name)))
	n.begin(p)
}

// params are those of the action, as an operator gives them.
func (s *scope) params(action string) map[string]any {
	if action != "start-rollout" {
		return nil
	}
	return map[string]any{"delay": int64(0), "retries": int64(s.rollout.Retries), "max-failures": int64(s.rollout.MaxFailures),
		"pause-after": string(s.rollout.PauseAfter)}
}

// operate does what the charm's action does about a rollout. That the library
// refuses it is an answer.
func (s *passage) operate(h *rollingops.Hook, action string) error {
	ctx := context.Background()
	s.requests = true
	defer func() { s.requests = false }()
	var err error
	switch action {
	case "start-rollout":
		request := s.n.scope.rollout
		if request.Kwargs, err = codec.NewArgs(map[string]any{"delay": 0}); err == nil {
			_, err = h.StartRollout(ctx, request)
		}
	case "pause-rollout":
		_, _, err = h.PauseRollout(rollout.Token{})
	case "resume-rollout":
		_, _, err = h.ResumeRollout(rollout.Token{}, nil)
	case "abort-rollout":
		_, _, err = h.AbortRollout(ctx, rollout.Token{})
	}
	if errors.Is(err, errStopped) {
		return err
	}
	return nil
}

// concerned reports whether the unit's next hook has something to say about the
// rollout: it answers, or its answer is void.
func (n *node) concerned(p *process) bool {
	own := n.model.UnitDatabag(0, p.unit)
	if own["state"] == "request" && (own["operations"] == "" || own["operations"] == "[]") {
		return true
	}
	r := invariant.RolloutOf(n.model.AppDatabag(0))
	s := invariant.StepOf(own)
	return r.Active() && r.Names(p.unit) && (s.ID != r.ID || s.State == "failed" && s.Round != r.Round)
}

// stepOf is the operation of the step for which the unit that has read that is
// granted the lock, nil if it is not.
func (n *node) stepOf(unit string, read invariant.Bag, own invariant.Step) *codec.Operation {
	r := invariant.RolloutOf(read)
	if read["granted_unit"] != unit || !invariant.ForStep(read) || own.State != "ready" || own.ID != r.ID {
		return nil
	}
	op, err := r.Operation()
	n.check(err)
	return &op
}

// enterStep is checked when a unit begins an operation of a rollout. It returns
// its databag with the operation that it runs.
func (n *node) enterStep(p *process, own invariant.Bag) invariant.Bag {
	step := invariant.StepOf(own)
	queue, err := codec.ParseQueue(own["operations"])
	n.check(err)
	if p.app["granted_unit"] != p.unit || !invariant.ForStep(p.app) {
		if head, ok := queue.Head(); ok && head.Attempt.Int() > 0 && step.State == "failing" {
			n.must(invariant.RetryOfStep(p.unit, p.app, step.ID))
		}
		return own
	}
	n.must(invariant.StepBegins(p.unit, p.app, step))
	if op := n.stepOf(p.unit, p.app, step); op != nil {
		own = maps.Clone(own)
		own["operations"], err = append(codec.Queue{*op}, queue...).Encode()
		n.check(err)
	}
	return own
}

// checkOwn is checked when a hook writes its own databag: everything in it
// follows from what the hook has read.
func (s *passage) checkOwn() {
	n, p := s.n, s.p
	was := n.model.UnitDatabag(0, p.unit)
	now, err := s.hook.ReadUnit(0, p.unit)
	n.check(err)
	queue, err := codec.ParseQueue(was["operations"])
	n.check(err)
	step, ended := invariant.StepOf(was), now["executed_at"] != was["executed_at"]
	a := n.attemptOf(p, queue, step)
	if ended && !a.Ran && !invariant.ForStep(p.app) && !a.Abandoned {
		n.broke("%s ended an attempt that it did not make", p.unit)
	}
	if now["operations"] != was["operations"] || ended && a.Step != nil {
		n.checkQueue(p.unit, queue, now, a)
	}
	said := a.Result
	if !a.OfStep {
		said = ""
	}
	n.must(invariant.StepMoved(p.unit, p.app, step, invariant.StepOf(now), ended && a.OfStep && (a.Ran || a.Abandoned), said))
	n.must(invariant.SaysIdle(p.unit, now, p.app))
}

// attemptOf is what the unit's hook made of its grant.
func (n *node) attemptOf(p *process, queue codec.Queue, step invariant.Step) invariant.Attempt {
	a := invariant.Attempt{Grant: invariant.GrantOf(p.app), Ran: p.ran, Step: n.stepOf(p.unit, p.app, step)}
	if head, ok := queue.Head(); ok && step.State == "failing" && head.Attempt.Int() > 0 {
		a.OfStep, a.Abandoned = true, invariant.Abandoned(p.app, step.ID)
	}
	a.OfStep = a.OfStep || a.Step != nil
	if a.Ran {
		a.Result = p.result(queue, a.Step)
	}
	return a
}

// result is what the operation says that the unit runs.
func (p *process) result(queue codec.Queue, step *codec.Operation) string {
	head, _ := queue.Head()
	if step != nil {
		head = *step
	}
	if p.fails {
		return results["_failed_restart"]
	}
	return results[head.CallbackID]
}

// checkApp is checked when a leader writes the application databag: what it
// decides about a rollout follows from what it has read.
func (s *passage) checkApp() {
	n, p := s.n, s.p
	now, err := s.hook.ReadApp(0, n.model.App())
	n.check(err)
	was, is := invariant.RolloutOf(p.app), invariant.RolloutOf(now)
	n.must(invariant.RolloutEnds(p.unit, was, is, s.seen))
	mark := invariant.StepGrantOf(now)
	if mark == invariant.StepGrantOf(p.app) && invariant.GrantOf(now) == invariant.GrantOf(p.app) {
		return
	}
	n.must(invariant.StepMarked(p.unit, now))
	if mark.ID != 0 {
		n.must(invariant.StepGranted(p.unit, is, now["granted_unit"], s.seen))
	}
}

// seen is the databag of a unit as this hook knows it, nil if the unit is gone
// or leaving. The own one is as it will be.
func (s *passage) seen(number int) invariant.Bag {
	name := world.App + "/" + strconv.Itoa(number)
	switch p := s.n.proc(name); {
	case p == nil || p.dying:
		return nil
	case p == s.p:
		own, err := s.hook.ReadUnit(0, name)
		s.n.check(err)
		return own
	case s.others[name] != nil:
		return s.others[name]
	}
	return invariant.Bag{}
}

// committed is the same, as committed.
func (n *node) committed(number int) invariant.Bag {
	name := world.App + "/" + strconv.Itoa(number)
	if p := n.proc(name); p == nil || p.dying {
		return nil
	}
	return n.model.UnitDatabag(0, name)
}

// checkRecord is checked when a record was committed.
func (n *node) checkRecord(unit string, run jujusim.Run, was, now invariant.Bag) {
	if was["rollingops-rollout"] == now["rollingops-rollout"] {
		return
	}
	action := ""
	if run.Kind == jujusim.ActionRun {
		action = run.Name
	}
	n.must(invariant.RolloutMoved(unit, action, invariant.RolloutOf(was), invariant.RolloutOf(now)))
}
