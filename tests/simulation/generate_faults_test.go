package simulation

import (
	"slices"
	"strconv"

	"rolling-ops/tests/simulation/world"
)

// faulty is what should not happen and does, one step or several in a row. The
// steps of a row are made between others.
var faulty = []choice{
	{4, at("elect")},
	{1, func(*world.World, source, *world.Machine) []world.Step { return []world.Step{{Verb: "depose"}} }},
	{3, coup},
	{2, lateCommit},
	{3, aimed(func(_ *world.World, s source, m *world.Machine) []world.Step {
		return []world.Step{{Verb: "skew", Unit: m.Name, Args: one(s, "0s", "5s", "-5s", "1m", "-1m", "-1h")}}
	})},
	{3, at("kill")},
	{3, at("fail")},
	{3, at("restart-agent")},
	{1, at("reboot")},
	{3, aimed(suspend)},
	{6, on("thaw")},
	{3, aboutUnit("hold")},
	{3, on("release")},
	{2, aboutUnit("repeat")},
	{2, at("lose-events")},
	{2, at("worker-kill")},
	{2, at("worker-lose")},
	{2, at("worker-twice")},
	{2, aimed(func(_ *world.World, s source, m *world.Machine) []world.Step {
		return []world.Step{{Verb: "worker-late", Unit: m.Name, Args: one(s, "5s", "3m")}}
	})},
	{1, on("corrupt")},
	{1, on("queue-unknown")},
	{2, aimed(foreignStamp)},
	{1, foreignLock},
	{3, oldView},
	{2, at("break")},
	{4, on("mend")},
	{1, func(*world.World, source, *world.Machine) []world.Step { return []world.Step{{Verb: "add-unit"}} }},
	{2, newcomer},
	{2, at("remove")},
	{1, leavingLeader},
	{1, leavingHolder},
	{1, at("remove-force")},
	{6, forcedRelease},
	{1, on("action", "clear-queue")},
}

// stamps are what others write as stamps.
var stamps = []string{"9999", "9999", "9998", "past", "unreadable", "none", "grant"}

// foreignStamp has somebody write a unit's stamp. An operator may clear the
// unit's queue then, or put the stamp back.
func foreignStamp(_ *world.World, s source, m *world.Machine) []world.Step {
	steps := []world.Step{{Verb: "stamp", Unit: m.Name, Args: one(s, stamps...)}, {Verb: "run", Unit: m.Name}}
	switch s.draw("after a foreign stamp", 4) {
	case 0:
		steps = append(steps, world.Step{Verb: "action", Unit: m.Name, Args: []string{"clear-queue"}}, world.Step{Verb: "run", Unit: m.Name})
	case 1:
		steps = append(steps, world.Step{Verb: "run", Unit: m.Name}, world.Step{Verb: "stamp", Unit: m.Name, Args: one(s, stamps...)})
	}
	return steps
}

// oldView has the leader read a stamp that somebody else has written, and hear
// no more of that unit. Under another leader the stamp is put back and the unit runs its
// operation. Then the first leads again, and has something to run itself.
func oldView(w *world.World, s source, m *world.Machine) []world.Step {
	leader := w.Model.Leader()
	other := w.Machines()[s.draw("other leader", len(w.Machines()))].Name
	run := func(unit string) world.Step { return world.Step{Verb: "run", Unit: unit} }
	if m.Name == leader || other == leader || other == m.Name {
		return []world.Step{run(m.Name)}
	}
	elect := func(unit string) []world.Step {
		return []world.Step{{Verb: "advance", Args: []string{"31s"}}, {Verb: "elect", Unit: unit}, run(unit), run(unit), run(unit)}
	}
	act := func(unit string, args ...string) []world.Step {
		return []world.Step{{Verb: "action", Unit: unit, Args: args}, run(unit)}
	}
	back := act(m.Name, "clear-queue")
	if s.draw("put back", 2) == 0 {
		back = []world.Step{{Verb: "stamp", Unit: m.Name, Args: one(s, stamps...)}, run(m.Name), run(m.Name)}
	}
	return slices.Concat(
		[]world.Step{{Verb: "stamp", Unit: m.Name, Args: one(s, stamps...)}, run(m.Name), run(m.Name), run(leader), run(leader), run(leader),
			{Verb: "hold", Unit: leader, Args: []string{world.Short(m.Name)}}},
		elect(other), back, act(m.Name, "restart", "delay=1"), []world.Step{run(other), run(other), run(other)}, into(m.Name),
		act(leader, "restart", "delay=1"), elect(leader), []world.Step{{Verb: "worker", Unit: leader}}, into(leader))
}

func foreignLock(w *world.World, s source, _ *world.Machine) []world.Step {
	leader := w.Model.Leader()
	return []world.Step{{Verb: "stamp-lock", Unit: leader, Args: one(s, stamps...)}, {Verb: "run", Unit: leader}}
}

// aboutUnit is a fault of events about a unit, or about the application.
func aboutUnit(verb string) func(*world.World, source, *world.Machine) []world.Step {
	return aimed(func(w *world.World, s source, m *world.Machine) []world.Step {
		names := append(w.Names(), "app")
		return []world.Step{{Verb: verb, Unit: m.Name, Args: []string{world.Short(names[s.draw("about", len(names))])}}}
	})
}

