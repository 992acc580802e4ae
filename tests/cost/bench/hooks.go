package bench

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/charmfacts"
)

// The hooks that are measured, in an application in which every unit but the
// leader waits for the lock and app/1 holds it.
const (
	// FollowerNoOp is a relation-changed on a unit that neither leads nor holds
	// the lock: of all hooks there are most of these.
	FollowerNoOp = "follower's no-op"
	// LeaderHeld is a relation-changed on the leader while the lock is held.
	LeaderHeld = "leader, lock held"
	// Grant is the leader's hook in which the holder's end is seen and the next
	// unit is granted the lock.
	Grant = "grant"
	// AttemptHook is the hook in which the holder runs its operation.
	AttemptHook = "attempt"
)

// HookNames are the hooks that are measured, in order.
var HookNames = []string{FollowerNoOp, LeaderHeld, Grant, AttemptHook}

const (
	leader, holder, follower = "app/0", "app/1", "app/2"
	peerRelation             = 0
)

// scene is a model in which a unit's next hook is the one to be measured.
type scene struct {
	unit  string
	model *jujusim.Model
	check func(Ran) error
}

// play runs the scene's hook in a copy of the model.
func (s scene) play(r *Rig) (Cost, error) {
	ran, err := step(r, s.model.Clone(), s.unit)
	if err != nil {
		return Cost{}, err
	}
	return ran.Cost, s.check(ran)
}

// step runs the one thing that a unit has to run next.
func step(r *Rig, m *jujusim.Model, unit string) (Ran, error) {
	hook, err := m.Begin(unit)
	if err != nil {
		return Ran{}, err
	}
	own, app := m.UnitDatabag(peerRelation, unit), m.AppDatabag(peerRelation)
	cost, exit, err := r.Execute(hook, 0)
	if err != nil {
		return Ran{}, err
	}
	ran := Ran{Run: hook.Run(), Cost: cost, Exit: exit}
	if err := hook.Finish(exit); err != nil {
		return ran, err
	}
	if exit != 0 {
		return ran, fmt.Errorf("%s on %s exited with %d", ran.Run, unit, exit)
	}
	if bag := m.UnitDatabag(peerRelation, unit); !maps.Equal(own, bag) {
		ran.Writes = append(ran.Writes, jujusim.Write{Unit: unit, Changes: bag})
	}
	if bag := m.AppDatabag(peerRelation); !maps.Equal(app, bag) {
		ran.Writes = append(ran.Writes, jujusim.Write{Changes: bag})
	}
	return ran, nil
}

// prepare sets the scenes for an application of n units, at least 3. What the
// databags hold is what the charm itself has written: the operation that one
// unit queues stands in the queues of all but the leader, whose grant to itself
// would start a worker.
func prepare(r *Rig, n int) (map[string]scene, error) {
	m, err := partly(r.Charm, n)
	if err != nil {
		return nil, err
	}
	before := m.UnitDatabag(peerRelation, holder)
	if _, err := m.EnqueueAction(holder, charmfacts.RestartAction, map[string]any{charmfacts.DelayParameter: 0}); err != nil {
		return nil, err
	}
	if _, err := step(r, m, holder); err != nil {
		return nil, err
	}
	waiting := changes(before, m.UnitDatabag(peerRelation, holder))
	if len(waiting) == 0 {
		return nil, errors.New("the action restart has written nothing to the unit's databag")
	}
	if ran, err := step(r, m, leader); err != nil {
		return nil, err
	} else if err := granted(ran); err != nil {
		return nil, err
	}
	for _, unit := range m.Units() {
		if unit != holder && unit != leader {
			if err := m.OverwriteUnitDatabag(peerRelation, unit, waiting); err != nil {
				return nil, err
			}
		}
	}
	if err := Settle(m, leader, follower); err != nil {
		return nil, err
	}
	return scenes(r, m)
}

// scenes branches off the four scenes from an application in which the holder's
// next hook is its attempt.
func scenes(r *Rig, m *jujusim.Model) (map[string]scene, error) {
	touched := func(unit string) *jujusim.Model {
		c := m.Clone()
		_ = c.OverwriteUnitDatabag(peerRelation, unit, map[string]string{"touched": "yes"}) // it has that unit
		return c
	}
	granting := m.Clone()
	ran, err := step(r, granting, holder)
	if err == nil {
		err = attempted(ran)
	}
	if err != nil {
		return nil, err
	}
	return map[string]scene{
		FollowerNoOp: {follower, touched(leader), quiet},
		LeaderHeld:   {leader, touched(follower), quiet},
		Grant:        {leader, granting, granted},
		AttemptHook:  {holder, m, attempted},
	}, nil
}

func quiet(ran Ran) error {
	if len(ran.Writes) > 0 || ran.Cost.Attempt > 0 {
		return fmt.Errorf("%s on %s should have had nothing to do", ran.Run, ran.Run.Unit)
	}
	return nil
}

func granted(ran Ran) error {
	for _, w := range ran.Writes {
		if w.Unit == "" {
			return nil
		}
	}
	return fmt.Errorf("%s on %s should have granted the lock", ran.Run, ran.Run.Unit)
}

func attempted(ran Ran) error {
	if ran.Cost.Attempt == 0 {
		return fmt.Errorf("%s on %s should have run the operation", ran.Run, ran.Run.Unit)
	}
	return nil
}

// partly returns a model of n units of which only the three that run hooks have
// seen the others.
func partly(charm *jujusim.Charm, n int) (*jujusim.Model, error) {
	m := jujusim.New(charm, jujusim.Options{App: "app", AutoElect: true, Now: time.Now})
	for range n {
		unit := m.AddUnit()
		hook, err := m.Begin(unit) // install: then it is in the relation
		if err != nil {
			return nil, err
		}
		if err := hook.Finish(0); err != nil {
			return nil, err
		}
	}
	return m, Settle(m, leader, holder, follower)
}

// changes returns the keys of after that are not as in before.
func changes(before, after map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range after {
		if before[key] != value {
			out[key] = value
		}
	}
	return out
}
