package simulation

import (
	"slices"
	"strconv"
	"strings"

	"rolling-ops/tests/simulation/world"
)

// rolling is what operators do about rollouts, mostly on the leader.
var rolling = []choice{
	{12, startRollout},
	{3, operate("pause-rollout")},
	{8, resumeRollout},
	{2, operate("abort-rollout")},
	{4, at("break")},
	{4, on("mend")},
	{2, abortAndStart},
}

// operator is an action about a rollout, run at once; now and then on a unit that
// does not lead, which refuses it.
func operator(w *world.World, s source, m *world.Machine, args ...string) []world.Step {
	unit := named(w, w.Model.Leader(), m).Name
	if s.draw("on a follower", 10) == 0 {
		unit = m.Name
	}
	return []world.Step{{Verb: "action", Unit: unit, Args: args}, {Verb: "run", Unit: unit}}
}

func operate(action string) func(*world.World, source, *world.Machine) []world.Step {
	return func(w *world.World, s source, m *world.Machine) []world.Step { return operator(w, s, m, action) }
}

func startRollout(w *world.World, s source, m *world.Machine) []world.Step {
	args := []string{"start-rollout", "delay=" + strconv.Itoa(s.draw("delay", 3)), "retries=" + strconv.Itoa(s.draw("retries", 3)),
		"max-failures=" + strconv.Itoa(s.draw("max-failures", 2))}
	args = append(args, one(s, "pause-after=none", "pause-after=none", "pause-after=first", "pause-after=each")...)
	if s.draw("given units", 3) == 0 {
		args = append(args, "units="+someUnits(w, s))
	}
	return operator(w, s, m, args...)
}

// someUnits are at least one, in any order.
func someUnits(w *world.World, s source) string {
	var out, left []string
	for _, name := range w.Names() {
		left = append(left, world.Short(name))
	}
	for range 1 + s.draw("how many units", len(left)) {
		i := s.draw("which unit", len(left))
		out, left = append(out, left[i]), slices.Delete(left, i, i+1)
	}
	return strings.Join(out, ",")
}

func resumeRollout(w *world.World, s source, m *world.Machine) []world.Step {
	if s.draw("skip", 4) == 0 {
		return operator(w, s, m, "resume-rollout", "skip="+world.Short(m.Name))
	}
	return operator(w, s, m, "resume-rollout")
}

// abortAndStart puts another rollout in the place of one, with retries of that
// still in queues.
func abortAndStart(w *world.World, s source, m *world.Machine) []world.Step {
	return append(operator(w, s, m, "abort-rollout"), startRollout(w, s, m)...)
}
