package charm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rolling-ops/internal/codec"
)

// exits is the error of a command with an exit code.
type exits int

func (e exits) Error() string { return "exit status" }
func (e exits) ExitCode() int { return int(e) }

// workOf is an attempt at an operation, with the lock granted.
func workOf(t *testing.T, operation string, kwargs, config map[string]any) (*machine, *juju) {
	m, j := newAttempt(t, config)
	args, err := codec.NewArgs(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	op, err := codec.NewOperation(operation, args, m.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	queue, _ := codec.Queue{}.Push(op)
	text, err := queue.Encode()
	if err != nil {
		t.Fatal(err)
	}
	j.units[local]["operations"] = text
	m.boot = "boot 1"
	return m, j
}

// What each operation runs, how it ends, and whether it is tried again with the lock.
func TestWorks(t *testing.T) {
	delay := map[string]any{"delay": 0}
	for _, test := range []struct {
		name      string
		operation string
		config    map[string]any
		broken    map[string]error
		commands  []string
		end       string // of the last transition
		state     string
	}{
		{"reload", reload, map[string]any{"service": "a b", "health-check": "check"}, nil,
			[]string{"systemctl reload-or-restart a (10m0s)", "systemctl reload-or-restart b (10m0s)", "check (30s)"}, "done", "idle"},
		{"reload fails", reload, map[string]any{"service": "a b"}, map[string]error{"systemctl reload-or-restart a": errBroken},
			[]string{"systemctl reload-or-restart a (10m0s)"}, "retry_hold", "retry-hold"},
		{"a service is never put off", reload, map[string]any{"service": "a"}, map[string]error{"systemctl reload-or-restart a": exits(75)},
			[]string{"systemctl reload-or-restart a (10m0s)"}, "retry_hold", "retry-hold"},
		{"command", runCommand, map[string]any{"command": "update 'a b'", "pre-check": "pre", "health-check": "check", "service": "a"}, nil,
			[]string{"pre (30s)", "update a b (10m0s)", "check (30s)"}, "done", "idle"},
		{"command with a time-out", runCommand, map[string]any{"command": "update", "command-timeout": "3s"}, nil,
			[]string{"update (3s)"}, "done", "idle"},
		{"command fails", runCommand, map[string]any{"command": "update", "health-check": "check"}, map[string]error{"update": exits(1)},
			[]string{"update (10m0s)"}, "retry_hold", "retry-hold"},
		{"command can't be run", runCommand, map[string]any{"command": "update"}, map[string]error{"update": errBroken},
			[]string{"update (10m0s)"}, "retry_hold", "retry-hold"},
		{"command lets others go first", runCommand, map[string]any{"command": "update", "health-check": "check"}, map[string]error{"update": exits(75)},
			[]string{"update (10m0s)"}, "retry_release", "retry-release"},
		{"a check is never put off", runCommand, map[string]any{"command": "update", "pre-check": "pre"}, map[string]error{"pre": exits(75)},
			[]string{"pre (30s)"}, "retry_hold", "retry-hold"},
		{"a command of another application", runCommand, map[string]any{"command": "kafka: update"}, nil, nil, "done", "idle"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, j := workOf(t, test.operation, delay, test.config)
			if test.broken != nil {
				m.broken = test.broken
			}
			attempts(t, m, j, nil)
			if diff := cmp.Diff(test.commands, m.commands, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			want := []string{test.operation + `:start {"delay":0}`, test.operation + ":" + test.end + ` {"delay":0}`}
			if diff := cmp.Diff(want, m.transitions); diff != "" {
				t.Error(diff)
			}
			if got := j.units[local]["state"]; got != test.state {
				t.Errorf("state %q", got)
			}
		})
	}
}

// A command that succeeded is not run again because the unit was not well.
func TestCommandRunsOnceIfTheUnitGetsWell(t *testing.T) {
	m, j := workOf(t, runCommand, map[string]any{"delay": 0}, map[string]any{"command": "update", "health-check": "check", "health-check-timeout": "1s"})
	m.broken["check"] = errBroken
	attempts(t, m, j, nil)
	delete(m.broken, "check")
	granted(m, j)
	attempts(t, m, j, nil)
	if diff := cmp.Diff([]string{"update (10m0s)", "check (1s)", "check (1s)", "check (1s)"}, m.commands); diff != "" {
		t.Error(diff)
	}
}

// The action says at once that there is nothing to run.
func TestCommandWithoutACommand(t *testing.T) {
	for _, action := range []string{"command", "start-rollout"} {
		m, j := newMachine(), newJuju(t, 1)
		j.leader = true
		j.params = map[string]any{}
		if action == "start-rollout" {
			j.params["operation"] = "command"
		}
		handle(t, m, j, "action "+action)
		if want := "there is nothing to run: juju config rolling-ops command=... says what"; j.failed != want {
			t.Errorf("%s failed with %q", action, j.failed)
		}
	}
}

// always is for reboot alone.
func TestAlwaysIsForReboot(t *testing.T) {
	m, j := newMachine(), newJuju(t, 1)
	j.leader = true
	j.params = map[string]any{"always": true}
	handle(t, m, j, "action start-rollout")
	if !strings.Contains(j.failed, `cannot use "always"`) {
		t.Errorf("failed with %q", j.failed)
	}
	handle(t, m, j, "action reboot")
	if got := j.units[local]["operations"]; !strings.Contains(got, "always") {
		t.Errorf("queue %s", got)
	}
}

// reboots counts how often Juju was asked to reboot the machine.
func (j *juju) reboots() int {
	n := 0
	for _, call := range j.calls {
		if call == "juju-reboot" {
			n++
		}
	}
	return n
}

// oneHook runs a hook of the worker and lets the time go by that it asked for.
func oneHook(t *testing.T, m *machine, j *juju) {
	t.Helper()
	handle(t, m, j, "rollingops_lock_granted")
	if len(m.wakes) > 0 {
		m.now, m.booted = m.now.Add(m.wakes[len(m.wakes)-1]), m.booted+m.wakes[len(m.wakes)-1]
	}
}

func over(j *juju) bool { return j.units[local]["executed_at"] > j.app["granted_at"] }

// The lock is held until the machine has come up and the unit is well.
func TestReboot(t *testing.T) {
	m, j := workOf(t, reboot, map[string]any{"delay": 1}, map[string]any{"service": "db web", "health-check": "check", "pre-check": "pre"})
	m.required = true
	for range 10 {
		oneHook(t, m, j)
	}
	if over(j) || j.reboots() != 1 || cmp.Diff([]string{"pre (30s)"}, m.commands) != "" {
		t.Fatalf("before: over %t, %d reboots, commands %q", over(j), j.reboots(), m.commands)
	}
	if got := j.statuses[len(j.statuses)-1]; got != "maintenance Executing reboot operation" {
		t.Errorf("status %q", got)
	}
	m.boot, m.required, m.commands = "boot 2", false, nil
	m.broken["systemctl is-active --quiet web"] = errBroken
	oneHook(t, m, j)
	if over(j) || slices.Contains(m.commands, "check (30s)") {
		t.Fatalf("a service is down: over %t, commands %q", over(j), m.commands)
	}
	delete(m.broken, "systemctl is-active --quiet web")
	m.broken["check"] = errBroken
	oneHook(t, m, j)
	if over(j) {
		t.Fatal("over, though the unit is not well")
	}
	delete(m.broken, "check")
	attempts(t, m, j, nil)
	if got := j.units[local]["state"]; got != "idle" || j.reboots() != 1 || m.progress(t).goesOn() {
		t.Errorf("state %q, %d reboots, note %s", got, j.reboots(), m.notes[operationNote])
	}
	if diff := cmp.Diff([]string{`_reboot:start {"delay":1}`, `_reboot:done {"delay":1}`}, m.transitions); diff != "" {
		t.Error(diff)
	}
}

// A machine that asks for no reboot is left alone, unless it is to reboot always.
func TestRebootIfRequired(t *testing.T) {
	for _, always := range []bool{false, true} {
		m, j := workOf(t, reboot, map[string]any{"delay": 0, "always": always}, nil)
		oneHook(t, m, j)
		if over(j) == always || (j.reboots() == 1) != always {
			t.Errorf("always %t: over %t, %d reboots", always, over(j), j.reboots())
		}
	}
}

// A unit that is not well after the reboot keeps the lock, and is never rebooted
// again for it.
func TestRebootsOnce(t *testing.T) {
	m, j := workOf(t, reboot, map[string]any{"delay": 0, "always": true}, map[string]any{"health-check": "check", "health-check-timeout": "20s"})
	oneHook(t, m, j)
	m.boot, m.broken["check"] = "boot 2", errBroken
	for range 3 {
		attempts(t, m, j, nil)
		if got := j.units[local]["state"]; got != "retry-hold" || j.reboots() != 1 {
			t.Fatalf("state %q, %d reboots", got, j.reboots())
		}
		granted(m, j)
	}
	delete(m.broken, "check")
	attempts(t, m, j, nil)
	if got := j.units[local]["state"]; got != "idle" || j.reboots() != 1 {
		t.Errorf("state %q, %d reboots", got, j.reboots())
	}
}

// Nothing is done again when the hook in which the operation has ended fails.
func TestHookFailsAfterOperation(t *testing.T) {
	for operation, once := range map[string]string{reboot: "juju-reboot", restart: "systemctl restart db (10m0s)"} {
		m, j := workOf(t, operation, map[string]any{"delay": 0, "always": true}, map[string]any{"service": "db"})
		if operation == reboot {
			oneHook(t, m, j)
		}
		m.boot, j.failing = "boot 2", "relation-set"
		if err := charmOn(m, j).Handle(t.Context(), hookOf(t, "rollingops_lock_granted")); err == nil {
			t.Fatalf("%s: the hook did not fail", operation)
		}
		j.failing = ""
		attempts(t, m, j, nil)
		n := 0
		for _, did := range append(slices.Clone(j.calls), m.commands...) {
			if did == once {
				n++
			}
		}
		if n != 1 || j.units[local]["state"] != "idle" {
			t.Errorf("%s: done %d times, state %q", operation, n, j.units[local]["state"])
		}
	}
}

// A machine that does not go down is told again in the next attempt, and one that
// somebody else has rebooted meanwhile is not.
func TestRebootThatDoesNotHappen(t *testing.T) {
	m, j := workOf(t, reboot, map[string]any{"delay": 0, "always": true}, nil)
	begun := m.now
	attempts(t, m, j, nil)
	if took := m.now.Sub(begun); took < goesDownWithin || took > goesDownWithin+time.Minute || j.units[local]["state"] != "retry-hold" || j.reboots() != 1 {
		t.Fatalf("after %s: state %q, %d reboots", took, j.units[local]["state"], j.reboots())
	}
	granted(m, j)
	oneHook(t, m, j)
	if j.reboots() != 2 {
		t.Fatalf("%d reboots", j.reboots())
	}
	m.boot = "boot of somebody else"
	attempts(t, m, j, nil)
	if got := j.units[local]["state"]; got != "idle" || j.reboots() != 2 {
		t.Errorf("state %q, %d reboots", got, j.reboots())
	}
}

// Without a note of it no machine reboots: it would do so again and again.
func TestNoRebootWithoutANote(t *testing.T) {
	m, j := workOf(t, reboot, map[string]any{"delay": 0, "always": true}, nil)
	m.writeErr = errors.New("no space left")
	oneHook(t, m, j)
	if j.reboots() != 0 || j.units[local]["state"] != "retry-hold" {
		t.Errorf("%d reboots, state %q", j.reboots(), j.units[local]["state"])
	}
}

// A refused reboot keeps the lock and says why.
func TestRebootRefused(t *testing.T) {
	m, j := workOf(t, reboot, map[string]any{"delay": 0, "always": true}, nil)
	j.failing = "juju-reboot"
	oneHook(t, m, j)
	if got := j.statuses[len(j.statuses)-1]; j.units[local]["state"] != "retry-hold" || !strings.Contains(got, "cannot reboot") {
		t.Errorf("state %q, status %q", j.units[local]["state"], got)
	}
	j.failing = ""
	granted(m, j)
	oneHook(t, m, j)
	if j.reboots() != 2 {
		t.Errorf("%d reboots asked for", j.reboots())
	}
}

// The files of the machine.
func TestBootFiles(t *testing.T) {
	dir := t.TempDir()
	b := BootFiles{BootID: dir + "/boot_id", Run: dir}
	if _, err := b.ID(); err == nil {
		t.Error("a boot id from nowhere")
	}
	for text, want := range map[string]string{"a-b\n": "a-b", "\n": "", strings.Repeat("x", 200): ""} {
		write(t, b.BootID, text)
		if got, err := b.ID(); got != want || (err == nil) != (want != "") {
			t.Errorf("%.10q: %q, %v", text, got, err)
		}
	}
	for _, want := range []bool{false, true} {
		if got, err := b.Required(); got != want || err != nil {
			t.Errorf("required %t, %v", got, err)
		}
		write(t, dir+"/reboot-required", "")
	}
}

// The primary-check says which unit asks for the last turn.
func TestPrimaryCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		config map[string]any
		err    error
		want   string
		warns  bool
	}{
		{"yes", map[string]any{"primary-check": "ask me"}, nil, "true", false},
		{"no", map[string]any{"primary-check": "ask me"}, exits(1), "", false},
		{"can't be run", map[string]any{"primary-check": "ask me"}, errBroken, "", true},
		{"none", nil, nil, "", false},
		{"another application's", map[string]any{"primary-check": "kafka: ask me"}, nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, j := newMachine(), newJuju(t, 2)
			j.leader, j.config, j.params = true, test.config, map[string]any{}
			m.broken["ask me"] = test.err
			handle(t, m, j, "action start-rollout")
			handle(t, m, j, "restart-relation-changed")
			if got := j.units[local]["rollingops-primary"]; got != test.want || j.units[local]["rollingops-step"] == "" {
				t.Errorf("primary %q, databag %v", got, j.units[local])
			}
			if got := strings.Contains(m.log.String(), "cannot tell whether this unit should go last"); got != test.warns {
				t.Errorf("log %s", &m.log)
			}
		})
	}
}
