package charm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
)

// recordOf is a record of rollout 7 over five units, an hour old unless changed.
func recordOf(t *testing.T, m *machine, change func(*rollout.Record)) string {
	t.Helper()
	args, err := codec.NewArgs(map[string]any{"delay": 1})
	if err != nil {
		t.Fatal(err)
	}
	record := rollout.Record{ID: 7, Rev: 3, At: codec.TimestampOf(m.now.Add(-time.Minute)), State: rollout.Running, Request: rollout.Request{
		Operation: restart, Kwargs: args, Units: rollout.Units{0, 1, 2, 3, 4}, Order: rollout.Auto, PauseAfter: rollout.PauseNever, Retries: 2}}
	if change != nil {
		change(&record)
	}
	text, err := record.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func paused(why rollout.Why) func(*rollout.Record) {
	return func(r *rollout.Record) { r.State, r.Why = rollout.Paused, why }
}

// stepOf is a unit's step of rollout 7, whose last attempt was so long ago.
func stepOf(t *testing.T, m *machine, state rollout.StepState, attempts int, ago time.Duration, cause string) string {
	t.Helper()
	step := rollout.Step{ID: 7, State: state, Attempts: attempts, Error: cause}
	if attempts > 0 {
		step.Ended = codec.TimestampOf(m.now.Add(-ago))
		step.Granted = codec.TimestampOf(m.now.Add(-ago - time.Second))
	}
	text, err := step.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// retryOf is the queue of a unit whose step waits for its next attempt.
func retryOf(t *testing.T, m *machine) string {
	t.Helper()
	limit := 2
	op, err := codec.NewOperation(restart, codec.Args{}, m.now.Add(-time.Minute), &limit)
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Queue{op.Next()}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What a unit shows because of a rollout, as it takes stock.
func TestRolloutStatuses(t *testing.T) {
	const cause = "health check failed: exit status 1"
	type scene struct {
		*testing.T
		*machine
		*juju
	}
	// twoDone: units 4 and 3 are done, the others ready.
	twoDone := func(s scene, change func(*rollout.Record)) {
		s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, change)
		for n, state := range []rollout.StepState{rollout.StepReady, rollout.StepReady, rollout.StepReady, rollout.StepDone, rollout.StepDone} {
			s.step(n, stepOf(s.T, s.machine, state, map[rollout.StepState]int{rollout.StepDone: 1}[state], time.Duration(n)*time.Second, ""))
		}
	}
	held := func(s scene, unit string, ago time.Duration) {
		at := codec.TimestampOf(s.now.Add(-ago)).String()
		s.app["granted_unit"], s.app["granted_at"], s.app[rollout.KeyGrant] = unit, at, at+" 7"
	}
	for _, tt := range []struct {
		name  string
		leads bool
		set   func(scene)
		want  string
	}{
		{"a unit whose turn has not come says nothing", false, func(s scene) { twoDone(s, nil) }, "active"},
		{"failing", false, func(s scene) {
			s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, nil)
			held(s, local, 2*time.Second)
			s.config = map[string]any{"retry-delay": "65s"}
			s.units[local] = map[string]string{"state": "retry-hold", "operations": retryOf(s.T, s.machine), "executed_at": codec.TimestampOf(s.now).String(),
				rollout.KeyStep: stepOf(s.T, s.machine, rollout.StepFailing, 1, 0, cause)}
		}, "maintenance restart failed 1 of 3: next 12:01:05 UTC: " + cause},
		{"failed", false, func(s scene) {
			s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, paused(rollout.AfterFailure))
			s.step(0, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, cause))
		}, "blocked restart failed 3 of 3 in rollout 7: " + cause},
		{"failed, with a cause that is long and no line", false, func(s scene) {
			s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, paused(rollout.AfterFailure))
			s.step(0, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, "a\x1b[31m\nb"+strings.Repeat("x", 140)))
		}, `blocked restart failed 3 of 3 in rollout 7: a\x1b[31m b` + strings.Repeat("x", 70) + "..."},
		{"failed, of a rollout that was aborted", false, func(s scene) {
			s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, func(r *rollout.Record) { r.State = rollout.Aborted })
			s.step(0, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, cause))
		}, "active"},
		{"failed and skipped", false, func(s scene) {
			s.app[rollout.KeyRecord] = recordOf(s.T, s.machine, func(r *rollout.Record) { r.Skip = rollout.Units{0} })
			s.step(0, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, cause))
		}, "active"},
		{"a unit runs", true, func(s scene) { twoDone(s, nil); held(s, "rolling-ops/2", time.Minute) }, "active Rollout 7: 2/5 done, rolling-ops/2 runs"},
		{"a unit holds the lock for too long", true, func(s scene) { twoDone(s, nil); held(s, "rolling-ops/2", 16*time.Minute) },
			"blocked Rollout 7: rolling-ops/2 holds the lock since 11:44:00 UTC"},
		{"a unit has not answered", true, func(s scene) { twoDone(s, nil); delete(s.units["rolling-ops/2"], rollout.KeyStep) },
			"active Rollout 7: 2/5 done, waits for rolling-ops/2"},
		{"a unit has not answered for too long", true, func(s scene) {
			twoDone(s, func(r *rollout.Record) { r.At = codec.TimestampOf(s.now.Add(-time.Hour)) })
			for n := 3; n < 5; n++ {
				s.step(n, stepOf(s.T, s.machine, rollout.StepDone, 1, 16*time.Minute, ""))
			}
			delete(s.units["rolling-ops/2"], rollout.KeyStep)
		}, "blocked Rollout 7: rolling-ops/2 has not answered"},
		{"paused by an operator", true, func(s scene) { twoDone(s, paused(rollout.ByOperator)) }, "active Rollout 7 paused by operator: 2/5 done"},
		{"paused after the unit that ended last", true, func(s scene) { twoDone(s, paused(rollout.AfterCanary)) },
			"blocked Rollout 7 paused after rolling-ops/3: resume-rollout"},
		{"paused as a unit failed", true, func(s scene) {
			twoDone(s, paused(rollout.AfterFailure))
			s.step(2, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, cause))
		}, "blocked Rollout 7 paused: rolling-ops/2 failed: show-rollout"},
		{"paused as the lock was taken", true, func(s scene) { twoDone(s, paused(rollout.AfterRelease)) },
			"blocked Rollout 7 paused: the lock was taken from a unit: show-rollout"},
		{"the leader's own failure goes first", true, func(s scene) {
			twoDone(s, paused(rollout.AfterFailure))
			s.step(0, stepOf(s.T, s.machine, rollout.StepFailed, 3, 0, cause))
		}, "blocked restart failed 3 of 3 in rollout 7: " + cause},
		{"a record that can't be read", true, func(s scene) { s.app[rollout.KeyRecord] = "nonsense" },
			"blocked The record of the rollout can't be read: abort-rollout"},
		{"done", true, func(s scene) { twoDone(s, func(r *rollout.Record) { r.State = rollout.Done }) }, "active"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 5)
			j.leader = tt.leads
			tt.set(scene{t, m, j})
			handle(t, m, j, "update-status")
			if diff := cmp.Diff([]string{tt.want}, j.statuses); diff != "" {
				t.Error(diff)
			}
			for _, named := range []bool{false, true} {
				m, j := newMachine(), newJuju(t, 5)
				j.leader, j.renamed = tt.leads, strings.Repeat("a", 60)
				tt.set(scene{t, m, j})
				event := hookOf(t, "update-status")
				event.Unit = j.renamed + "/0"
				if named {
					event.Principal = j.renamed + "-db/0"
					for n := range 5 {
						j.principals = append(j.principals, fmt.Sprintf("db/%d", n))
						j.units[fmt.Sprintf("rolling-ops/%d", n)]["rollingops-principal"] = fmt.Sprintf("db/%d", n)
					}
				}
				if err := charmOn(m, j).Handle(t.Context(), event); err != nil {
					t.Fatal(err)
				}
				fits(t, tt.want, j.statuses)
			}
		})
	}
}

