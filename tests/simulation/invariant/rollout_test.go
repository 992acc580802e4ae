package invariant

import (
	"fmt"
	"strings"
	"testing"
)

// record is the record of rollout 1 over units 0 to 2, running unless more says
// otherwise.
func record(more string) Bag {
	fields := map[string]string{"id": "1", "rev": "1", "op": `"_restart"`, "kwargs": `"{}"`, "at": `"` + stampAt(0) + `"`, "units": `"0-2"`,
		"order": `"auto"`, "state": `"running"`}
	for field := range strings.FieldsSeq(more) {
		key, value, _ := strings.Cut(field, "=")
		fields[key] = value
	}
	var b strings.Builder
	for key, value := range fields {
		fmt.Fprintf(&b, `,"%s":%s`, key, value)
	}
	return Bag{"rollingops-rollout": "{" + b.String()[1:] + "}"}
}

// markedFor is the record with the lock granted to unit for its step.
func markedFor(unit, more string) Bag {
	bag := record(more)
	bag["granted_unit"], bag["granted_at"], bag["rollingops-grant"] = unit, stampAt(1), stampAt(1)+" 1"
	return bag
}

// stepText is a step of rollout 1: its state and round.
func stepText(state string, round int) Bag {
	return Bag{"rollingops-step": fmt.Sprintf(`{"id":1,"round":%d,"state":"%s"}`, round, state), "operations": "[]"}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "[]"},
		{"3", "[3]"},
		{"0-3", "[0 1 2 3]"},
		{"4-2,0", "[4 3 2 0]"},
		{"5-5", "[5]"},
	} {
		t.Run(test.text, func(t *testing.T) {
			if got := fmt.Sprint(numbers(test.text)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestStepBegins(t *testing.T) {
	ready := Step{ID: 1, State: "ready"}
	for _, test := range []struct {
		name string
		read Bag
		own  Step
		want string
	}{
		{"as it should", markedFor(a, ""), ready, ""},
		{"paused", markedFor(a, `state="paused"`), ready, "had read that the rollout is paused"},
		{"aborted", markedFor(a, `state="aborted"`), ready, "had read that the rollout is aborted"},
		{"paused, and begun before", markedFor(a, `state="paused"`), Step{ID: 1, State: "ready", Granted: stampAt(1)}, ""},
		{"paused, and begun under another grant", markedFor(a, `state="paused"`), Step{ID: 1, State: "ready", Granted: stampAt(0)}, "is paused"},
		{"done already", markedFor(a, ""), Step{ID: 1, State: "done"}, "which is done"},
		{"it has answered another", markedFor(a, ""), Step{ID: 2, State: "ready"}, "it has answered 2"},
		{"the record is of another", markedFor(a, "id=2"), Step{ID: 2, State: "ready"}, "begins a step of rollout 1"},
		{"not one of its units", markedFor(a, `units="1,2"`), ready, "does not name it"},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, StepBegins(a, test.read, test.own), test.want) })
	}
}

func TestRetryOfStep(t *testing.T) {
	for _, test := range []struct {
		name string
		read Bag
		want string
	}{
		{"running", record(""), ""},
		{"paused: what has begun goes on", record(`state="paused"`), ""},
		{"aborted", record(`state="aborted"`), "rollout 1 is aborted"},
		{"another one", record("id=2"), "rollout 2 is running"},
		{"none", Bag{}, "rollout 0 is"},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, RetryOfStep(a, test.read, 1), test.want) })
	}
}

