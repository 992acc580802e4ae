package charm

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// attempt runs the head of the local unit's queue, on a follower.
func attempt(t *testing.T, m *machine, j *juju, queue string) {
	t.Helper()
	j.app = map[string]string{"granted_unit": local, "granted_at": recent}
	j.units[local] = map[string]string{"state": "request", "operations": queue}
	handle(t, m, j, "rollingops_lock_granted")
}

func TestRestart(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   map[string]any
		broken   string // a command that fails
		commands []string
		state    string
		end      string // the last transition
		status   string // the last one
	}{
		{"nothing to restart", map[string]any{}, "", nil, "idle", "_restart:done", "active"},
		{"services", map[string]any{"service": "b, a.service"}, "",
			[]string{"systemctl restart b (10m0s)", "systemctl restart a.service (10m0s)"}, "idle", "_restart:done", "active"},
		{"healthy", map[string]any{"service": "b", "health-check": "check 'a b' c", "health-check-timeout": "3s"}, "",
			[]string{"systemctl restart b (10m0s)", "check a b c (3s)"}, "idle", "_restart:done", "active"},
		{"check without a service", map[string]any{"health-check": "check"}, "",
			[]string{"check (30s)"}, "idle", "_restart:done", "active"},
		{"unhealthy", map[string]any{"service": "b", "health-check": "check", "health-check-timeout": "1s"}, "check",
			[]string{"systemctl restart b (10m0s)", "check (1s)"}, "retry-hold", "_restart:retry_hold",
			"waiting Awaiting restart operation: attempt 1 failed (health check failed: exit status 1), others wait, next at 12:00:07 UTC"},
		{"service does not restart", map[string]any{"service": "a b c", "health-check": "check"}, "systemctl restart b",
			[]string{"systemctl restart a (10m0s)", "systemctl restart b (10m0s)"}, "retry-hold", "_restart:retry_hold",
			"waiting Awaiting restart operation: attempt 1 failed (cannot restart b: exit status 1), others wait, next at 12:00:05 UTC"},
		{"no pause", map[string]any{"service": "b", "retry-delay": "0s"}, "systemctl restart b",
			[]string{"systemctl restart b (10m0s)"}, "retry-hold", "_restart:retry_hold",
			"waiting Awaiting restart operation: attempt 1 failed (cannot restart b: exit status 1), others wait"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 3)
			j.config = test.config
			m.broken[test.broken] = errBroken
			attempt(t, m, j, queueOf(t, m, restart))
			if diff := cmp.Diff(test.commands, m.commands, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("commands: %s", diff)
			}
			if got := j.units[local]["state"]; got != test.state {
				t.Errorf("state %q", got)
			}
			if diff := cmp.Diff([]string{`_restart:start {"delay":2}`, test.end + ` {"delay":2}`}, m.transitions); diff != "" {
				t.Errorf("transitions: %s", diff)
			}
			if got := j.statuses[len(j.statuses)-1]; got != test.status {
				t.Errorf("status %q", got)
			}
			if test.broken != "" && !strings.Contains(m.log.String(), `msg="restart failed, keeping the lock"`) || test.broken != "" && !strings.Contains(m.log.String(), `output="output of `) {
				t.Errorf("what the command wrote is not in the log:\n%s", &m.log)
			}
		})
	}
}