// fits checks a status with the longest names: it is not cut where it tells what to
// do, behind the last name of the short one.
func fits(t *testing.T, short string, statuses []string) {
	t.Helper()
	if len(statuses) != 1 {
		t.Fatal(statuses)
	}
	_, message, _ := strings.Cut(statuses[0], " ")
	tail := short
	if _, behind, ok := strings.Cut(short, "rolling-ops/"); ok {
		tail = strings.TrimLeft(behind, "0123456789")
	}
	if len(message) > maxStatus || !strings.HasSuffix(statuses[0], tail) {
		t.Errorf("%d bytes: %s", len(message), message)
	}
}

// A unit in its step says so while it runs, and nothing when it is done.
func TestRolloutStatusOfStep(t *testing.T) {
	m, j := newMachine(), newJuju(t, 5)
	at := codec.TimestampOf(m.now.Add(-time.Second)).String()
	j.app = map[string]string{rollout.KeyRecord: recordOf(t, m, nil), "granted_unit": local, "granted_at": at, rollout.KeyGrant: at + " 7"}
	j.units[local] = map[string]string{"state": "request", rollout.KeyStep: stepOf(t, m, rollout.StepReady, 0, 0, "")}
	handle(t, m, j, "rollingops_lock_granted")
	if diff := cmp.Diff([]string{"maintenance Executing restart operation (rollout 7)", "active"}, j.statuses); diff != "" {
		t.Error(diff)
	}
	if step, err := rollout.ParseStep(j.units[local][rollout.KeyStep]); err != nil || step.State != rollout.StepDone || step.Attempts != 1 {
		t.Errorf("step %+v, %v", step, err)
	}
}