// coup takes the leadership from a leader in mid-hook, has the other leader do
// something, and gives it back.
func coup(w *world.World, s source, m *world.Machine) []world.Step {
	leader := w.Model.Leader()
	if leader == "" || m.Name == leader {
		return []world.Step{{Verb: "elect", Unit: m.Name}}
	}
	steps := []world.Step{{Verb: "begin", Unit: leader}}
	for range s.draw("steps into the hook", 6) {
		steps = append(steps, world.Step{Verb: "step", Unit: leader})
	}
	steps = append(steps, world.Step{Verb: "advance", Args: []string{"31s"}}, world.Step{Verb: "elect", Unit: m.Name})
	for range s.draw("runs of the other leader", 4) {
		steps = append(steps, world.Step{Verb: "run", Unit: m.Name})
	}
	steps = append(steps, world.Step{Verb: "advance", Args: []string{"31s"}}, world.Step{Verb: "elect", Unit: leader})
	if s.draw("hook ends", 3) > 0 {
		steps = append(steps, world.Step{Verb: "finish", Unit: leader})
	}
	return steps
}

// lateCommit suspends the leader between its last look at the clock and the
// commit, and elects another.
func lateCommit(w *world.World, _ source, m *world.Machine) []world.Step {
	leader := w.Model.Leader()
	if r := named(w, leader, m).Running; r == nil || r.CommitBy.IsZero() {
		return []world.Step{{Verb: "step", Unit: leader}}
	}
	return []world.Step{{Verb: "freeze", Unit: leader}, {Verb: "advance", Args: []string{"31s"}}, {Verb: "elect", Unit: m.Name},
		{Verb: "thaw", Unit: leader}, {Verb: "finish", Unit: leader}}
}

// suspend stops a machine for a while.
func suspend(_ *world.World, s source, m *world.Machine) []world.Step {
	return []world.Step{{Verb: "freeze", Unit: m.Name}, {Verb: "advance", Args: one(s, "10s", "25s", "2m")}, {Verb: "thaw", Unit: m.Name}}
}

// newcomer adds a unit that asks for the lock before all others have heard of it.
func newcomer(w *world.World, s source, m *world.Machine) []world.Step {
	if len(w.Names()) >= world.MaxUnits {
		return []world.Step{{Verb: "remove", Unit: m.Name}}
	}
	steps := []world.Step{{Verb: "add-unit"}}
	next := world.App + "/" + strconv.Itoa(w.Added)
	for range 5 { // install, leader-elected or not, config-changed, start, relation-created
		steps = append(steps, world.Step{Verb: "run", Unit: next})
	}
	steps = append(steps, world.Step{Verb: "hold", Unit: m.Name, Args: []string{world.Short(next)}})
	steps = append(steps, request(w, s, &world.Machine{Name: next})...)
	return append(steps, world.Step{Verb: "run", Unit: next}, world.Step{Verb: "run", Unit: w.Model.Leader()}, world.Step{Verb: "run", Unit: w.Model.Leader()},
		world.Step{Verb: "elect", Unit: m.Name}, world.Step{Verb: "run", Unit: m.Name})
}

// leavingLeader tells the leader to leave, and gives it something to do.
func leavingLeader(w *world.World, s source, m *world.Machine) []world.Step {
	leader := w.Model.Leader()
	steps := append([]world.Step{{Verb: "remove", Unit: leader}}, request(w, s, named(w, leader, m))...)
	return append(steps, world.Step{Verb: "run", Unit: leader}, world.Step{Verb: "run", Unit: leader})
}

// leavingHolder tells the holder to leave, and lets nothing else happen.
func leavingHolder(w *world.World, _ source, m *world.Machine) []world.Step {
	holder := named(w, w.AppBag()["granted_unit"], m).Name
	return []world.Step{{Verb: "remove", Unit: holder}, {Verb: "settle"}}
}

// forcedRelease takes the lock by force from a unit that works, when another
// unit waits for it, and lets that one begin.
func forcedRelease(w *world.World, s source, m *world.Machine) []world.Step {
	leader, holder := w.Model.Leader(), w.AppBag()["granted_unit"]
	if !slices.Contains(w.Check.Inside, holder) || holder == leader || holder == m.Name {
		return into(holder)
	}
	run := world.Step{Verb: "run", Unit: leader}
	steps := append(request(w, s, m), world.Step{Verb: "run", Unit: m.Name}, run, run, run, run)
	steps = append(steps, world.Step{Verb: "action", Unit: leader, Args: []string{"release-lock", "accept-two-at-once=true"}}, run, run)
	return append(append(steps, into(m.Name)...), into(m.Name)...)
}

// into goes on to where the callback of a run is, if it has one.
func into(unit string) []world.Step {
	steps := []world.Step{{Verb: "begin", Unit: unit}}
	for range 4 {
		steps = append(steps, world.Step{Verb: "step", Unit: unit})
	}
	return steps
}
