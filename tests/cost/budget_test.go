package cost

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rolling-ops/jujusim"
	"rolling-ops/tests/cost/bench"
	"rolling-ops/tests/product"
)

// restartAll queues a restart on every unit, runs the roll and returns what it
// took.
func restartAll(a *application) *bench.Roll {
	a.tb.Helper()
	units := a.Model.Units()
	for _, unit := range units {
		a.queue(unit, "restart", nil)
	}
	roll := bench.NewRoll(a.Model.Leader())
	a.OnRun = roll.Add
	a.run()
	if roll.Attempts != len(units) {
		a.tb.Fatalf("%d attempts for %d units", roll.Attempts, len(units))
	}
	return roll
}

// rollBudget is how many hook-tool calls a roll of n units may make.
//
// Juju gives each unit three events for each other unit: for its request, its
// grant and its end. That is 3n² hooks, in which a unit that is not concerned
// makes 3 calls, or else it could not know that it isn't. Each of n grants
// reads n units. What else there is grows with n.
func rollBudget(n int) int { return (3*3+1)*n*n + 30*n }

func TestRollBudget(t *testing.T) {
	for _, n := range []int{1, 3, 10, 30, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			roll := restartAll(deploy(t, n))
			if budget := rollBudget(n); roll.Calls > budget {
				t.Errorf("a roll of %d units makes %d hook-tool calls, more than %d: %v", n, roll.Calls, budget, roll.Parts)
			}
		})
	}
}

// Each hook of a roll keeps to its own budget, whatever the size.
func TestHookBudgets(t *testing.T) {
	for _, n := range []int{3, 30} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			a := deploy(t, n)
			checked := map[string]int{}
			a.onCalls = func(h *jujusim.Hook, calls []string) {
				if twice := askedTwice(calls); twice != "" {
					t.Errorf("%s on %s asks twice for %q", h.Run(), h.Unit(), twice)
				}
				kind, budget := budgetOf(a.Model, h, calls, n)
				checked[kind]++
				if kind != "" && len(calls) > budget {
					t.Errorf("%s on %s (%s) makes %d calls, more than %d:\n%s",
						h.Run(), h.Unit(), kind, len(calls), budget, strings.Join(calls, "\n"))
				}
			}
			restartAll(a)
			for _, kind := range bench.HookNames {
				if checked[kind] == 0 {
					t.Errorf("the roll had no %s", kind)
				}
			}
		})
	}
}

// budgetOf tells what kind of hook it was, and how many hook-tool calls those
// may make.
func budgetOf(m *jujusim.Model, h *jujusim.Hook, calls []string, n int) (kind string, budget int) {
	made := func(tool string) bool {
		return slices.ContainsFunc(calls, func(call string) bool { return strings.HasPrefix(call, tool) })
	}
	switch leads := h.Unit() == m.Leader(); {
	case made("status-set -- maintenance") && leads:
		return bench.AttemptHook, 14 + n // it goes on to the next grant
	case made("status-set -- maintenance"):
		return bench.AttemptHook, 10
	case h.Run().Kind != jujusim.HookRun:
		return "", 0
	case !leads:
		return bench.FollowerNoOp, 3
	case made("relation-set"):
		return bench.Grant, 8 + n
	case m.AppDatabag(0)["granted_unit"] != "":
		return bench.LeaderHeld, 6
	}
	return "", 0
}

// askedTwice returns a question that was put to Juju more than once.
func askedTwice(calls []string) string {
	seen := map[string]bool{}
	for _, call := range calls {
		if strings.Contains(call, "--format=json") && seen[call] {
			return call
		}
		seen[call] = true
	}
	return ""
}

// From one unit's end to the next one's start there are two hooks: the leader's,
// which sees the end and grants, and the next unit's own. There is the worker
// too when the leader grants itself.
func TestHandOverTakesTwoHooks(t *testing.T) {
	roll := restartAll(deploy(t, 10))
	for i, took := range roll.HandOvers {
		if most := 2*hookTime + workerTime; took > most {
			t.Errorf("hand-over %d takes %v, more than %v", i+1, took, most)
		}
	}
}

// A leader alone with its retries waits for nothing but its worker.
func TestLeaderRetriesAtOnce(t *testing.T) {
	a := deploy(t, 1)
	if err := a.Model.SetConfig(map[string]string{"retry-delay": "0s"}); err != nil {
		t.Fatal(err)
	}
	a.queue("app/0", "failed-restart", map[string]any{"max-retry": 3})
	roll := bench.NewRoll("app/0")
	a.OnRun = roll.Add
	a.run()
	if len(roll.HandOvers) != 3 {
		t.Fatalf("%d retries", len(roll.HandOvers))
	}
	for _, took := range roll.HandOvers {
		if took > workerTime+hookTime {
			t.Errorf("the next attempt begins after %v", took)
		}
	}
}

// dispatch is read from disk on each machine for each hook.
func TestDispatchIsSmall(t *testing.T) {
	const limit = 8 << 20
	path := filepath.Join(t.TempDir(), "dispatch")
	if err := product.Program(path, "rolling-ops/cmd/dispatch"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= limit {
		t.Errorf("dispatch has %d bytes, it must be less than %d", info.Size(), limit)
	}
}