// A step that waits for its unit to get well says so for as long as it does.
func TestRolloutStatusOfStepThatGoesOn(t *testing.T) {
	for _, leads := range []bool{false, true} {
		m, j := newMachine(), newJuju(t, 5)
		j.leader = leads
		at := codec.TimestampOf(m.now.Add(-time.Second)).String()
		j.app = map[string]string{rollout.KeyRecord: recordOf(t, m, nil), "granted_unit": local, "granted_at": at, rollout.KeyGrant: at + " 7"}
		j.units[local] = map[string]string{"state": "request", rollout.KeyStep: stepOf(t, m, rollout.StepReady, 0, 0, "")}
		j.config = map[string]any{"health-check": "is-well"}
		m.broken["is-well"] = errBroken
		handle(t, m, j, "rollingops_lock_granted")
		handle(t, m, j, "update-status")
		const want = "waiting Awaiting restart operation: health check failed since 12:00:01 UTC (exit status 1), others wait"
		if got := j.statuses[len(j.statuses)-1]; got != want {
			t.Errorf("leads: %t: %q", leads, j.statuses)
		}
		for _, status := range j.statuses[1:] {
			if status != want {
				t.Errorf("leads: %t: %q", leads, j.statuses)
			}
		}
	}
}

// A single operation that fails and keeps the lock is shown before what became of
// the unit's step: others wait for it.
func TestSingleOperationBeforeRollout(t *testing.T) {
	m, j := newMachine(), newJuju(t, 5)
	j.app = map[string]string{rollout.KeyRecord: recordOf(t, m, paused(rollout.AfterFailure)), "granted_unit": local,
		"granted_at": codec.TimestampOf(m.now.Add(-time.Second)).String()}
	j.units[local] = map[string]string{"state": "retry-hold", "operations": retryOf(t, m), "executed_at": codec.TimestampOf(m.now.Add(-2 * time.Second)).String(),
		rollout.KeyStep: stepOf(t, m, rollout.StepFailed, 3, 0, "not well")}
	j.config = map[string]any{"health-check": "is-well", "health-check-timeout": "1s", "retry-delay": "1m"}
	m.broken["is-well"] = errBroken
	handle(t, m, j, "update-status")
	if diff := cmp.Diff([]string{"waiting Awaiting restart operation: attempt 1 failed, others wait, next at 12:00:58 UTC"}, j.statuses); diff != "" {
		t.Error(diff)
	}
}

// A unit that no longer leads takes its line about the rollout back, in whatever
// hook comes next.
func TestRolloutStatusOfFormerLeader(t *testing.T) {
	m, j := newMachine(), newJuju(t, 5)
	j.leader = true
	j.app[rollout.KeyRecord] = recordOf(t, m, paused(rollout.ByOperator))
	j.units[local][rollout.KeyStep] = stepOf(t, m, rollout.StepDone, 1, time.Minute, "")
	handle(t, m, j, "update-status")
	j.leader = false
	handle(t, m, j, "restart-relation-changed")
	handle(t, m, j, "restart-relation-changed")
	if diff := cmp.Diff([]string{"active Rollout 7 paused by operator: 1/5 done", "active"}, j.statuses); diff != "" {
		t.Error(diff)
	}
}

func (j *juju) step(n int, text string) {
	j.units["rolling-ops/"+string(rune('0'+n))][rollout.KeyStep] = text
}

// The names in show-rollout's JSON are those that clients rely on.
func TestShowRolloutJSON(t *testing.T) {
	m, j := newMachine(), newJuju(t, 2)
	j.leader = true
	at := codec.TimestampOf(m.now.Add(-time.Minute)).String()
	j.app = map[string]string{rollout.KeyRecord: recordOf(t, m, func(r *rollout.Record) { r.Units = rollout.Units{0, 1} }),
		"granted_unit": "rolling-ops/1", "granted_at": at, rollout.KeyGrant: at + " 7"}
	j.step(1, stepOf(t, m, rollout.StepReady, 0, 0, ""))
	j.params = map[string]any{"format": "json"}
	handle(t, m, j, "action show-rollout")
	var got struct {
		Record struct {
			ID    int
			State string
		}
		Lock  struct{ Unit, At string }
		Units []struct {
			Unit, Phase string
			Step        struct{ State string }
		}
	}
	if err := json.Unmarshal([]byte(j.results["json"]), &got); err != nil {
		t.Fatalf("%v: %q, %s", err, j.results, j.failed)
	}
	if got.Record.ID != 7 || got.Record.State != "running" || got.Lock.Unit != "rolling-ops/1" || got.Lock.At != at {
		t.Errorf("%+v", got)
	}
	if len(got.Units) != 2 || got.Units[0].Unit != "rolling-ops/1" || got.Units[0].Phase != "ready" || got.Units[0].Step.State != "ready" || got.Units[1].Phase != "waiting" {
		t.Errorf("%+v", got.Units)
	}
}
