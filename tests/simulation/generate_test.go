package simulation

import (
	"slices"
	"strconv"
	"time"

	"rolling-ops/tests/simulation/world"
)

// source makes the scheduler's choices: 0 <= draw(n) < n.
type source interface {
	draw(label string, n int) int
}

// profile says what a random schedule is like.
type profile struct {
	units, steps int
	world.Options
	longQueue bool // one unit starts with 1,000 operations
	drained   bool // and is not relieved of them in the end
	choices   []choice
	total     int          // of the weights
	plan      []world.Step // what is to follow, between other steps
}

type choice struct {
	weight int
	next   func(w *world.World, s source, m *world.Machine) []world.Step
}

// newProfile draws the shape of a simulation.
func newProfile(s source) profile {
	p := profile{
		units: 1 + s.draw("units", 5),
		steps: 50 * (1 + s.draw("steps", 12)),
		Options: world.Options{
			LostDepartures: s.draw("lost departures", 4) == 3,
			QuietWriter:    s.draw("quiet writer", 4) == 3,
			EarlyDeparture: s.draw("early departures", 4) == 3,
			RetryDelay:     []time.Duration{0, 5 * time.Second, time.Minute}[s.draw("retry delay", 3)],
		},
	}
	if s.draw("long queue", 400) == 399 {
		p.longQueue, p.steps = true, min(p.steps, 150)
		p.drained = s.draw("drained", 20) == 19
	}
	// Only a cluster that has to come to rest shows what got stuck.
	rests := []int{2, 10, 40}[s.draw("settle", 3)]
	if p.longQueue {
		rests = 0 // that would take long
	}
	p.add(rests, choice{next: func(*world.World, source, *world.Machine) []world.Step { return []world.Step{{Verb: "settle"}} }})
	// Each simulation has its own mix: some faults often, some never.
	intensity := s.draw("fault intensity", 4)
	for _, c := range ordinary {
		p.add(c.weight, c)
	}
	for _, c := range faulty {
		p.add(c.weight*intensity*s.draw("fault weight", 3), c)
	}
	often := []int{0, 1, 6}[s.draw("rollouts", 3)]
	for _, c := range rolling {
		p.add(c.weight*often, c)
	}
	return p
}

func (p *profile) add(weight int, c choice) {
	p.choices = append(p.choices, choice{weight, c.next})
	p.total += weight
}

// simulate makes the steps of a random schedule.
func (p *profile) simulate(w *world.World, s source) {
	for range p.units {
		w.MustDo(world.Step{Verb: "add-unit"})
	}
	w.MustDo(world.Step{Verb: "settle"})
	if p.longQueue {
		w.MustDo(world.Step{Verb: "fill", Unit: w.Names()[0], Args: []string{"1000"}})
	}
	for range p.steps {
		_ = w.Do(p.next(w, s)) // an impossible step is none
	}
	if p.longQueue && !p.drained {
		for _, name := range w.Names() {
			w.MustDo(world.Step{Verb: "action", Unit: name, Args: []string{"clear-queue"}})
		}
	}
	w.MustDo(world.Step{Verb: "settle"})
}

// next draws the next step.
func (p *profile) next(w *world.World, s source) world.Step {
	if len(p.plan) == 0 || s.draw("off the plan", 3) == 0 {
		drawn := p.choose(w, s)
		p.plan = append(drawn, p.plan...)
	}
	next := p.plan[0]
	p.plan = p.plan[1:]
	return next
}

func (p *profile) choose(w *world.World, s source) []world.Step {
	pick := s.draw("step", p.total)
	machines := w.Machines()
	if len(machines) == 0 {
		return []world.Step{{Verb: "add-unit"}}
	}
	m := machines[s.draw("unit", len(machines))]
	for _, c := range p.choices {
		if pick < c.weight {
			return c.next(w, s, m)
		}
		pick -= c.weight
	}
	panic("unreachable")
}

