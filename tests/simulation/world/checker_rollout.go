package world

import (
	"encoding/json"
	"maps"
	"strconv"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
)

// reads are the databags that a run was answered with, the application's by the
// name of that.
type reads map[string]invariant.Bag

// noteAnswer keeps what relation-get answered.
func (r *running) noteAnswer(unit string, answer []byte) {
	var bag invariant.Bag
	if json.Unmarshal(answer, &bag) != nil {
		return // one value, of a databag that is too large
	}
	if r.reads == nil {
		r.reads = make(reads)
	}
	if _, ok := r.reads[unit]; !ok { // later it has what the run wrote
		r.reads[unit] = bag
	}
}

// appRead is the application databag as the run that is ending has read it.
func (c *checker) appRead() invariant.Bag {
	if c.w.ending == nil {
		return nil
	}
	return c.w.ending.reads[App]
}

// tries is how often one operation ran, how often the hook failed then, and for
// which rollout it is a step, if it is one's.
type tries struct{ runs, lost, rollout int }

// of is the tries of an operation of the unit's queue.
func (u *record) of(op codec.Operation) *tries {
	if u.tries == nil {
		u.tries = make(map[string]*tries)
	}
	key := nameOf(op)
	if u.tries[key] == nil {
		u.tries[key] = &tries{}
	}
	return u.tries[key]
}

func nameOf(op codec.Operation) string {
	return op.CallbackID + op.Kwargs.JSON() + op.RequestedAt.String()
}

// stepOf is the operation that the unit puts in front of its queue, if what its
// run has read grants it the lock for its step.
func (c *checker) stepOf(unit string, read invariant.Bag) *codec.Operation {
	r, own := invariant.RolloutOf(read), c.unit(unit).step
	if read["granted_unit"] != unit || !invariant.ForStep(read) || own.State != "ready" || own.ID != r.ID {
		return nil
	}
	op, err := r.Operation()
	if err != nil {
		c.w.violation("the record of rollout %d has no operation: %v", r.ID, err)
	}
	return &op
}

// head is the operation that the unit's attempt is at, nil if there is none: the
// step's if the lock is granted for that, else the head of its queue.
func (c *checker) head(unit string, read invariant.Bag) (op *codec.Operation, step bool) {
	u := c.unit(unit)
	if op := c.stepOf(unit, read); op != nil {
		return op, true
	}
	if len(u.queue) == 0 {
		return nil, false
	}
	return &u.queue[0], false
}

// enterStep is the begin of a callback whose unit had read that the lock is
// granted for a step. It returns the databag with the step's operation in front.
func (c *checker) enterStep(unit string, read invariant.Bag) invariant.Bag {
	u, own := c.unit(unit), c.w.UnitBag(unit)
	c.w.must(invariant.StepBegins(unit, read, u.step))
	op := c.stepOf(unit, read)
	text, err := append(codec.Queue{*op}, u.queue...).Encode()
	if err != nil {
		c.w.violation("the queue of %s with its step can't be written: %v", unit, err)
	}
	own = maps.Clone(own)
	own["operations"] = text
	c.w.cover.matter("rollout resumed", invariant.RolloutOf(read).Round > 0 && u.failedIn == u.step.ID)
	return own
}

// stepWritten checks the unit's step as it was committed.
func (c *checker) stepWritten(e jujusim.Event, u *record, a invariant.Attempt, bag invariant.Bag) {
	was, now := u.step, invariant.StepOf(bag)
	u.step = now
	ended := u.ended && a.OfStep
	tried := e.Run.Name == "clear-queue" || ended && (a.Ran || a.CutShort || a.Abandoned)
	said := ""
	if ended && a.Ran {
		said = a.Result
	}
	c.w.must(invariant.StepMoved(e.Unit, c.appRead(), was, now, tried, said))
	if was == now {
		return
	}
	c.forward++
	switch now.State {
	case "done":
		c.w.cover.matter("rollout started", true)
	case "failed":
		u.failedIn = now.ID
	case "ready":
		if op, err := invariant.RolloutOf(c.appRead()).Operation(); err == nil && was.State != "ready" {
			delete(u.tries, nameOf(op))
		}
	}
}

// view is the databag of the unit with that number as the leader's run has read it,
// nil if the unit is gone or leaving. Its own is as committed.
func (c *checker) view(leader string) func(n int) invariant.Bag {
	return func(n int) invariant.Bag {
		name := App + "/" + strconv.Itoa(n)
		if info, ok := c.w.Model.Unit(name); !ok || info.Life == "dying" {
			return nil
		}
		if name == leader {
			return c.w.UnitBag(name)
		}
		if c.w.ending != nil && c.w.ending.reads[name] != nil {
			return c.w.ending.reads[name]
		}
		return invariant.Bag{}
	}
}

// committedView is the same as committed.
func (c *checker) committedView(n int) invariant.Bag {
	name := App + "/" + strconv.Itoa(n)
	if info, ok := c.w.Model.Unit(name); !ok || info.Life == "dying" {
		return nil
	}
	return c.w.UnitBag(name)
}

// rolloutCommands are the actions that change a rollout, with the fault that
// each of them is in the table.
var rolloutCommands = map[string]string{"start-rollout": "rollout started", "pause-rollout": "rollout paused",
	"resume-rollout": "rollout resumed", "abort-rollout": "rollout aborted"}

// rolloutWritten checks the record and the step's grant as they were committed.
func (c *checker) rolloutWritten(e jujusim.Event, app invariant.Bag, lockMoved bool) {
	was, now := c.rollout, invariant.RolloutOf(app)
	wasGrant, grant := c.stepGrant, invariant.StepGrantOf(app)
	c.rollout, c.stepGrant = now, grant
	action := ""
	if rolloutCommands[e.Run.Name] != "" {
		action = e.Run.Name
	}
	c.w.must(invariant.RolloutMoved(e.Unit, action, was, now))
	view := c.view(e.Unit)
	c.w.must(invariant.RolloutEnds(e.Unit, was, now, view))
	if was != now {
		c.forward++
		if action != "" {
			c.w.cover.fire(rolloutCommands[action])
		}
	}
	if grant.ID != 0 && (grant != wasGrant || lockMoved) {
		c.w.must(invariant.StepMarked(e.Unit, app))
		c.w.must(invariant.StepGranted(e.Unit, now, app["granted_unit"], view))
	}
}

// rolledOut checks that what an action said of a rollout is so.
func (c *checker) rolledOut(a *jujusim.ActionResult) {
	token, ok := a.Results["token"].(string)
	if !ok || a.Status != jujusim.ActionCompleted || a.Results["changed"] != "true" {
		return
	}
	if is := strconv.Itoa(c.rollout.ID) + "." + strconv.Itoa(c.rollout.Rev); is != token || a.Results["state"] != c.rollout.State {
		c.w.violation("%s on %s answered %s, %v: the rollout is %s, %s", a.Name, a.Unit, token, a.Results["state"], is, c.rollout.State)
	}
}
