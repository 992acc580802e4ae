package charm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
)

// Each action says what it did, which state of the rollout that is, and what an
// operator types next.
func TestRolloutActions(t *testing.T) {
	const (
		whileRunning = "show-rollout tells how far it is; pause-rollout stops it before the next unit"
		whilePaused  = "resume-rollout goes on; abort-rollout ends it"
		afterEnd     = "start-rollout starts the next one"
	)
	result := func(changed, token, state, message, next string) map[string]string {
		id, _, _ := strings.Cut(token, ".")
		return map[string]string{"changed": changed, "rollout": id, "token": token, "state": state, "message": message, "next": next}
	}
	for _, tt := range []struct {
		action string
		params map[string]any
		record func(*rollout.Record) // nil for none
		want   map[string]string
	}{
		{"start-rollout", nil, nil, result("true", "1.1", "running", "rollout 1 of restart over 5 units started", whileRunning)},
		{"start-rollout", map[string]any{"units": "rolling-ops/3, 1"}, func(r *rollout.Record) { r.State = rollout.Done },
			result("true", "8.1", "running", "rollout 8 of restart over 2 units started", whileRunning)},
		{"start-rollout", map[string]any{"units": 3}, nil, result("true", "1.1", "running", "rollout 1 of restart over 1 unit started", whileRunning)},
		{"pause-rollout", nil, running, result("true", "7.4", "paused", "rollout 7 paused", whilePaused)},
		{"pause-rollout", map[string]any{"expect": 7.3}, running, result("true", "7.4", "paused", "rollout 7 paused", whilePaused)},
		{"pause-rollout", map[string]any{"expect": "7.3"}, paused(rollout.AfterCanary), result("false", "7.3", "paused", "rollout 7 is paused already, as pause-after asks", whilePaused)},
		{"resume-rollout", nil, running, result("false", "7.3", "running", "rollout 7 is running already", whileRunning)},
		{"resume-rollout", map[string]any{"expect": 7.3, "skip": 2}, paused(rollout.AfterFailure), result("true", "7.4", "running", "rollout 7 resumed", whileRunning)},
		{"abort-rollout", nil, running, result("true", "7.4", "aborted", "rollout 7 aborted", afterEnd)},
		{"abort-rollout", nil, func(r *rollout.Record) { r.State = rollout.Aborted }, result("false", "7.3", "aborted", "rollout 7 is aborted already", afterEnd)},
	} {
		t.Run(tt.action+" "+tt.want["message"], func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 5)
			j.leader, j.params = true, tt.params
			if tt.record != nil {
				j.app[rollout.KeyRecord] = recordOf(t, m, tt.record)
			}
			handle(t, m, j, "action "+tt.action)
			if diff := cmp.Diff(tt.want, j.results); diff != "" || j.failed != "" {
				t.Errorf("results: %s, failed: %s", diff, j.failed)
			}
			record, err := rollout.ParseRecord(j.app[rollout.KeyRecord])
			if err != nil || record.Token().String() != tt.want["token"] || string(record.State) != tt.want["state"] {
				t.Errorf("record %+v, %v", record, err)
			}
		})
	}
}

func running(*rollout.Record) {}

