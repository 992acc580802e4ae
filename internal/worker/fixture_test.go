package worker

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// retryEnv sets the first pause after a failed call in worker processes.
const retryEnv = "ROLLINGOPS_TEST_RETRY"

// lookEnv sets how often worker processes look around.
const lookEnv = "ROLLINGOPS_TEST_LOOK"

// systemdEnv stands in for the directory that says that systemd runs the machine.
const systemdEnv = "ROLLINGOPS_TEST_SYSTEMD"

// TestMain lets the test binary be several programs, told apart by the name
// under which it was started: the charm's worker, a hook, or the tests.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "dispatch": // of a charm with one binary
		if os.Args[1] != "worker" {
			os.Exit(3)
		}
		os.Exit(Main(os.Args[2:]))
	case Program:
		programMain(Run)
	case "hook":
		programMain(Request)
	default:
		// Processes built with the race detector wait a second before they end.
		os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
		os.Exit(m.Run())
	}
}

func programMain(do func(context.Context, Options, time.Duration) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	systemd = os.Getenv(systemdEnv)
	if d, err := time.ParseDuration(os.Getenv(lookEnv)); err == nil {
		look = d
	}
	o := Options{RetryMin: 10 * time.Millisecond, RetryMax: 40 * time.Millisecond}
	if d, err := time.ParseDuration(os.Getenv(retryEnv)); err == nil {
		o.RetryMin, o.RetryMax = d, d
	}
	flag.StringVar(&o.Unit, "unit-name", "", "")
	flag.StringVar(&o.CharmDir, "charm-dir", "", "")
	flag.StringVar(&o.StateDir, "state-dir", "", "")
	flag.StringVar(&o.RunCmd, "run-cmd", "", "")
	delay := flag.Duration("delay", 0, "")
	flag.Parse()
	if err := do(ctx, o, *delay); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A unit is a Juju unit with real worker processes and a fake juju-exec.
type unit struct {
	Options
	t        *testing.T
	dir      string
	warnings bytes.Buffer // what Request logged
}

// newUnit makes a unit. The script is what its juju-exec does, in $DIR, after
// it has noted its arguments in the file calls.
func newUnit(t *testing.T, script string) *unit {
	dir := t.TempDir()
	u := &unit{t: t, dir: dir}
	u.Options = Options{
		Unit:     "app/0",
		CharmDir: filepath.Join(dir, "charm"),
		StateDir: filepath.Join(dir, "state"),
		RunCmd:   filepath.Join(dir, "juju-exec"),
		Logger:   slog.New(slog.NewTextHandler(&u.warnings, nil)),
	}
	test, err := os.Executable()
	u.must(err)
	u.must(os.Mkdir(u.CharmDir, 0o755))
	u.must(os.Symlink(test, filepath.Join(u.CharmDir, Program)))
	text := fmt.Sprintf("#!/bin/sh\nDIR='%s'; cd $DIR; echo \"$*\" >> calls\n%s\n", dir, script)
	u.must(os.WriteFile(u.RunCmd, []byte(text), 0o755))
	t.Cleanup(u.end)
	return u
}

// end checks that no process of the unit is left, when the test did not fail,
// or is ended by SIGTERM.
func (u *unit) end() {
	for _, pid := range u.processes() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	u.waitUntil("no process is left", func() bool { return len(u.processes()) == 0 })
}

// request is Request with this unit's options.
func (u *unit) request(delay time.Duration) {
	u.t.Helper()
	u.must(Request(context.Background(), u.Options, delay))
}

// waitUntil waits for what other processes do.
func (u *unit) waitUntil(what string, cond func() bool) {
	u.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			u.t.Fatalf("never came: %s\ncalls: %q\nlog:\n%s", what, u.calls(), u.log())
		}
	}
}

func (u *unit) waitForCalls(n int) {
	u.t.Helper()
	u.waitUntil(fmt.Sprintf("%d calls", n), func() bool { return len(u.calls()) >= n })
}

func (u *unit) waitForLog(text string) {
	u.t.Helper()
	u.waitUntil("log line with "+text, func() bool { return strings.Contains(u.log(), text) })
}

func (u *unit) waitForEnd() {
	u.t.Helper()
	u.waitUntil("the end of all workers", func() bool { return len(u.processes()) == 0 })
}

// calls returns a line for each call of juju-exec.
func (u *unit) calls() []string {
	return strings.Split(u.read("calls"), "\n")[1:]
}

// path returns the path of the unit's file of the given kind.
func (u *unit) path(kind string) string { return filepath.Join(u.StateDir, u.file(kind)) }

func (u *unit) log() string { return u.read("state/app-0.log") }

// read returns a newline and the content of a file, without the last newline;
// nothing if the file is missing. It does not wait for the writer of a FIFO.
func (u *unit) read(name string) string {
	f, err := os.OpenFile(filepath.Join(u.dir, name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(f)
	return strings.TrimSuffix("\n"+string(data), "\n")
}

func (u *unit) write(name, content string) {
	u.t.Helper()
	u.must(os.WriteFile(filepath.Join(u.dir, name), []byte(content), 0o600))
}

func (u *unit) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

// processes returns the ids of the live processes that have this unit's
// directory in their arguments. A zombie has no arguments.
func (u *unit) processes() []int {
	return u.processesWith(u.dir)
}

func (u *unit) processesWith(argument string) []int {
	var pids []int
	entries, err := os.ReadDir("/proc")
	u.must(err)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if bytes.Contains(line, []byte(argument)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// onlyWorker waits until the unit has one worker, which waits, and returns its
// process id.
func (u *unit) onlyWorker() (pid int) {
	u.t.Helper()
	u.waitForLog("msg=waiting")
	u.waitUntil("a single worker", func() bool {
		pids := u.processesWith(filepath.Join(u.CharmDir, Program))
		if len(pids) == 1 {
			pid = pids[0]
		}
		return len(pids) == 1
	})
	return pid
}
