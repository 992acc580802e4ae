package charm

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Time stamps around the fake machine's clock.
const (
	earlier = "2026-05-04T11:00:00+00:00"
	recent  = "2026-05-04T11:59:58+00:00"
)

// handle handles one event that must succeed.
func handle(t *testing.T, m *machine, j *juju, name string) {
	t.Helper()
	if err := charmOn(m, j).Handle(t.Context(), hookOf(t, name)); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &m.log)
	}
}

// What a hook costs that has nothing to do: hook tool calls are what operators
// pay for, on each of N units for each change.
func TestCostOfNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		hook  string
		setUp func(*machine, *juju)
		want  []string
	}{
		{"follower", "restart-relation-changed", func(*machine, *juju) {}, []string{
			"is-leader", "relation-get rolling-ops", "relation-get rolling-ops/0"}},
		{"follower that waits", "restart-relation-changed", func(m *machine, j *juju) {
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": recent}
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, []string{"is-leader", "relation-get rolling-ops", "relation-get rolling-ops/0"}},
		{"leader, another unit holds the lock", "restart-relation-changed", func(_ *machine, j *juju) {
			j.leader = true
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": recent}
			j.units["rolling-ops/1"] = map[string]string{"state": "request", "operations": queueOf(t, newMachine(), restart)}
		}, []string{"is-leader", "relation-get rolling-ops", "relation-get rolling-ops/0", "relation-list restart:0", "relation-get rolling-ops/1", "goal-state"}},
		{"granted hook without a grant", "rollingops_lock_granted", func(*machine, *juju) {}, []string{
			"relation-ids restart", "is-leader", "relation-get rolling-ops", "relation-get rolling-ops/0"}},
		{"unknown hook", "collect-metrics", func(*machine, *juju) {}, nil},
		{"install", "install", func(*machine, *juju) {}, nil},
		{"relation-broken", "restart-relation-broken", func(*machine, *juju) {}, nil},
		{"stop", "stop", func(*machine, *juju) {}, nil},
		{"remove", "remove", func(*machine, *juju) {}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 1000)
			test.setUp(m, j)
			handle(t, m, j, test.hook)
			if diff := cmp.Diff(test.want, j.calls); diff != "" {
				t.Error(diff)
			}
			if log := m.log.String(); log != "" && !strings.HasPrefix(log, "level=DEBUG") {
				t.Errorf("it logs %s", log)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		hook  string
		setUp func(*machine, *juju)
		want  []string
	}{
		{"idle", "start", func(*machine, *juju) {}, []string{"active"}},
		{"idle, after a change of configuration", "config-changed", func(*machine, *juju) {}, []string{"active"}},
		{"before the relation", "start", func(_ *machine, j *juju) { j.relation = "" }, []string{"waiting Waiting for the peer relation"}},
		{"waiting", "update-status", func(m *machine, j *juju) {
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": recent}
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, []string{"waiting Awaiting restart operation"}},
		{"waiting on the leader, who knows the line", "update-status", func(m *machine, j *juju) {
			j.leader = true
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": recent}
			j.units["rolling-ops/1"] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
			j.units["rolling-ops/2"] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
			m.now = m.now.Add(time.Second)
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, []string{"waiting Awaiting restart operation: number 2 in line"}},
		{"waiting for a stalled unit", "update-status", func(m *machine, j *juju) {
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": earlier}
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, []string{"waiting Awaiting restart operation: rolling-ops/1 has held the lock since 11:00:00 UTC"}},
		{"waiting for a unit that is stalled since yesterday", "update-status", func(m *machine, j *juju) {
			m.now = m.now.Add(24 * time.Hour)
			j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": earlier}
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, []string{"waiting Awaiting restart operation: rolling-ops/1 has held the lock since 2026-05-04 11:00:00 UTC"}},
		{"idle leader, another unit's queue is broken", "update-status", func(_ *machine, j *juju) {
			j.leader = true
			j.units["rolling-ops/2"] = map[string]string{"state": "request", "operations": "{"}
		}, []string{"active cannot read the queue of rolling-ops/2"}},
		{"own queue is broken", "update-status", func(_ *machine, j *juju) {
			j.units[local] = map[string]string{"state": "request", "operations": "{"}
		}, []string{"blocked Cannot read the queue of this unit: see the log, then run the action clear-queue"}},
		{"bad configuration", "config-changed", func(_ *machine, j *juju) {
			j.config = map[string]any{"retry-delay": "5", "service": "-x"}
		}, []string{`blocked service: "-x" is no name of a systemd unit; retry-delay: "5" is not a time such as "30s" or "5m"`}},
		{"in the pause before a retry", "update-status", func(m *machine, j *juju) {
			j.units[local] = map[string]string{"state": "retry-hold", "executed_at": recent, "operations": retried(queueOf(t, m, deferredRestart))}
		}, []string{"waiting Awaiting deferred-restart operation: attempt 1 failed, others wait, next at 12:00:03 UTC"}},
		{"a request behind one that failed", "action restart", func(m *machine, j *juju) {
			j.params = map[string]any{}
			j.units[local] = map[string]string{"state": "retry-hold", "executed_at": recent, "operations": retried(queueOf(t, m, deferredRestart))}
		}, []string{"waiting Awaiting deferred-restart operation: attempt 1 failed, others wait, next at 12:00:03 UTC"}},
		{"in the pause before a retry, after an upgrade", "upgrade-charm", func(m *machine, j *juju) {
			j.units[local] = map[string]string{"state": "retry-hold", "executed_at": recent, "operations": retried(queueOf(t, m, deferredRestart))}
		}, []string{"waiting Awaiting deferred-restart operation: attempt 1 failed, others wait, next at 12:00:03 UTC"}},
		{"leader that grants itself", "restart-relation-joined", func(m *machine, j *juju) {
			j.leader = true
			j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 3)
			test.setUp(m, j)
			handle(t, m, j, test.hook)
			if diff := cmp.Diff(test.want, j.statuses); diff != "" {
				t.Error(diff)
			}
			if len(test.want) == 0 {
				return
			}
			m, j = newMachine(), newJuju(t, 3)
			test.setUp(m, j)
			j.renamed = strings.Repeat("a", 63)
			event := hookOf(t, test.hook)
			event.Unit = j.renamed + "/0"
			if err := charmOn(m, j).Handle(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			fits(t, test.want[0], j.statuses)
		})
	}
}

// retried is the queue after one failed attempt.
func retried(queue string) string {
	return strings.Replace(queue, `\"attempt\":\"0\"`, `\"attempt\":\"1\"`, 1)
}

// A unit that is alone and leads: action, grant, worker, attempt, release.
func TestRestartFromBeginningToEnd(t *testing.T) {
	m, j := newMachine(), newJuju(t, 1)
	j.leader = true
	j.params = map[string]any{"delay": 2}
	handle(t, m, j, "action restart")
	if got := j.app["granted_unit"]; got != local {
		t.Fatalf("lock is held by %q", got)
	}
	if diff := cmp.Diff([]time.Duration{0}, m.wakes); diff != "" {
		t.Fatalf("worker: %s", diff)
	}
	m.now = m.now.Add(time.Second)
	handle(t, m, j, "rollingops_lock_granted")
	if diff := cmp.Diff(map[string]string{"state": "idle", "operations": "[]", "executed_at": "2026-05-04T12:00:03+00:00", "rollingops-executed-at": "2026-05-04T12:00:03+00:00",
		"rollingops-last": `{"op":"_restart","requested":"2026-05-04T12:00:00+00:00","ended":"2026-05-04T12:00:03+00:00","attempts":1,"outcome":"done","error":""}`}, j.units[local]); diff != "" {
		t.Errorf("unit: %s", diff)
	}
	if diff := cmp.Diff(map[string]string{}, j.app); diff != "" {
		t.Errorf("application: %s", diff)
	}
	if diff := cmp.Diff([]string{
		`action:restart {"delay":2}`, `_restart:start {"delay":2}`, `_restart:done {"delay":2}`,
	}, m.transitions); diff != "" {
		t.Errorf("transitions: %s", diff)
	}
	if diff := cmp.Diff([]string{
		"waiting Awaiting restart operation", "maintenance Executing restart operation", "active",
	}, j.statuses); diff != "" {
		t.Errorf("statuses: %s", diff)
	}
	story := `level=INFO msg="operation queued" operation=_restart position=1 duplicate=false
level=INFO msg="lock granted" unit=rolling-ops/0
level=INFO msg="lock held, running operation" operation=_restart attempt=1
level=INFO msg="operation ended" operation=_restart attempt=1 result=release state=idle
level=INFO msg="lock released" unit=rolling-ops/0
`
	if diff := cmp.Diff(story, m.log.String()); diff != "" {
		t.Errorf("log: %s", diff)
	}
}

// The databags do not change in a hook whose hook tools fail, and dispatch
// fails, so that Juju runs it again; logs and statuses are not worth that.
func TestFailingHookTools(t *testing.T) {
	for _, test := range []struct {
		tool  string
		fails bool
	}{
		{"relation-ids", true},
		{"is-leader", true},
		{"relation-get", true},
		{"goal-state", false}, // nobody else is granted the lock, that is all
		{"relation-list", true},
		{"relation-set", true},
		{"status-set", false},
		{"action-set", false},
		{"config-get", false},
		{"action-get", false}, // the action fails, the hook doesn't
	} {
		t.Run(test.tool, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 3)
			j.leader = true
			j.failing = test.tool
			err := charmOn(m, j).Handle(t.Context(), hookOf(t, "action restart"))
			if (err != nil) != test.fails {
				t.Fatalf("got %v", err)
			}
			if !test.fails {
				return
			}
			if !strings.HasPrefix(err.Error(), "cannot ") || !strings.Contains(err.Error(), test.tool) {
				t.Errorf("error %q", err)
			}
			if j.failed == "" {
				t.Error("the action does not fail")
			}
			if len(j.units[local])+len(j.app) > 0 {
				t.Errorf("written: %v, %v", j.units[local], j.app)
			}
		})
	}
}

// A leader that is being removed grants nothing to itself and gives its own
// grant back.
func TestLeaderLeaves(t *testing.T) {
	m, j := newMachine(), newJuju(t, 2)
	j.leader = true
	j.app = map[string]string{"granted_unit": local, "granted_at": recent}
	j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
	before := maps.Clone(j.units[local])
	event := hookOf(t, "restart-relation-departed")
	event.DepartingUnit = local
	if err := charmOn(m, j).Handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if len(j.app) > 0 {
		t.Errorf("lock: %v", j.app)
	}
	if diff := cmp.Diff(before, j.units[local]); diff != "" {
		t.Error(diff)
	}
}

// A cancelled callback leaves a databag and a transition that say so, written
// all the same.
func TestStoppedInMidOperation(t *testing.T) {
	for _, operation := range []string{restart, failedRestart, deferredRestart} {
		m, j := newMachine(), newJuju(t, 2)
		j.app = map[string]string{"granted_unit": local, "granted_at": recent}
		j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, operation)}
		ctx, stop := context.WithCancel(t.Context())
		m.sleepErr = context.Canceled
		charm := charmOn(m, j)
		charm.Sleep = func(context.Context, time.Duration) error { stop(); return context.Canceled }
		if err := charm.Handle(ctx, hookOf(t, "rollingops_lock_granted")); err != nil {
			t.Fatal(err)
		}
		if state := j.units[local]["state"]; state != "retry-release" {
			t.Errorf("%s: state %q", operation, state)
		}
		want := []string{operation + `:start {"delay":2}`, operation + `:retry_release {"delay":2}`}
		if diff := cmp.Diff(want, m.transitions); diff != "" {
			t.Errorf("%s: transitions: %s", operation, diff)
		}
	}
}
