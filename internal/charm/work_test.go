package charm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/unit"
)

// attempts runs the local unit's attempts, hook after hook as its worker would,
// until it has no more to do with the lock. It returns how many hooks that took.
func attempts(t *testing.T, m *machine, j *juju, during func(hook int)) int {
	t.Helper()
	for n := 1; n <= 1000; n++ {
		if during != nil {
			during(n)
		}
		handle(t, m, j, "rollingops_lock_granted")
		if stamp := j.units[local]["executed_at"]; stamp > j.app["granted_at"] {
			return n
		}
		m.now, m.booted = m.now.Add(m.wakes[len(m.wakes)-1]), m.booted+m.wakes[len(m.wakes)-1]
	}
	t.Fatal("no end")
	return 0
}

// granted gives the local unit the lock for its next attempt.
func granted(m *machine, j *juju) {
	m.now = m.now.Add(10 * time.Minute)
	j.app = map[string]string{"granted_unit": local, "granted_at": m.now.Format("2006-01-02T15:04:05.000000") + "+00:00"}
}

func newAttempt(t *testing.T, config map[string]any) (*machine, *juju) {
	m, j := newMachine(), newJuju(t, 3)
	j.config = config
	j.units[local] = map[string]string{"state": "request", "operations": queueOf(t, m, restart)}
	granted(m, j)
	return m, j
}

// A service that needs a while gets it, without being restarted again, and the
// unit's other hooks come in between.
func TestSlowServiceGetsWell(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"service": "db", "health-check": "check"})
	begun := m.booted
	m.broken["check"] = errBroken
	n := attempts(t, m, j, func(int) {
		if m.booted-begun >= 60*time.Second {
			delete(m.broken, "check")
		}
	})
	if n < 5 {
		t.Errorf("only %d hooks: what waits behind them waits for long", n)
	}
	if got := m.commands[0]; got != "systemctl restart db (10m0s)" || strings.Count(strings.Join(m.commands, "\n"), "systemctl") != 1 {
		t.Errorf("commands %q", m.commands)
	}
	if got := j.units[local]["state"]; got != "idle" {
		t.Errorf("state %q", got)
	}
	if diff := cmp.Diff([]string{`_restart:start {"delay":2}`, `_restart:done {"delay":2}`}, m.transitions); diff != "" {
		t.Error(diff)
	}
	want := []string{"maintenance Executing restart operation",
		"waiting Awaiting restart operation: health check failed since 12:10:02 UTC (exit status 1), others wait", "active"}
	if got := compact(j.statuses); cmp.Diff(want, got) != "" {
		t.Error(cmp.Diff(want, got))
	}
	if m.progress(t).goesOn() {
		t.Errorf("it goes on: %s", m.notes[operationNote])
	}
}

func compact(lines []string) []string {
	var out []string
	for _, line := range lines {
		if len(out) == 0 || out[len(out)-1] != line {
			out = append(out, line)
		}
	}
	return out
}

// When the time for getting well is over, the attempt has failed; the next one
// looks before it restarts anything again.
func TestRetryLooksFirst(t *testing.T) {
	for _, recovered := range []bool{true, false} {
		m, j := newAttempt(t, map[string]any{"service": "db", "health-check": "check", "health-check-timeout": "20s"})
		m.broken["check"] = errBroken
		attempts(t, m, j, nil)
		if got := j.units[local]["state"]; got != "retry-hold" {
			t.Fatalf("state %q", got)
		}
		if tries := len(m.commands) - 1; tries < 15 || tries > 20 {
			t.Errorf("%d tries of the check in 20 s", tries)
		}
		m.commands = nil
		if recovered {
			delete(m.broken, "check")
		}
		granted(m, j)
		attempts(t, m, j, nil)
		again := strings.Contains(strings.Join(m.commands, "\n"), "systemctl")
		if got := j.units[local]["state"]; (got == "idle") != recovered || again == recovered {
			t.Errorf("recovered %t: state %q, commands %q", recovered, got, m.commands)
		}
	}
}

// A retry goes on with the services that did not restart.
func TestRetryRestartsTheRest(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"service": "a b c"})
	m.broken["systemctl restart b"] = errBroken
	for _, want := range [][]string{
		{"systemctl restart a (10m0s)", "systemctl restart b (10m0s)"},
		{"systemctl restart b (10m0s)"},
		{"systemctl restart b (10m0s)", "systemctl restart c (10m0s)"},
	} {
		if len(want) == 2 && want[1][len("systemctl restart ")] == 'c' {
			delete(m.broken, "systemctl restart b")
		}
		m.commands = nil
		granted(m, j)
		attempts(t, m, j, nil)
		if diff := cmp.Diff(want, m.commands); diff != "" {
			t.Error(diff)
		}
	}
	// Another operation restarts all of them.
	m.commands = nil
	j.units[local]["state"], j.units[local]["operations"] = "request", queueOf(t, m, restart)
	granted(m, j)
	attempts(t, m, j, nil)
	if len(m.commands) != 3 {
		t.Errorf("the next operation runs %q", m.commands)
	}
}

