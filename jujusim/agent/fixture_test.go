package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rolling-ops/jujusim"
)

// The test program is also the hook tools of the models in it.
func TestMain(m *testing.M) {
	if IsTool(os.Args[0]) {
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// limit is how long a test waits for anything.
const limit = time.Minute

// fixture is a model of the charm in testdata.
type fixture struct {
	*Cluster
	t   *testing.T
	ctx context.Context
}

// deploy starts a model with n units and waits until they are idle. At the end
// of the test it is closed, and must leave no process.
func deploy(t *testing.T, n int, change ...func(*Options)) fixture {
	t.Helper()
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{
		CharmDir: "testdata/charm",
		Dir:      dir,
		// A program built for the race detector takes a second to exit unless told
		// not to, and hook tools are such programs here.
		Env:        []string{"GATE_STATE={unit-dir}/state", "GORACE=atexit_sleep_ms=0"},
		RetryDelay: time.Millisecond,
	}
	for _, f := range change {
		f(&opts)
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	f := fixture{c, t, ctx}
	t.Cleanup(func() {
		cancel()
		if _, err := c.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if left, err := findProcesses(c.id); err != nil || len(left) > 0 {
			t.Errorf("processes left: %v, %v", left, err)
		}
		if t.Failed() {
			f.showLogs()
		}
		os.RemoveAll(dir)
	})
	for range n {
		if _, err := c.AddUnit(); err != nil {
			t.Fatal(err)
		}
	}
	f.idle()
	return f
}

func (f fixture) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(f.Dir(), "log", "*.log"))
	for _, path := range logs {
		data, _ := os.ReadFile(path)
		f.t.Logf("%s:\n%s", filepath.Base(path), data)
	}
}

func (f fixture) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// idle waits until the model is. If it never is, what everybody waits for is
// the question.
func (f fixture) idle() {
	f.t.Helper()
	if err := f.WaitIdle(f.ctx, false); err != nil {
		stacks := make([]byte, 1<<20)
		f.t.Fatalf("%v\n%s", err, stacks[:runtime.Stack(stacks, true)])
	}
}

// run runs an action to its end.
func (f fixture) run(unit, action string, params map[string]any) jujusim.ActionResult {
	f.t.Helper()
	result, err := f.RunAction(f.ctx, unit, action, params)
	f.check(err)
	return result
}

// hold starts the action hold on a unit and waits until it stands at the gate.
func (f fixture) hold(unit string) string {
	f.t.Helper()
	id, err := f.StartAction(unit, "hold", nil)
	f.check(err)
	f.await(func(Status) bool { return f.exists(unit, "gate") })
	return id
}

// open lets whatever waits at the unit's gate go on. Opening the FIFO waits
// until somebody is there.
func (f fixture) open(unit string) {
	f.t.Helper()
	f.await(func(Status) bool { return f.exists(unit, "gate") })
	done := make(chan error, 1)
	go func() {
		gate, err := os.OpenFile(f.state(unit, "gate"), os.O_WRONLY, 0)
		if err == nil {
			err = gate.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		f.check(err)
	case <-f.ctx.Done():
		// A reader that never comes: let the goroutine go.
		gate, err := os.OpenFile(f.state(unit, "gate"), os.O_RDWR, 0)
		f.check(err)
		gate.Close()
		f.t.Fatalf("nobody waits at the gate of %s", unit)
	}
}

// await waits until the condition holds. It may be one that is no event of the
// model, so it is looked at regularly, too.
func (f fixture) await(until func(Status) bool) {
	f.t.Helper()
	for !until(f.Status()) {
		select {
		case <-f.ctx.Done():
			f.t.Fatalf("time is up: %+v", f.Status())
		case <-f.Changed():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// state returns the path of a file of the charm's.
func (f fixture) state(unit, name string) string {
	return filepath.Join(f.UnitDir(unit), "state", name)
}

func (f fixture) exists(unit, name string) bool {
	_, err := os.Stat(f.state(unit, name))
	return err == nil
}

// events returns what the charm was called with.
func (f fixture) events(unit string) []string {
	f.t.Helper()
	data, err := os.ReadFile(f.state(unit, "events"))
	f.check(err)
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func (f fixture) unit(name string) UnitStatus {
	f.t.Helper()
	for _, u := range f.Status().Units {
		if u.Name == name {
			return u
		}
	}
	f.t.Fatalf("no unit %s", name)
	return UnitStatus{}
}

func (f fixture) databag(unit, key string) string {
	return f.unit(unit).Databags["cluster:0"][key]
}