func TestFailingOperations(t *testing.T) {
	for _, test := range []struct {
		operation, state string
		want             []string
		status           string
	}{
		{failedRestart, "retry-release", []string{`_failed_restart:start {"delay":2}`, `_failed_restart:retry_release {"delay":2}`},
			"waiting Awaiting failed-restart operation: attempt 1 failed, next at 12:00:07 UTC"},
		{deferredRestart, "retry-hold", []string{`_deferred_restart:start {"delay":2}`, `_deferred_restart:retry_hold {"delay":2}`},
			"waiting Awaiting deferred-restart operation: attempt 1 failed, others wait, next at 12:00:07 UTC"},
	} {
		m, j := newMachine(), newJuju(t, 3)
		attempt(t, m, j, queueOf(t, m, test.operation))
		if got := j.units[local]["state"]; got != test.state {
			t.Errorf("%s: state %q", test.operation, got)
		}
		if diff := cmp.Diff(test.want, m.transitions); diff != "" {
			t.Errorf("%s: transitions: %s", test.operation, diff)
		}
		want := []string{"maintenance Executing " + plain(test.operation) + " operation", test.status}
		if diff := cmp.Diff(want, j.statuses); diff != "" {
			t.Errorf("%s: statuses: %s", test.operation, diff)
		}
	}
}

// The next operation waits: the unit is not active in between.
func TestMoreInTheQueue(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	attempt(t, m, j, queueOf(t, m, restart, failedRestart))
	if diff := cmp.Diff([]string{"maintenance Executing restart operation", "waiting Awaiting failed-restart operation"}, j.statuses); diff != "" {
		t.Error(diff)
	}
}

// Arguments come from a databag, in which anything may stand. Trying again would
// not make them better.
func TestBadArguments(t *testing.T) {
	for _, args := range []string{`{"delay":-1}`, `{"delay":1e9}`, `{"delay":"1"}`, `{"delay":1,"force":true}`} {
		m, j := newMachine(), newJuju(t, 3)
		queue := strings.Replace(queueOf(t, m, restart), `{\\\"delay\\\":2}`, strings.ReplaceAll(args, `"`, `\\\"`), 1)
		attempt(t, m, j, queue)
		if got := j.units[local]["state"]; got != "idle" || !strings.Contains(m.log.String(), "operation dropped") {
			t.Errorf("%s: state %q, log %s", args, got, &m.log)
		}
		if len(m.transitions) > 0 || len(m.commands) > 0 {
			t.Errorf("%s: ran %v, %v", args, m.transitions, m.commands)
		}
	}
	m, j := newMachine(), newJuju(t, 3)
	attempt(t, m, j, strings.Replace(queueOf(t, m, restart), `{\\\"delay\\\":2}`, `{}`, 1))
	if diff := cmp.Diff([]string{"_restart:start {}", "_restart:done {}"}, m.transitions); diff != "" {
		t.Errorf("no arguments: %s", diff)
	}
}

// A restart that is stopped when services have been restarted keeps the lock:
// nobody has seen whether the unit is well.
func TestRestartStoppedHalfway(t *testing.T) {
	for service, want := range map[string][]string{
		"":   {"retry-release", `_restart:retry_release {"delay":2}`},
		"db": {"retry-hold", `_restart:retry_hold {"delay":2}`},
	} {
		m, j := newMachine(), newJuju(t, 3)
		j.config = map[string]any{"service": service}
		j.app = map[string]string{"granted_unit": local, "granted_at": earlier}
		j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
		ctx, cancel := context.WithCancel(t.Context())
		c := charmOn(m, j)
		c.Sleep = func(ctx context.Context, _ time.Duration) error {
			cancel()
			return context.Cause(ctx)
		}
		if err := c.Handle(ctx, hookOf(t, "rollingops_lock_granted")); err != nil {
			t.Fatal(err)
		}
		if got := []string{j.units[local]["state"], m.transitions[len(m.transitions)-1]}; !slices.Equal(got, want) {
			t.Errorf("service %q: %q, want %q", service, got, want)
		}
	}
}

// A delay is in seconds, and parts of one count.
func TestDelayOfPartsOfASecond(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	before := m.booted
	attempt(t, m, j, strings.Replace(queueOf(t, m, restart), `{\\\"delay\\\":2}`, `{\\\"delay\\\":0.25}`, 1))
	if slept := m.booted - before; slept != 250*time.Millisecond {
		t.Errorf("slept for %s", slept)
	}
}