// Without a health check a unit is well whose services are all active.
func TestRetryAsksSystemd(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"service": "a b", "health-check": "check", "health-check-timeout": "1s"})
	m.broken["check"] = errBroken
	attempts(t, m, j, nil)
	j.config = map[string]any{"service": "a b"}
	m.broken["systemctl is-active --quiet b"] = errBroken
	m.commands = nil
	granted(m, j)
	attempts(t, m, j, nil)
	want := []string{"systemctl is-active --quiet a (30s)", "systemctl is-active --quiet b (30s)", "systemctl restart a (10m0s)", "systemctl restart b (10m0s)"}
	if diff := cmp.Diff(want, m.commands); diff != "" {
		t.Error(diff)
	}
}

// The check has to hold for health-for; a service that dies in that time is not
// well, and may come back until the time-out.
func TestHealthFor(t *testing.T) {
	config := map[string]any{"service": "db", "health-check": "check", "health-check-timeout": "30s", "health-for": "10s"}
	m, j := newAttempt(t, config)
	begun := m.booted
	attempts(t, m, j, nil)
	if held := m.booted - begun; held < 12*time.Second || held > 20*time.Second { // 2 s are the operation's delay
		t.Errorf("held for %s", held)
	}
	if got := j.units[local]["state"]; got != "idle" {
		t.Errorf("state %q", got)
	}
	m, j = newAttempt(t, config)
	attempts(t, m, j, func(n int) {
		if n == 2 {
			m.broken["check"] = errBroken
		}
	})
	if got := j.units[local]["state"]; got != "retry-hold" {
		t.Errorf("died a moment later: state %q", got)
	}
}

// A pre-check that fails stops nothing; once something was stopped it is not
// asked any more, since it would tell of this very unit.
func TestPreCheck(t *testing.T) {
	config := map[string]any{"service": "db", "pre-check": "others", "health-check": "check", "health-check-timeout": "1s"}
	m, j := newAttempt(t, config)
	m.broken["others"], m.broken["check"] = errBroken, errBroken
	attempts(t, m, j, nil)
	if diff := cmp.Diff([]string{"others (30s)"}, m.commands); diff != "" {
		t.Error(diff)
	}
	want := "waiting Awaiting restart operation: attempt 1 failed (pre-check failed, nothing was s...), others wait, next at 12:20:05 UTC"
	if got := j.statuses[len(j.statuses)-1]; len(got) > len("waiting ")+maxStatus || !strings.Contains(got, "pre-check failed") {
		t.Errorf("status %q, want one like %q", got, want)
	}
	delete(m.broken, "others")
	m.commands = nil
	granted(m, j)
	attempts(t, m, j, nil)
	granted(m, j)
	m.broken["others"] = errBroken
	attempts(t, m, j, nil)
	want2 := []string{"others (30s)", "systemctl restart db (10m0s)", "check (1s)", "check (1s)", "systemctl restart db (10m0s)", "check (1s)"}
	if diff := cmp.Diff(want2, m.commands); diff != "" {
		t.Error(diff)
	}
}

// A changed configuration means that the next attempt need not wait, if the
// failed one depended on it.
func TestChangedConfigurationMeansNow(t *testing.T) {
	for _, test := range []struct {
		option, value string
		now           bool
	}{
		{"health-check", "true", true},
		{"service", "db", true},
		{"service", "-x", false}, // can't be used either
		{"retry-delay", "4m", false},
		{"health-check", "false", false}, // as it was
	} {
		m, j := newAttempt(t, map[string]any{"health-check": "false", "health-check-timeout": "1s", "retry-delay": "5m"})
		m.broken["false"] = errBroken
		attempts(t, m, j, nil)
		j.config[test.option] = test.value
		handle(t, m, j, "config-changed")
		if got := j.units[local]["rollingops-retry-now"] != ""; got != test.now {
			t.Errorf("%s=%s: now %t", test.option, test.value, got)
		}
	}
}

// The reason of the last failure is shown as long as the operation waits, with
// the time of the next attempt whole.
func TestStatusKeepsItsReason(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"health-check": "check", "health-check-timeout": "1s", "retry-delay": "5m"})
	m.broken["check"] = errLong{}
	attempts(t, m, j, nil)
	first := j.statuses[len(j.statuses)-1]
	handle(t, m, j, "config-changed")
	for _, status := range []string{first, j.statuses[len(j.statuses)-1]} {
		if !strings.HasPrefix(status, "waiting Awaiting restart operation: attempt 1 failed (health check failed") ||
			!strings.HasSuffix(status, "..., others wait, next at 12:15:02 UTC") && !strings.HasSuffix(status, "...), others wait, next at 12:15:02 UTC") ||
			len(status) > len("waiting ")+maxStatus {
			t.Errorf("%d bytes: %q", len(status), status)
		}
	}
	if !strings.Contains(m.log.String(), `output="output of check"`) {
		t.Errorf("what the check wrote is not in the log:\n%s", &m.log)
	}
	handle(t, m, j, "action clear-queue")
	if got := j.statuses[len(j.statuses)-1]; got != "active" || m.notes[operationNote] != nil {
		t.Errorf("after clear-queue: %q, note %s", got, m.notes[operationNote])
	}
}