func TestStepMoved(t *testing.T) {
	none, ready, done := Step{}, Step{ID: 1, State: "ready"}, Step{ID: 1, State: "done"}
	failing, failed := Step{ID: 1, State: "failing"}, Step{ID: 1, State: "failed"}
	again := Step{ID: 1, State: "ready", Round: 1}
	for _, test := range []struct {
		name     string
		read     Bag
		was, now Step
		tried    bool
		said     string
		want     string
	}{
		{"nothing", record(""), none, none, false, "", ""},
		{"an answer", record(""), none, ready, false, "", ""},
		{"an answer to a paused one", record(`state="paused"`), none, ready, false, "", ""},
		{"an answer to an aborted one", record(`state="aborted"`), none, ready, false, "", "which has not asked it"},
		{"an answer to one that does not name it", record(`units="1"`), none, ready, false, "", "which has not asked it"},
		{"an answer to the next one", record("id=2"), done, Step{ID: 2, State: "ready"}, false, "", ""},
		{"an answer to the one before", record(""), Step{ID: 2, State: "done"}, ready, false, "", "goes back from rollout 2 to 1"},
		{"done", record(""), ready, done, true, "done", ""},
		{"done without an attempt", record(""), ready, done, false, "", "without an attempt"},
		{"done, and its operation failed", record(""), ready, done, true, "retry_hold", `its operation said "retry_hold"`},
		{"done twice", record(""), done, Step{ID: 1, State: "done", Granted: stampAt(1)}, true, "done", "was done with rollout 1"},
		{"ready after it was done", record(""), done, ready, false, "", "was done with rollout 1"},
		{"failing", record(""), ready, failing, true, "retry_hold", ""},
		{"failed", record(""), failing, failed, true, "retry_hold", ""},
		{"failed in an old round", record("round=1"), ready, failed, true, "retry_hold", "fails in round 0"},
		{"failed, and ready in the same commit", record("round=1"), ready, again, true, "retry_hold", "has just tried it"},
		{"ready again after a resume", record("round=1"), failed, again, false, "", ""},
		{"ready again without a resume", record(""), failed, ready, false, "", "which has not asked it"},
		{"failing, and ready again", record("round=1"), failing, again, false, "", "which has not asked it"},
		{"it notes that it has begun", record(""), ready, Step{ID: 1, State: "ready", Granted: stampAt(1)}, false, "", ""},
		{"done with one that it has not answered", record(""), none, done, true, "done", "without an attempt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, StepMoved(a, test.read, test.was, test.now, test.tried, test.said), test.want)
		})
	}
}

func TestRolloutMoved(t *testing.T) {
	for _, test := range []struct {
		name, action, was, now string
		want                   string
	}{
		{"as it was", "", "", "", ""},
		{"paused by an operator", "pause-rollout", "", `rev=2 state="paused" why="operator"`, ""},
		{"the same by nobody", "", "", `rev=2 state="paused" why="operator"`, "made a rollout that was running paused"},
		{"the same by another action", "abort-rollout", "", `rev=2 state="paused" why="operator"`, "made a rollout that was running paused"},
		{"the same in the old revision", "pause-rollout", "", `state="paused" why="operator"`, "wrote revision 1 after 1"},
		{"a canary", "", "", `rev=2 state="paused" why="canary"`, ""},
		{"released", "", "", `rev=2 state="paused" why="released" skip="2"`, ""},
		{"resumed", "resume-rollout", `state="paused" why="failed"`, "rev=2 round=1", ""},
		{"resumed, two rounds on", "resume-rollout", `state="paused"`, "rev=2 round=2", "round 0 to 2"},
		{"resumed by nobody", "", `state="paused"`, "rev=2", "made a rollout that was paused running"},
		{"units are skipped", "resume-rollout", "", `rev=2 skip="1"`, ""},
		{"aborted", "abort-rollout", `state="paused"`, `rev=2 state="aborted"`, ""},
		{"aborted by nobody", "", "", `rev=2 state="aborted"`, "made a rollout that was running aborted"},
		{"done", "", "", `rev=2 state="done"`, ""},
		{"done while paused", "", `state="paused"`, `rev=2 state="done"`, "made a rollout that was paused done"},
		{"going on after it is done", "resume-rollout", `state="done"`, "rev=2", "made a rollout that was done running"},
		{"another list of units", "resume-rollout", `state="paused"`, `rev=2 units="0,1"`, "units 0-2 to 0,1"},
		{"the next one", "start-rollout", `state="done"`, "id=2", ""},
		{"the next one while one is paused", "start-rollout", `state="paused"`, "id=2", "in the place of 1, which was paused"},
		{"the next one by nobody", "", `state="done"`, "id=2", "in the place of 1"},
		{"an older one", "start-rollout", `id=3 state="done"`, "id=2", "in the place of 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, RolloutMoved(a, test.action, RolloutOf(record(test.was)), RolloutOf(record(test.now))), test.want)
		})
	}
}

// units are the databags of units 0 to 2: a word each, gone for one that is.
func units(words string) func(n int) Bag {
	states := strings.Fields(words)
	return func(n int) Bag {
		switch states[n] {
		case "gone":
			return nil
		case "-":
			return Bag{"operations": "[]"}
		case "unreadable":
			return Bag{"operations": "{not"}
		}
		return stepText(states[n], 0)
	}
}

