package simulation

import (
	"slices"
	"strconv"
)

// faulty is what should not happen and does, one step or several in a row. The
// steps of a row are made between others.
var faulty = []choice{
	{4, at("elect")},
	{1, func(*world, source, *machine) []step { return []step{{verb: "depose"}} }},
	{3, coup},
	{2, lateCommit},
	{3, aimed(func(_ *world, s source, m *machine) []step {
		return []step{{verb: "skew", unit: m.name, args: one(s, "0s", "5s", "-5s", "1m", "-1m", "-1h")}}
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
	{2, aimed(func(_ *world, s source, m *machine) []step {
		return []step{{verb: "worker-late", unit: m.name, args: one(s, "5s", "3m")}}
	})},
	{1, on("corrupt")},
	{1, on("queue-unknown")},
	{2, at("break")},
	{4, on("mend")},
	{1, func(*world, source, *machine) []step { return []step{{verb: "add-unit"}} }},
	{2, newcomer},
	{2, at("remove")},
	{1, leavingLeader},
	{1, leavingHolder},
	{1, at("remove-force")},
	{6, forcedRelease},
	{1, on("action", "clear-queue")},
}

// aboutUnit is a fault of events about a unit, or about the application.
func aboutUnit(verb string) func(*world, source, *machine) []step {
	return aimed(func(w *world, s source, m *machine) []step {
		names := append(w.names(), "app")
		return []step{{verb: verb, unit: m.name, args: []string{short(names[s.draw("about", len(names))])}}}
	})
}

// coup takes the leadership from a leader in mid-hook, has the other leader do
// something, and gives it back.
func coup(w *world, s source, m *machine) []step {
	leader := w.model.Leader()
	if leader == "" || m.name == leader {
		return []step{{verb: "elect", unit: m.name}}
	}
	steps := []step{{verb: "begin", unit: leader}}
	for range s.draw("steps into the hook", 6) {
		steps = append(steps, step{verb: "step", unit: leader})
	}
	steps = append(steps, step{verb: "advance", args: []string{"31s"}}, step{verb: "elect", unit: m.name})
	for range s.draw("runs of the other leader", 4) {
		steps = append(steps, step{verb: "run", unit: m.name})
	}
	steps = append(steps, step{verb: "advance", args: []string{"31s"}}, step{verb: "elect", unit: leader})
	if s.draw("hook ends", 3) > 0 {
		steps = append(steps, step{verb: "finish", unit: leader})
	}
	return steps
}

// lateCommit suspends the leader between its last look at the clock and the
// commit, and elects another.
func lateCommit(w *world, _ source, m *machine) []step {
	leader := w.model.Leader()
	if r := w.named(leader, m).running; r == nil || r.commitBy.IsZero() {
		return []step{{verb: "step", unit: leader}}
	}
	return []step{{verb: "freeze", unit: leader}, {verb: "advance", args: []string{"31s"}}, {verb: "elect", unit: m.name},
		{verb: "thaw", unit: leader}, {verb: "finish", unit: leader}}
}

// suspend stops a machine for a while.
func suspend(_ *world, s source, m *machine) []step {
	return []step{{verb: "freeze", unit: m.name}, {verb: "advance", args: one(s, "10s", "25s", "2m")}, {verb: "thaw", unit: m.name}}
}

// newcomer adds a unit that asks for the lock before all others have heard of it.
func newcomer(w *world, s source, m *machine) []step {
	if len(w.names()) >= maxUnits {
		return []step{{verb: "remove", unit: m.name}}
	}
	steps := []step{{verb: "add-unit"}}
	next := app + "/" + strconv.Itoa(w.added)
	for range 5 { // install, leader-elected or not, config-changed, start, relation-created
		steps = append(steps, step{verb: "run", unit: next})
	}
	steps = append(steps, step{verb: "hold", unit: m.name, args: []string{short(next)}})
	steps = append(steps, request(w, s, &machine{name: next})...)
	return append(steps, step{verb: "run", unit: next}, step{verb: "run", unit: w.model.Leader()}, step{verb: "run", unit: w.model.Leader()},
		step{verb: "elect", unit: m.name}, step{verb: "run", unit: m.name})
}

// leavingLeader tells the leader to leave, and gives it something to do.
func leavingLeader(w *world, s source, m *machine) []step {
	leader := w.model.Leader()
	steps := append([]step{{verb: "remove", unit: leader}}, request(w, s, w.named(leader, m))...)
	return append(steps, step{verb: "run", unit: leader}, step{verb: "run", unit: leader})
}

// leavingHolder tells the holder to leave, and lets nothing else happen.
func leavingHolder(w *world, _ source, m *machine) []step {
	holder := w.named(w.appBag()["granted_unit"], m).name
	return []step{{verb: "remove", unit: holder}, {verb: "settle"}}
}

// forcedRelease takes the lock by force from a unit that works, when another
// unit waits for it, and lets that one begin.
func forcedRelease(w *world, s source, m *machine) []step {
	leader, holder := w.model.Leader(), w.appBag()["granted_unit"]
	if !slices.Contains(w.check.inside, holder) || holder == leader || holder == m.name {
		return into(holder)
	}
	run := step{verb: "run", unit: leader}
	steps := append(request(w, s, m), step{verb: "run", unit: m.name}, run, run, run, run)
	steps = append(steps, step{verb: "action", unit: leader, args: []string{"release-lock", "accept-two-at-once=true"}}, run, run)
	return append(append(steps, into(m.name)...), into(m.name)...)
}

// into goes on to where the callback of a run is, if it has one.
func into(unit string) []step {
	steps := []step{{verb: "begin", unit: unit}}
	for range 4 {
		steps = append(steps, step{verb: "step", unit: unit})
	}
	return steps
}