type errLong struct{}

func (errLong) Error() string { return strings.Repeat("long and ", 100) + "longer" }

// A wait that an operator ends is over in the transitions too.
func TestClearQueueEndsTheWait(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"health-check": "check"})
	m.broken["check"] = errBroken
	handle(t, m, j, "rollingops_lock_granted")
	handle(t, m, j, "action clear-queue")
	if diff := cmp.Diff([]string{`_restart:start {"delay":2}`, `_restart:cleared {}`, `action:clear-queue {}`}[:2], m.transitions[:2]); diff != "" {
		t.Error(diff)
	}
}

// A note that can't be read counts as none.
func TestUnreadableNotes(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"service": "db"})
	for _, name := range []string{operationNote, "attempt.json", statusNote} {
		m.notes[name] = []byte(`{"times":"x"`)
	}
	attempts(t, m, j, nil)
	if got := j.units[local]["state"]; got != "idle" || !strings.Contains(m.log.String(), "note on this machine can't be read") {
		t.Errorf("state %q, log %s", got, &m.log)
	}
}

// What the leader says of a unit whose queue can't be read goes when it can be,
// and not at the next update-status.
func TestLeaderTakesBackWhatItSaidOfOthers(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.leader = true
	j.units["rolling-ops/2"] = map[string]string{"state": "request", "operations": "{"}
	for range 2 {
		handle(t, m, j, "restart-relation-changed")
	}
	if diff := cmp.Diff([]string{"active cannot read the queue of rolling-ops/2"}, j.statuses); diff != "" {
		t.Error(diff)
	}
	j.statuses, j.units["rolling-ops/2"] = nil, map[string]string{}
	for range 2 {
		handle(t, m, j, "restart-relation-changed")
	}
	if diff := cmp.Diff([]string{"active"}, j.statuses); diff != "" {
		t.Error(diff)
	}
}

// Attempts that never end are counted, by the grant and the operation.
func TestAttemptsAreNoted(t *testing.T) {
	m := newMachine()
	m.notes = nil
	dir := unit.NoteFiles(t.TempDir() + "/state")
	h := &hook{Deps: Deps{Notes: dir, Log: charmOn(m, newJuju(t, 1)).Log}}
	begin := func(key string, want int) {
		t.Helper()
		if got, err := h.Begin(key); err != nil || got != want {
			t.Errorf("Begin(%q) = %d, %v, want %d", key, got, err, want)
		}
	}
	begin("g1 r _restart", 0)
	begin("g1 r _restart", 1)
	begin("g1 r _restart", 2)
	begin("g2 r _restart", 0)
	begin("g2 r _restart", 1)
	if err := h.End("g2 r _restart"); err != nil {
		t.Fatal(err)
	}
	begin("g2 r _restart", 0)
	if h.operation != "r _restart" {
		t.Errorf("operation %q", h.operation)
	}
	if err := dir.Write("attempt.json", make([]byte, 64<<10+1)); err != nil {
		t.Fatal(err)
	}
	begin("g2 r _restart", 0)
	if !strings.Contains(m.log.String(), "can't be read") {
		t.Errorf("log %q", &m.log)
	}
}

// A configuration that can't be used loses nothing, and nothing is tried until
// it has changed.
func TestUnusableConfigurationIsAwaited(t *testing.T) {
	m, j := newAttempt(t, map[string]any{"service": "b *"})
	queue := j.units[local]["operations"]
	handle(t, m, j, "rollingops_lock_granted")
	if len(m.wakes)+len(m.transitions)+len(m.commands) > 0 || j.units[local]["operations"] != queue || j.units[local]["state"] != "request" {
		t.Errorf("woken %v, transitions %q, commands %q, databag %v", m.wakes, m.transitions, m.commands, j.units[local])
	}
	if diff := cmp.Diff([]string{`blocked service: "*" is no name of a systemd unit`}, compact(j.statuses)); diff != "" {
		t.Error(diff)
	}
	j.config["service"] = "b"
	handle(t, m, j, "config-changed")
	if len(m.wakes) != 1 {
		t.Fatalf("woken %v", m.wakes)
	}
	attempts(t, m, j, nil)
	if got := j.units[local]["state"]; got != "idle" {
		t.Errorf("state %q", got)
	}
}
