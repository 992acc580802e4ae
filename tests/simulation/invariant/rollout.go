package invariant

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/internal/codec"
)

// Rollout is the record of one as an application databag has it: the zero
// Rollout if there has been none.
type Rollout struct {
	ID          int    `json:"id"`
	Rev         int    `json:"rev"`
	Op          string `json:"op"`
	Kwargs      string `json:"kwargs"`
	At          string `json:"at"`
	Units       string `json:"units"`
	Order       string `json:"order"`
	MaxFailures int    `json:"max-failures"`
	Retries     int    `json:"retries"`
	Round       int    `json:"round"`
	State       string `json:"state"`
	Why         string `json:"why"`
	Skip        string `json:"skip"`
}

// RolloutOf is the record that an application databag holds.
func RolloutOf(app Bag) Rollout {
	var r Rollout
	if json.Unmarshal([]byte(app["rollingops-rollout"]), &r) != nil {
		return Rollout{}
	}
	return r
}

// Active reports whether the rollout has begun and not ended.
func (r Rollout) Active() bool { return r.State == "running" || r.State == "paused" }

// Names reports whether unit is one of the rollout's.
func (r Rollout) Names(unit string) bool { return slices.Contains(numbers(r.Units), number(unit)) }

func (r Rollout) skips(n int) bool { return slices.Contains(numbers(r.Skip), n) }

// Operation is what a step puts in front of its unit's queue.
func (r Rollout) Operation() (codec.Operation, error) {
	args, err := codec.ParseArgs([]byte(r.Kwargs))
	if err != nil {
		return codec.Operation{}, err
	}
	at, err := codec.ParseTimestamp(r.At)
	if err != nil {
		return codec.Operation{}, err
	}
	return codec.NewOperation(r.Op, args, at.Time(), &r.Retries)
}

// numbers reads a list such as 4,2,0 or 0-4.
func numbers(text string) []int {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			last, _ = strconv.Atoi(to)
		}
		for n, step := first, 1; ; n += step {
			if last < first {
				step = -1
			}
			if out = append(out, n); n == last {
				break
			}
		}
	}
	return out
}

