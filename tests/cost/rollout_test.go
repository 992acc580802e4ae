package cost

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
	"rolling-ops/jujusim"
	"rolling-ops/tests/cost/bench"
)

// rollOut starts a rollout over all units, runs it and returns what it took.
func rollOut(a *application) *bench.Roll {
	a.tb.Helper()
	leader := a.Model.Leader()
	a.queue(leader, rollout.ActionStart, nil)
	roll := bench.NewRoll(leader)
	a.OnRun = roll.Add
	a.run()
	record, err := rollout.ParseRecord(a.Model.AppDatabag(0)[rollout.KeyRecord])
	if units := len(a.Model.Units()); err != nil || record.State != rollout.Done || roll.Attempts != units {
		a.tb.Fatalf("%d attempts for %d units, the rollout is %s %s, %v", roll.Attempts, units, record.State, record.Why, err)
	}
	return roll
}

// ownAnswer is what the hook may cost in which a leader answers its own record:
// nothing but its worker is sure to bring it back for that.
const ownAnswer = 5

// A rollout costs no more than to ask each unit for a restart, but for the
// leader's answer.
func TestRolloutBudget(t *testing.T) {
	for _, n := range []int{1, 3, 10, 30, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			roll := rollOut(deploy(t, n))
			if budget := rollBudget(n) + ownAnswer; roll.Calls > budget {
				t.Errorf("a rollout over %d units makes %d hook-tool calls, more than %d: %v", n, roll.Calls, budget, roll.Parts)
			}
		})
	}
}

// A follower that is not concerned knows that after three calls, whatever the
// size; one that answers or runs writes.
func TestRolloutFollowerBudget(t *testing.T) {
	a := deploy(t, 30)
	checked := 0
	a.onCalls = func(h *jujusim.Hook, calls []string) {
		writes := slices.ContainsFunc(calls, func(call string) bool { return strings.HasPrefix(call, "relation-set") })
		if h.Unit() == a.Model.Leader() || h.Run().Kind != jujusim.HookRun || writes {
			return
		}
		if checked++; len(calls) > 3 {
			t.Errorf("%s on %s makes %d calls, more than 3:\n%s", h.Run(), h.Unit(), len(calls), strings.Join(calls, "\n"))
		}
	}
	rollOut(a)
	if checked < 30*30 {
		t.Errorf("%d hooks of followers", checked)
	}
}

// Every hook of every unit reads the record.
func TestRecordOfThousandUnits(t *testing.T) {
	var units rollout.Units
	for n := range 1000 {
		units = append(units, n)
	}
	request := rollout.Request{Operation: "_restart", Units: units, Order: rollout.Auto, PauseAfter: rollout.PauseNever,
		Reason: strings.Repeat("x", rollout.MaxReason)}
	record, err := rollout.Record{}.Start(request, 1, codec.TimestampOf(epoch))
	if err != nil {
		t.Fatal(err)
	}
	text, err := record.Encode()
	if err != nil || len(text) > 1024 {
		t.Errorf("the record has %d bytes, %v", len(text), err)
	}
}