func TestStepGranted(t *testing.T) {
	for _, test := range []struct {
		name, record, units string
		to                  string
		want                string
	}{
		{"the highest first", "", "ready ready ready", "db/2", ""},
		{"the next one", "", "ready ready done", b, ""},
		{"the leader last", "", "ready done done", a, ""},
		{"the leader before another", "", "ready ready done", a, "before unit 1, which is ready"},
		{"overtaking one that has not answered", "", "ready ready -", b, "before unit 2, which is waiting"},
		{"overtaking one that failed before a resume", "round=1", "ready ready failed", b, "before unit 2, which is waiting"},
		{"past one that is gone", "", "ready ready gone", b, ""},
		{"past one that is skipped", `skip="2"`, "ready ready ready", b, ""},
		{"one that has not answered", "", "ready ready -", "db/2", "which is waiting"},
		{"one that is done", "", "ready ready done", "db/2", "which is done"},
		{"one that is skipped", `skip="2"`, "ready ready ready", "db/2", "which is skipped"},
		{"one that leaves meanwhile", "", "ready ready gone", "db/2", ""},
		{"in a given order", `units="0,2,1" order="given"`, "ready ready ready", a, ""},
		{"in another than the given", `units="0,2,1" order="given"`, "ready ready ready", "db/2", "before unit 0"},
		{"to a unit that it does not name", `units="1,2"`, "ready done done", a, "does not name"},
		{"while it is paused", `state="paused"`, "ready ready ready", "db/2", "a rollout that is paused"},
		{"one has failed", "", "ready ready failed", b, "1 units have failed of at most 0"},
		{"one fails", "", "ready ready failing", b, "1 units have failed of at most 0"},
		{"one has failed, as it may", "max-failures=1", "ready ready failed", b, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, StepGranted(a, RolloutOf(record(test.record)), test.to, units(test.units)), test.want)
		})
	}
}

func TestStepMarked(t *testing.T) {
	free := markedFor(a, "")
	delete(free, "granted_at")
	for _, test := range []struct {
		name string
		now  Bag
		want string
	}{
		{"a step's grant", markedFor(a, ""), ""},
		{"no mark", record(""), ""},
		{"the mark of another grant", Bag{"granted_at": stampAt(2), "rollingops-grant": stampAt(1) + " 1"}, "marks a grant of"},
		{"a mark beside a free lock", free, "the lock is granted at \"\""},
		{"the mark of another rollout", markedFor(a, "id=2"), "as rollout 1's"},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, StepMarked(a, test.now), test.want) })
	}
}

func TestRolloutEnds(t *testing.T) {
	for _, test := range []struct{ name, was, now, units, want string }{
		{"all are done", "", `state="done"`, "done done done", ""},
		{"skipped and gone", "", `state="done" skip="1"`, "done ready gone", ""},
		{"one is ready", "", `state="done"`, "done ready done", "unit 1 is ready"},
		{"one has failed", "", `state="done"`, "done failed done", "unit 1 is failed"},
		{"one has not answered", "", `state="done"`, "- done done", "unit 0 is waiting"},
		{"paused for a failure", "", `state="paused" why="failed"`, "ready failed done", ""},
		{"paused for a failure of nobody", "", `state="paused" why="failed"`, "ready ready done", "nobody has failed"},
		{"of nobody in this round", "round=1", `round=1 state="paused" why="failed"`, "ready failed done", "nobody has failed in round 1"},
		{"paused for a canary", "", `state="paused" why="canary"`, "ready ready done", ""},
		{"as it was", `state="done"`, `state="done"`, "- - -", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, RolloutEnds(a, RolloutOf(record(test.was)), RolloutOf(record(test.now)), units(test.units)), test.want)
		})
	}
}

func TestRolling(t *testing.T) {
	for _, test := range []struct {
		name  string
		app   Bag
		units string
		want  string
	}{
		{"none", Bag{}, "- - -", ""},
		{"running", record(""), "ready ready done", "rollout 1 is running"},
		{"paused", record(`state="paused"`), "ready ready done", ""},
		{"done", record(`state="done"`), "done done done", ""},
		{"it waits for a unit that can't be read", record(""), "ready unreadable done", ""},
		{"one that is gone does not count", record(""), "ready gone done", "rollout 1 is running"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Rolling(test.app, units(test.units)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