func on(verb string, args ...string) func(*world.World, source, *world.Machine) []world.Step {
	return func(_ *world.World, _ source, m *world.Machine) []world.Step {
		return []world.Step{{Verb: verb, Unit: m.Name, Args: args}}
	}
}

// at is a step aimed at where it is likely to matter: a unit in its operation
// or in another hook, the leader, the holder.
func at(verb string, args ...string) func(*world.World, source, *world.Machine) []world.Step {
	return aimed(on(verb, args...))
}

func aimed(next func(*world.World, source, *world.Machine) []world.Step) func(*world.World, source, *world.Machine) []world.Step {
	return func(w *world.World, s source, m *world.Machine) []world.Step { return next(w, s, aim(w, s, m)) }
}

func aim(w *world.World, s source, m *world.Machine) *world.Machine {
	busy := func(in func(*world.Machine) bool) *world.Machine {
		if i := slices.IndexFunc(w.Machines(), in); i >= 0 {
			return w.Machines()[i]
		}
		return m
	}
	switch s.draw("aim", 6) {
	case 1:
		return named(w, w.Model.Leader(), m)
	case 2:
		return named(w, w.AppBag()["granted_unit"], m)
	case 3:
		return busy(func(m *world.Machine) bool { return m.Running != nil })
	case 4, 5:
		return busy(func(m *world.Machine) bool { return m.Running != nil && m.Running.At == "callback" })
	}
	return m
}

// named is the machine of a unit, or another if there is none.
func named(w *world.World, unit string, other *world.Machine) *world.Machine {
	if m := w.Units[unit]; m != nil {
		return m
	}
	return other
}

// ordinary is what happens in every cluster. The leader and the holder get
// more than their share, so that a schedule is full of grants and attempts.
var ordinary = []choice{
	{300, progress},
	{200, func(w *world.World, s source, m *world.Machine) []world.Step {
		return progress(w, s, named(w, w.AppBag()["granted_unit"], m))
	}},
	{100, func(w *world.World, s source, m *world.Machine) []world.Step {
		return progress(w, s, named(w, w.Model.Leader(), m))
	}},
	{250, wholly},
	{60, request},
	{100, on("worker")},
	{60, func(_ *world.World, s source, _ *world.Machine) []world.Step {
		return []world.Step{{Verb: "advance", Args: one(s, "next", "1s", "2s", "10s")}}
	}},
	{12, func(_ *world.World, s source, _ *world.Machine) []world.Step {
		return []world.Step{{Verb: "advance", Args: one(s, "31s", "25s", "15s", "2m")}}
	}},
	{4, on("update-status")},
}

// progress moves a run on, or begins one. Callbacks take their time.
func progress(_ *world.World, s source, m *world.Machine) []world.Step {
	switch {
	case m.Running == nil:
		return []world.Step{{Verb: "begin", Unit: m.Name}}
	case m.Running.At == "callback" && s.draw("callback goes on", 4) > 0:
		return []world.Step{{Verb: "advance", Args: []string{"1s"}}}
	}
	return []world.Step{{Verb: "step", Unit: m.Name}}
}

// wholly makes a run in one go, unless it may have a callback in it.
func wholly(w *world.World, s source, m *world.Machine) []world.Step {
	if w.AppBag()["granted_unit"] == m.Name {
		return progress(w, s, m)
	}
	return []world.Step{{Verb: "run", Unit: m.Name}}
}

func request(_ *world.World, s source, m *world.Machine) []world.Step {
	args := one(s, "restart", "failed-restart", "deferred-restart")
	args = append(args, "delay="+strconv.Itoa(s.draw("delay", 4)))
	if args[0] != "restart" {
		args = append(args, "max-retry="+strconv.Itoa(s.draw("max-retry", 3)))
	}
	return []world.Step{{Verb: "action", Unit: m.Name, Args: args}}
}

// one of the choices, as the one argument of a step.
func one(s source, choices ...string) []string {
	return []string{choices[s.draw("argument", len(choices))]}
}