// An action that is refused says why and what to type, and writes nothing.
func TestRefusedRolloutActions(t *testing.T) {
	record := func(change func(*rollout.Record)) func(*testing.T, *machine, *juju) {
		return func(t *testing.T, m *machine, j *juju) { j.app[rollout.KeyRecord] = recordOf(t, m, change) }
	}
	follower := func(t *testing.T, m *machine, j *juju) {
		record(running)(t, m, j)
		j.leader = false
	}
	nonsense := func(_ *testing.T, _ *machine, j *juju) { j.app[rollout.KeyRecord] = "{\x1b[31m" }
	late := func(t *testing.T, m *machine, j *juju) {
		record(running)(t, m, j)
		j.slow = func(tool string) {
			if tool == "action-get" {
				m.booted += rollingops.LeaseMargin + 1
			}
		}
	}
	none := func(*testing.T, *machine, *juju) {}
	for _, tt := range []struct {
		name   string
		action string
		params map[string]any
		set    func(*testing.T, *machine, *juju)
		want   string
	}{
		{"not the leader", "start-rollout", nil, follower, "cannot start a rollout: this unit is not the leader: juju run rolling-ops/leader start-rollout"},
		{"not the leader", "pause-rollout", nil, follower, "cannot pause the rollout: this unit is not the leader: juju run rolling-ops/leader pause-rollout"},
		{"not the leader", "resume-rollout", nil, follower, "cannot resume the rollout: this unit is not the leader: juju run rolling-ops/leader resume-rollout"},
		{"not the leader", "abort-rollout", nil, follower, "cannot abort the rollout: this unit is not the leader: juju run rolling-ops/leader abort-rollout"},
		{"no relation", "start-rollout", nil, func(_ *testing.T, _ *machine, j *juju) { j.relation = "" }, "the peer relation does not exist yet"},
		{"one runs", "start-rollout", nil, record(running), "cannot start a rollout: rollout 7 is running: one rollout at a time; abort-rollout ends it"},
		{"no goal-state", "start-rollout", nil, func(_ *testing.T, _ *machine, j *juju) { j.failing = "goal-state" },
			"cannot start a rollout: cannot read goal-state: "},
		{"wrong token", "pause-rollout", map[string]any{"expect": "7.2"}, record(running),
			"cannot pause the rollout: the rollout has changed: its token is 7.3, not 7.2; look at it with show-rollout and give the new token"},
		{"wrong token", "resume-rollout", map[string]any{"expect": "6.3"}, record(paused(rollout.AfterCanary)), "cannot resume the rollout: the rollout has changed: its token is 7.3, not 6.3"},
		{"wrong token", "abort-rollout", map[string]any{"expect": "7.4"}, record(running), "cannot abort the rollout: the rollout has changed: its token is 7.3, not 7.4"},
		{"no token", "abort-rollout", map[string]any{"expect": "\x1b]0;x"}, record(running), `cannot use "expect": "\x1b]0;x" is no token: one looks like 7.3; show-rollout tells the token`},
		{"nothing to pause", "pause-rollout", nil, none, "cannot pause the rollout: no rollout is under way: start-rollout starts one"},
		{"nothing to resume", "resume-rollout", nil, record(func(r *rollout.Record) { r.State = rollout.Done }),
			"cannot resume the rollout: rollout 7 is done: no rollout is under way: start-rollout starts one"},
		{"no such unit", "start-rollout", map[string]any{"units": "9"}, none, "cannot start a rollout: the application has no unit rolling-ops/9: juju status lists those it has"},
		{"no such unit", "resume-rollout", map[string]any{"skip": "9"}, record(running), "cannot resume the rollout: unit 9 is not one of rollout 7: it has 0-4"},
		{"no units", "start-rollout", map[string]any{"units": "some"}, none, `cannot use "units": `},
		{"no such operation", "start-rollout", map[string]any{"operation": "\x1bx"}, none, `operation "\x1bx" can't be rolled: `},
		{"configuration", "start-rollout", nil, func(_ *testing.T, _ *machine, j *juju) { j.config = map[string]any{"retry-delay": "soon"} },
			"cannot start a rollout: "},
		{"record not readable", "start-rollout", nil, nonsense, "cannot start a rollout: the record of the rollout can't be read: abort-rollout discards it"},
		{"record not readable", "resume-rollout", nil, nonsense, "cannot resume the rollout: the record of the rollout can't be read: abort-rollout discards it"},
		{"too late", "pause-rollout", nil, late, "cannot change the rollout: the hook took too long and wrote nothing; run the action again"},
		{"unknown parameter", "pause-rollout", map[string]any{"force": true}, record(running), `unknown parameter "force"`},
		{"unknown format", "show-rollout", map[string]any{"format": "yaml"}, record(running), `cannot use "yaml": format is text or json`},
	} {
		t.Run(tt.action+" "+tt.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 5)
			j.leader, j.params = true, tt.params
			tt.set(t, m, j)
			before := j.app[rollout.KeyRecord]
			handle(t, m, j, "action "+tt.action)
			if !strings.HasPrefix(j.failed, tt.want) {
				t.Errorf("failed with %q,\nwant %q", j.failed, tt.want)
			}
			if strings.ContainsRune(j.failed, '\x1b') {
				t.Errorf("%q has a control character", j.failed)
			}
			if j.app[rollout.KeyRecord] != before {
				t.Errorf("record: %s", j.app[rollout.KeyRecord])
			}
		})
	}
}

// An abort is the way out where the record can't be read.
func TestAbortOfUnreadableRecord(t *testing.T) {
	m, j := newMachine(), newJuju(t, 5)
	j.leader = true
	j.app[rollout.KeyRecord] = `{"v":2,"id":12}`
	handle(t, m, j, "action abort-rollout")
	if _, token := j.results["token"]; j.results["message"] != "the record that could not be read was taken away; it counts as rollout 12, aborted" || token || j.failed != "" || j.app[rollout.KeyRecord] != "" {
		t.Errorf("%v, %s, %v", j.results, j.failed, j.app)
	}
	handle(t, m, j, "action show-rollout")
	if want := "before: rollout 12 aborted, its record could not be read, ended 12:00:00 UTC"; !strings.Contains(j.results["text"], want) {
		t.Error(j.results)
	}
	handle(t, m, j, "action start-rollout")
	if j.results["token"] != "13.1" {
		t.Errorf("%v, %s", j.results, j.failed)
	}
}
