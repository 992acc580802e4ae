package simulation

import (
	"strconv"
	"time"
)

// source makes the scheduler's choices: 0 <= draw(n) < n.
type source interface {
	draw(label string, n int) int
}

// profile says how much of what happens in a random schedule.
type profile struct {
	units, steps int
	options
	weights []weighted
	total   int
}

type weighted struct {
	weight int
	next   func(w *world, s source, m *machine) step
}

// newProfile draws the shape of a simulation.
func newProfile(s source) profile {
	p := profile{
		units: 2 + s.draw("units", 4),
		steps: 50 * (1 + s.draw("steps", 12)),
		options: options{
			LostDepartures: s.draw("lost departures", 4) == 3,
			QuietWriter:    s.draw("quiet writer", 4) == 3,
			EarlyDeparture: s.draw("early departures", 4) == 3,
			RetryDelay:     []time.Duration{0, 5 * time.Second, time.Minute}[s.draw("retry delay", 3)],
		},
	}
	// Each simulation has its own mix: some faults often, some never.
	intensity := s.draw("fault intensity", 4)
	for _, f := range ordinary {
		p.weights = append(p.weights, f)
		p.total += f.weight
	}
	for _, f := range faulty {
		weight := f.weight * intensity * s.draw("fault weight", 3)
		p.weights = append(p.weights, weighted{weight, f.next})
		p.total += weight
	}
	return p
}

// choose draws the next step.
func (p *profile) choose(w *world, s source) step {
	pick := s.draw("step", p.total)
	machines := w.machines()
	if len(machines) == 0 {
		return step{verb: "add-unit"}
	}
	m := machines[s.draw("unit", len(machines))]
	for _, f := range p.weights {
		if pick < f.weight {
			return f.next(w, s, m)
		}
		pick -= f.weight
	}
	panic("unreachable")
}

func on(verb string, args ...string) func(*world, source, *machine) step {
	return func(_ *world, _ source, m *machine) step { return step{verb: verb, unit: m.name, args: args} }
}

func always(verb string) func(*world, source, *machine) step {
	return func(*world, source, *machine) step { return step{verb: verb} }
}

// ordinary is what happens in every cluster. The leader and the holder get
// more than their share, so that a schedule is full of grants and attempts.
var ordinary = []weighted{
	{300, progress},
	{200, func(w *world, s source, m *machine) step {
		return progress(w, s, w.named(w.appBag()["granted_unit"], m))
	}},
	{100, func(w *world, s source, m *machine) step { return progress(w, s, w.named(w.model.Leader(), m)) }},
	{200, on("run")},
	{100, on("finish")},
	{60, request},
	{100, on("worker")},
	{60, func(_ *world, s source, _ *machine) step {
		return step{verb: "advance", args: durations(s, 4, "next", "1s", "2s", "10s")}
	}},
	{12, func(_ *world, s source, _ *machine) step {
		return step{verb: "advance", args: durations(s, 4, "31s", "25s", "15s", "2m")}
	}},
	{4, on("update-status")},
}

// named is the machine of a unit, or another if there is none.
func (w *world) named(unit string, other *machine) *machine {
	if m := w.units[unit]; m != nil {
		return m
	}
	return other
}

// faulty is what should not happen and does.
var faulty = []weighted{
	{6, on("elect")},
	{2, func(w *world, _ source, _ *machine) step {
		return step{verb: "elect", unit: w.appBag()["granted_unit"]}
	}},
	{1, always("depose")},
	{2, func(_ *world, s source, m *machine) step {
		return step{verb: "skew", unit: m.name, args: durations(s, 6, "0s", "5s", "-5s", "1m", "-1m", "-1h")}
	}},
	{3, on("kill")},
	{3, on("fail")},
	{3, on("restart-agent")},
	{1, on("reboot")},
	{3, on("freeze")},
	{12, on("thaw")},
	{2, eventFault("hold")},
	{3, on("release")},
	{2, eventFault("repeat")},
	{2, on("lose-events")},
	{2, on("worker-kill")},
	{2, on("worker-lose")},
	{2, on("worker-twice")},
	{2, func(_ *world, s source, m *machine) step {
		return step{verb: "worker-late", unit: m.name, args: durations(s, 2, "5s", "3m")}
	}},
	{1, on("corrupt")},
	{1, on("queue-unknown")},
	{2, on("break")},
	{4, on("mend")},
	{2, always("add-unit")},
	{2, on("remove")},
	{1, on("remove-force")},
	{1, func(w *world, _ source, _ *machine) step {
		return step{verb: "action", unit: w.model.Leader(), args: []string{"release-lock", "accept-two-at-once=true"}}
	}},
	{1, on("action", "clear-queue")},
}

// progress moves a run on, or begins one.
func progress(_ *world, _ source, m *machine) step {
	if m.running != nil {
		return step{verb: "step", unit: m.name}
	}
	return step{verb: "begin", unit: m.name}
}

func request(_ *world, s source, m *machine) step {
	args := []string{[]string{"restart", "failed-restart", "deferred-restart"}[s.draw("action", 3)]}
	args = append(args, "delay="+strconv.Itoa(s.draw("delay", 4)))
	if args[0] != "restart" {
		args = append(args, "max-retry="+strconv.Itoa(s.draw("max-retry", 3)))
	}
	return step{verb: "action", unit: m.name, args: args}
}

func durations(s source, n int, choices ...string) []string {
	return []string{choices[s.draw("duration", n)%len(choices)]}
}

func eventFault(verb string) func(*world, source, *machine) step {
	return func(w *world, s source, m *machine) step {
		names := append(w.names(), "app")
		return step{verb: verb, unit: m.name, args: []string{short(names[s.draw("about", len(names))])}}
	}
}