// number is N of app/N, -1 without one.
func number(unit string) int {
	_, digits, _ := strings.Cut(unit, "/")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// Step is a unit's part in a rollout as its databag has it.
type Step struct {
	ID      int    `json:"id"`
	Round   int    `json:"round"`
	State   string `json:"state"`
	Granted string `json:"granted"`
}

// StepOf is the step that a unit databag holds.
func StepOf(unit Bag) Step {
	var s Step
	if json.Unmarshal([]byte(unit["rollingops-step"]), &s) != nil {
		return Step{}
	}
	return s
}

// StepGrant says for which rollout's step a grant is: the zero StepGrant for none.
type StepGrant struct {
	At string
	ID int
}

// StepGrantOf is what an application databag says of its grant.
func StepGrantOf(app Bag) StepGrant {
	at, id, _ := strings.Cut(app["rollingops-grant"], " ")
	n, err := strconv.Atoi(id)
	if err != nil {
		return StepGrant{}
	}
	return StepGrant{at, n}
}

// ForStep reports whether the lock of the application databag is held for a
// step of whichever rollout.
func ForStep(app Bag) bool {
	g := StepGrantOf(app)
	return g.ID != 0 && g.At == app["granted_at"]
}

// StepBegins holds if a unit that begins a step's operation does so on a running
// rollout that names it, after it has answered, as it has read the application
// databag. An attempt that has begun in an earlier hook goes on.
func StepBegins(unit string, read Bag, own Step) *Broken {
	r, g := RolloutOf(read), StepGrantOf(read)
	switch {
	case g.ID != r.ID || own.ID != r.ID:
		return broken("%s begins a step of rollout %d, it has answered %d and the rollout is %d", unit, g.ID, own.ID, r.ID)
	case own.State != "ready":
		return broken("%s begins its step, which is %s", unit, own.State)
	case !r.Names(unit):
		return broken("%s begins a step of rollout %d, which does not name it", unit, r.ID)
	case r.State != "running" && own.Granted != g.At:
		return broken("%s begins its step, and had read that the rollout is %s", unit, r.State)
	}
	return nil
}

// RetryOfStep holds if a unit that tries a step of rollout id again has not read
// that this one is aborted or another.
func RetryOfStep(unit string, read Bag, id int) *Broken {
	if Abandoned(read, id) {
		r := RolloutOf(read)
		return broken("%s tries its step of rollout %d again, and had read that rollout %d is %s", unit, id, r.ID, r.State)
	}
	return nil
}

// Abandoned reports whether who has read that drops the retry of a step of
// rollout id.
func Abandoned(read Bag, id int) bool {
	r := RolloutOf(read)
	return r.ID != id || r.State == "aborted"
}

// StepMoved holds if a unit's step goes on as one may: it answers a rollout that
// names it, or one that was resumed after it had failed; and it ends by an attempt
// at the step, as that does. tried says that there was one in this commit, or that
// the operator has cleared the queue; said is what its callback said, "" if none ran.
func StepMoved(unit string, read Bag, was, now Step, tried bool, said string) *Broken {
	r := RolloutOf(read)
	again := was.ID != now.ID || was.State == "failed" && was.Round < now.Round
	switch {
	case now.State == "ready" && said != "":
		return broken("%s is ready for its step of rollout %d, and has just tried it: %s", unit, now.ID, said)
	case was == now:
	case now.ID < was.ID:
		return broken("%s goes back from rollout %d to %d", unit, was.ID, now.ID)
	case was.ID == now.ID && was.State == "done":
		return broken("%s was done with rollout %d and is %s", unit, was.ID, now.State)
	case now.State == "ready" && was.ID == now.ID && was.State == "ready":
	case now.State == "ready" && (!again || r.ID != now.ID || !r.Active() || !r.Names(unit)):
		return broken("%s answers rollout %d, which has not asked it: %s then", unit, now.ID, was.State)
	case now.State == "ready":
	case was.ID != now.ID || !tried:
		return broken("%s says that its step of rollout %d is %s without an attempt", unit, now.ID, now.State)
	case now.State == "failed" && r.ID == now.ID && now.Round != r.Round:
		return broken("%s fails in round %d of rollout %d and had read that it is in round %d", unit, now.Round, now.ID, r.Round)
	case now.State == "done" && said != "done":
		return broken("%s says that its step is done, its operation said %q", unit, said)
	}
	return nil
}

// RolloutMoved holds if the record goes on as it may by that action, "" for none.
func RolloutMoved(by, action string, was, now Rollout) *Broken {
	if was == now {
		return nil
	}
	if now.ID != was.ID {
		if action != "start-rollout" || was.Active() || now.ID < was.ID || now.State != "running" {
			return broken("%s put rollout %d (%s) in the place of %d, which was %s", by, now.ID, now.State, was.ID, was.State)
		}
		return nil
	}
	may := map[string]string{"running paused pause-rollout": "operator", "paused running resume-rollout": "", "running running resume-rollout": "",
		"running aborted abort-rollout": "", "paused aborted abort-rollout": "", "running done ": ""}
	why, ok := may[was.State+" "+now.State+" "+action]
	switch {
	case now.Rev <= was.Rev:
		return broken("%s wrote revision %d after %d", by, now.Rev, was.Rev)
	case ok && why == now.Why:
	case was.State == "running" && now.State == "done":
	case was.State == "running" && now.State == "paused" && now.Why != "operator":
	default:
		return broken("%s made a rollout that was %s %s (%s) in %q", by, was.State, now.State, now.Why, action)
	}
	if now.Round != was.Round && now.Round != was.Round+1 || now.Units != was.Units {
		return broken("%s changed rollout %d: round %d to %d, units %s to %s", by, now.ID, was.Round, now.Round, was.Units, now.Units)
	}
	return nil
}

// phase is what the unit counts as; view is its databag, nil for a unit that is
// gone or leaving.
func (r Rollout) phase(n int, view Bag) string {
	s := StepOf(view)
	switch {
	case view == nil:
		return "gone"
	case s.ID == r.ID && s.State == "done":
		return "done"
	case r.skips(n):
		return "skipped"
	case s.ID != r.ID || s.State == "failed" && s.Round != r.Round:
		return "waiting"
	}
	return s.State
}

// StepGranted holds if a step's grant follows from what the leader has read:
// the rollout is running and bears another turn, the unit has answered, and nobody
// comes before it.
func StepGranted(by string, r Rollout, unit string, view func(n int) Bag) *Broken {
	units, turn := numbers(r.Units), number(unit)
	its := r.phase(turn, view(turn))
	failures := 0
	for _, n := range units {
		if p := r.phase(n, view(n)); p == "failing" || p == "failed" {
			failures++
		}
	}
	switch {
	case r.State != "running":
		return broken("%s grants a step of a rollout that is %s", by, r.State)
	case !slices.Contains(units, turn):
		return broken("%s grants a step to %s, which the rollout does not name", by, unit)
	case its != "ready" && its != "gone": // it may leave once the leader has looked
		return broken("%s grants a step to %s, which is %s", by, unit, its)
	case failures > r.MaxFailures:
		return broken("%s grants a step, and %d units have failed of at most %d", by, failures, r.MaxFailures)
	}
	for _, n := range r.inOrder(number(by)) {
		if n == turn {
			break
		}
		if p := r.phase(n, view(n)); p == "ready" || p == "waiting" {
			return broken("%s grants a step to %s before unit %d, which is %s", by, unit, n, p)
		}
	}
	return nil
}

// StepMarked holds if what an application databag says of its grant, after a
// write that gave it another mark or the lock another grant, is of this grant and
// of the rollout beside it.
func StepMarked(by string, now Bag) *Broken {
	mark := StepGrantOf(now)
	if mark.ID != 0 && (mark.At != now["granted_at"] || mark.ID != RolloutOf(now).ID) {
		return broken("%s marks a grant of %s as rollout %d's, and the lock is granted at %q in rollout %d",
			by, mark.At, mark.ID, now["granted_at"], RolloutOf(now).ID)
	}
	return nil
}

// inOrder are the units in the order of their turns, for that leader.
func (r Rollout) inOrder(leader int) []int {
	units := numbers(r.Units)
	if r.Order == "given" {
		return units
	}
	slices.SortFunc(units, func(a, b int) int {
		switch {
		case a == leader:
			return 1
		case b == leader:
			return -1
		}
		return b - a
	})
	return units
}

// RolloutEnds holds if a rollout that has ended well is done by all of its units
// that are left, as committed, and one that has stopped for a failure has one, in
// its present round.
func RolloutEnds(by string, was, now Rollout, view func(n int) Bag) *Broken {
	if was == now {
		return nil
	}
	failed := 0
	for _, n := range numbers(now.Units) {
		p := now.phase(n, view(n))
		if now.State == "done" && p != "done" && p != "skipped" && p != "gone" {
			return broken("%s ends rollout %d, and unit %d is %s", by, now.ID, n, p)
		}
		if p == "failed" {
			failed++
		}
	}
	if now.State == "paused" && now.Why == "failed" && was.State != "paused" && failed == 0 {
		return broken("%s pauses rollout %d for a failure, and nobody has failed in round %d", by, now.ID, now.Round)
	}
	return nil
}

// Rolling tells what is not done of a rollout: a running one does not rest, unless
// it waits for a unit that can't be read.
func Rolling(app Bag, view func(n int) Bag) string {
	r := RolloutOf(app)
	if r.State != "running" {
		return ""
	}
	for _, n := range numbers(r.Units) {
		if bag := view(n); bag != nil {
			if _, err := codec.ParseQueue(bag["operations"]); err != nil {
				return ""
			}
		}
	}
	return "rollout " + strconv.Itoa(r.ID) + " is running"
}
