package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain makes the test binary serve as dispatch.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_DISPATCH") != "" {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// tool stands in for all hook tools: a unit that holds the lock, with a restart
// in its queue that would take 1000 s. It takes note of what it is told, and a
// status waits for somebody to read it.
const tool = `#!/bin/sh
name=${0##*/}
case "$name $*" in
is-leader*) echo false ;;
relation-ids*) echo '["restart:0"]' ;;
relation-get*--app*) echo '{"granted_unit":"app/0","granted_at":"2026-01-01T00:00:00+00:00"}' ;;
relation-get*) cat "$TEST_DIR/databag" ;;
config-get*) echo '{}' ;;
relation-set*) cat > "$TEST_DIR/written" ;;
status-set*) echo "$*" > "$TEST_DIR/status" ;;
juju-log*) echo "$*" >> "$TEST_DIR/log" ;;
*) exit 2 ;;
esac
`

const databag = `{"state":"request","operations":"[\"{\\\"callback_id\\\":\\\"_restart\\\",` +
	`\\\"kwargs\\\":\\\"{\\\\\\\"delay\\\\\\\":1000}\\\",\\\"requested_at\\\":\\\"2026-01-01T00:00:00+00:00\\\",` +
	`\\\"max_retry\\\":\\\"\\\",\\\"attempt\\\":\\\"0\\\"}\"]"}`

// dispatch prepares dispatch as a process, with fake hook tools on PATH.
func dispatch(t *testing.T, env ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"is-leader", "relation-ids", "relation-get", "config-get", "relation-set", "status-set", "juju-log"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(tool), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "databag"), []byte(databag), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "status"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append([]string{
		"RUN_DISPATCH=1", "TEST_DIR=" + dir, "ROLLINGOPS_STATE_DIR=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH"),
		"JUJU_UNIT_NAME=app/0", "JUJU_CHARM_DIR=" + dir,
	}, env...)
	cmd.Stderr = new(bytes.Buffer)
	return cmd, dir
}

func content(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
		code int
		log  string
	}{
		{"unknown hook", []string{"JUJU_DISPATCH_PATH=hooks/collect-metrics"}, 0, "--log-level DEBUG -- nothing to do for this hook hook=collect-metrics\n"},
		{"no event", []string{"JUJU_DISPATCH_PATH="}, 1, "--log-level ERROR -- hook failed error=\"cannot tell the event: JUJU_DISPATCH_PATH is not set\"\n"},
		{"no hook tool", []string{"JUJU_DISPATCH_PATH=actions/restart"}, 1, "hook failed error="},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd, dir := dispatch(t, test.env...)
			if test.name == "no hook tool" {
				if err := os.Remove(filepath.Join(dir, "is-leader")); err != nil {
					t.Fatal(err)
				}
			}
			err := cmd.Run()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, %s", code, cmd.Stderr)
			}
			if log := content(t, dir, "log"); !strings.Contains(log, test.log) {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestBadTransport(t *testing.T) {
	cmd, _ := dispatch(t, "ROLLINGOPS_HOOK_TOOLS=pigeon")
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 || !strings.HasPrefix(cmd.Stderr.(*bytes.Buffer).String(), "ERROR cannot use") {
		t.Errorf("%v: %s", err, cmd.Stderr)
	}
}

// SIGTERM ends the operation, and what the unit has to say of it is written.
func TestSIGTERM(t *testing.T) {
	cmd, dir := dispatch(t, "JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "status"); got != "-- maintenance Executing restart operation\n" {
		t.Errorf("first status: %s", got)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "status"); !strings.HasPrefix(got, "-- waiting Awaiting restart operation: attempt 1 failed") {
		t.Errorf("last status: %s", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, cmd.Stderr)
	}
	if written := content(t, dir, "written"); !strings.Contains(written, `"state": "retry-release"`) {
		t.Errorf("databag: %s", written)
	}
	start, end, _ := strings.Cut(content(t, dir, "transitions.log"), "\n")
	if !strings.Contains(start, `"event":"_restart:start"`) || !strings.Contains(end, `"event":"_restart:retry_release"`) || strings.Count(end, "\n") != 1 {
		t.Errorf("transitions: %s\n%s", start, end)
	}
}
