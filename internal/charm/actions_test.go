package charm

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gopkg.in/yaml.v3"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
)

func TestQueueingActions(t *testing.T) {
	for _, test := range []struct {
		action     string
		params     map[string]any
		queue      string // of the databag, without its quoting
		transition string
		status     string
	}{
		{"restart", map[string]any{}, `"callback_id":"_restart","kwargs":"{"delay":1}","max_retry":""`,
			`action:restart {"delay":1}`, "waiting Awaiting restart operation"},
		{"restart", map[string]any{"delay": 0}, `"callback_id":"_restart","kwargs":"{"delay":0}","max_retry":""`,
			`action:restart {"delay":0}`, "waiting Awaiting restart operation"},
		{"restart", map[string]any{"delay": 0.5}, `"callback_id":"_restart","kwargs":"{"delay":0.5}","max_retry":""`,
			`action:restart {"delay":0.5}`, "waiting Awaiting restart operation"},
		{"failed-restart", map[string]any{"delay": 1, "max-retry": 2}, `"callback_id":"_failed_restart","kwargs":"{"delay":1}","max_retry":"2"`,
			`action:failed-restart {"delay":1,"max-retry":2}`, "waiting Awaiting failed-restart operation"},
		{"deferred-restart", map[string]any{"max-retry": 0}, `"callback_id":"_deferred_restart","kwargs":"{"delay":1}","max_retry":"0"`,
			`action:deferred-restart {"delay":1,"max-retry":0}`, "waiting Awaiting deferred-restart operation"},
	} {
		t.Run(test.transition, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 3)
			j.params = test.params
			handle(t, m, j, "action "+test.action)
			queue := strings.NewReplacer(`\`, "", `"attempt":"0",`, "", `"requested_at":"2026-05-04T12:00:00+00:00",`, "").Replace(j.units[local]["operations"])
			for _, part := range strings.Split(test.queue, ",") {
				if !strings.Contains(queue, part) {
					t.Errorf("queue %s lacks %s", queue, part)
				}
			}
			if diff := cmp.Diff([]string{test.transition}, m.transitions); diff != "" {
				t.Errorf("transitions: %s", diff)
			}
			if diff := cmp.Diff([]string{test.status}, j.statuses); diff != "" {
				t.Errorf("statuses: %s", diff)
			}
			if diff := cmp.Diff(map[string]string{"operation": test.action, "position": "1", "duplicate": "false"}, j.results); diff != "" {
				t.Errorf("results: %s", diff)
			}
			if j.failed != "" {
				t.Errorf("action failed: %s", j.failed)
			}
		})
	}
}

func TestQueueTwice(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.params = map[string]any{"delay": 1}
	handle(t, m, j, "action failed-restart")
	handle(t, m, j, "action restart")
	if diff := cmp.Diff(map[string]string{"operation": "restart", "position": "2", "duplicate": "false"}, j.results); diff != "" {
		t.Error(diff)
	}
	handle(t, m, j, "action restart")
	if diff := cmp.Diff(map[string]string{"operation": "restart", "position": "2", "duplicate": "true", "max-retry": "unlimited"}, j.results); diff != "" {
		t.Error(diff)
	}
}

// An action that can't be done says why, and changes nothing.
func TestFailingActions(t *testing.T) {
	none := func(*juju) {}
	for _, test := range []struct {
		action string
		params map[string]any
		setUp  func(*juju)
		want   string
	}{
		{"make-coffee", nil, none, `unknown action "make-coffee"`},
		{"restart", map[string]any{"delay": -1}, none, `cannot use "delay": it must be from 0 to 3600 seconds`},
		{"restart", map[string]any{"delay": 3601}, none, `cannot use "delay": it must be from 0 to 3600 seconds`},
		{"restart", map[string]any{"delay": "1"}, none, `cannot use "delay": it must be a number`},
		{"restart", map[string]any{"max-retry": 1}, none, `unknown parameter "max-retry"`},
		{"failed-restart", map[string]any{"max-retry": -1}, none, `cannot use "max-retry": it must be from 0 to 1000000`},
		{"failed-restart", map[string]any{"max-retry": 1.5}, none, `cannot use "max-retry": it must be a whole number`},
		{"restart", nil, func(j *juju) { j.relation = "" }, "cannot queue _restart: the peer relation does not exist yet"},
		{"restart", nil, func(j *juju) { j.units[local] = map[string]string{"operations": "{"} },
			"cannot read the operation queue of rolling-ops/0: "},
		{"clear-queue", map[string]any{"force": true}, none, `unknown parameter "force"`},
		{"clear-queue", nil, func(j *juju) { j.relation = "" }, "cannot clear the queue: the peer relation does not exist yet"},
		{"release-lock", nil, none, "cannot release the lock: accept-two-at-once must be true"},
		{"release-lock", map[string]any{"accept-two-at-once": false}, none, "cannot release the lock: accept-two-at-once must be true"},
		{"release-lock", map[string]any{"accept-two-at-once": "yes"}, none, `cannot use "accept-two-at-once": it must be true or false`},
		{"release-lock", map[string]any{"accept-two-at-once": true}, none, "cannot release the lock: this unit is not the leader; run the action on the leader"},
	} {
		t.Run(test.action+" "+test.want, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 3)
			j.params = test.params
			test.setUp(j)
			handle(t, m, j, "action "+test.action)
			if !strings.HasPrefix(j.failed, test.want) {
				t.Errorf("action failed with %q", j.failed)
			}
			if j.units[local]["state"] == "request" || len(m.transitions) > 0 || len(j.statuses) > 0 || j.results != nil {
				t.Errorf("something was done: %v, %v, %v, %v", j.units[local], m.transitions, j.statuses, j.results)
			}
		})
	}
}

func TestClearQueue(t *testing.T) {
	m := newMachine()
	for _, test := range []struct{ queue, dropped string }{
		{"[]", "0"},
		{queueOf(t, m, restart, failedRestart), "2"},
		{"no JSON", "unknown"},
	} {
		j := newJuju(t, 3)
		j.units[local] = map[string]string{"state": "request", "operations": test.queue}
		handle(t, m, j, "action clear-queue")
		if diff := cmp.Diff(map[string]string{"state": "idle", "operations": "[]"}, j.units[local]); diff != "" {
			t.Errorf("%s: databag: %s", test.queue, diff)
		}
		if diff := cmp.Diff(map[string]string{"dropped": test.dropped}, j.results); diff != "" {
			t.Errorf("%s: results: %s", test.queue, diff)
		}
		if diff := cmp.Diff([]string{"active"}, j.statuses); diff != "" {
			t.Errorf("%s: statuses: %s", test.queue, diff)
		}
	}
}

func TestReleaseLock(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.leader = true
	j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": earlier}
	j.units["rolling-ops/2"] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
	j.params = map[string]any{"accept-two-at-once": true}
	handle(t, m, j, "action release-lock")
	if diff := cmp.Diff(map[string]string{"released": "rolling-ops/1"}, j.results); diff != "" {
		t.Errorf("results: %s", diff)
	}
	if got := j.app["granted_unit"]; got != "rolling-ops/2" {
		t.Errorf("lock is held by %q", got)
	}
	if want := "lock taken from its holder"; !strings.Contains(m.log.String(), want) {
		t.Errorf("log lacks %q: %s", want, m.log.String())
	}
}

// A release that came too late to be written is no success.
func TestReleaseLockTooLate(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.leader = true
	j.app = map[string]string{"granted_unit": "rolling-ops/1", "granted_at": earlier}
	j.params = map[string]any{"accept-two-at-once": true}
	j.slow = func(tool string) {
		if tool == "action-get" {
			m.booted += rollingops.LeaseMargin + 1
		}
	}
	handle(t, m, j, "action release-lock")
	if j.app["granted_unit"] != "rolling-ops/1" || !strings.Contains(j.failed, "run the action again") {
		t.Errorf("lock is held by %q, action failed with %q", j.app["granted_unit"], j.failed)
	}
}

func TestReleaseFreeLock(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.leader = true
	j.params = map[string]any{"accept-two-at-once": true}
	handle(t, m, j, "action release-lock")
	if diff := cmp.Diff(map[string]string{"released": "none"}, j.results); diff != "" {
		t.Errorf("results: %s", diff)
	}
	if log := m.log.String(); !strings.Contains(log, "nobody holds it") || strings.Contains(log, "taken") {
		t.Errorf("log: %s", log)
	}
}

// actions.yaml and the code say the same, and Juju refuses what is in neither.
func TestActionsYAML(t *testing.T) {
	text, err := os.ReadFile("../../actions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var actions map[string]struct {
		Description string
		Params      map[string]struct {
			Description string
			Default     any
			Maximum     int
		}
		AdditionalProperties *bool `yaml:"additionalProperties"`
	}
	if err := yaml.Unmarshal(text, &actions); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for name, action := range actions {
		got[name] = nil
		if action.Description == "" || action.AdditionalProperties == nil || *action.AdditionalProperties {
			t.Errorf("%s: no description, or no additionalProperties: false", name)
		}
		for param, p := range action.Params {
			got[name] = append(got[name], param)
			if p.Description == "" {
				t.Errorf("%s %s: no description", name, param)
			}
			if param == "delay" && (p.Default != defaultDelay || p.Maximum != maxDelay) {
				t.Errorf("%s delay: default %v, maximum %v", name, p.Default, p.Maximum)
			}
			if param == "max-retry" && (p.Default != nil || p.Maximum != maxMaxRetry) {
				t.Errorf("%s max-retry: default %v, maximum %v", name, p.Default, p.Maximum)
			}
		}
	}
	for name := range got {
		m, j := newMachine(), newJuju(t, 1)
		j.params = map[string]any{}
		for _, param := range got[name] {
			j.params[param] = true
		}
		handle(t, m, j, "action "+name)
		if strings.Contains(j.failed, "unknown") {
			t.Errorf("%s: %s", name, j.failed)
		}
	}
	if len(got) != 13 {
		t.Errorf("%d actions", len(got))
	}
}

// The bounds of parameters are the ones that actions.yaml gives.
func TestBoundsOfParameters(t *testing.T) {
	for _, test := range []struct {
		params map[string]any
		ok     bool
	}{
		{map[string]any{"delay": 0}, true},
		{map[string]any{"delay": 3600}, true},
		{map[string]any{"delay": 3600.5}, false},
		{map[string]any{"delay": -0.5}, false},
		{map[string]any{"max-retry": 0}, true},
		{map[string]any{"max-retry": 1_000_000}, true},
		{map[string]any{"max-retry": 1_000_001}, false},
		{map[string]any{"max-retry": -1}, false},
	} {
		m, j := newMachine(), newJuju(t, 2)
		j.params = test.params
		handle(t, m, j, "action failed-restart")
		if ok := j.failed == ""; ok != test.ok {
			t.Errorf("%v: failed with %q", test.params, j.failed)
		}
	}
}

// All that follows the writes fits into what is-leader promises, with room for
// the commit.
func TestAfterWriteFitsTheLease(t *testing.T) {
	if room := 30*time.Second - rollingops.LeaseMargin - unit.AfterWrite; room < 5*time.Second {
		t.Errorf("%s are left for the commit", room)
	}
}
