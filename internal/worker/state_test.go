package worker

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// However workers come and go, the hook runs once more after each request, and
// never twice at a time.
func TestNoRequestIsLost(t *testing.T) {
	o := Options{Unit: "app/0", StateDir: t.TempDir()}
	const tasks, rounds = 8, 200
	var asked, running, seen atomic.Int64
	hook := func() {
		if running.Add(1) != 1 {
			t.Error("two workers run the hook at once")
		}
		seen.Store(asked.Load()) // the requests made so far
		running.Add(-1)
	}
	request := func() {
		due := time.Duration(asked.Add(1))
		p, err := take(o, message{due: due})
		if err != nil {
			t.Error(err)
		}
		if p == nil {
			return
		}
		defer p.close()
		plan := Plan{}
		for left := false; !left; {
			plan.Begin()
			hook()
			left = p.leave(&plan, 0, true)
		}
	}
	var wg sync.WaitGroup
	for range tasks {
		wg.Go(func() {
			for range rounds {
				request()
			}
		})
	}
	wg.Wait()
	if got, want := seen.Load(), int64(tasks*rounds); got != want {
		t.Errorf("the last hook saw %d of %d requests", got, want)
	}
}

func TestLeaveReturnsEarliest(t *testing.T) {
	o := Options{Unit: "app/0", StateDir: t.TempDir()}
	p, err := take(o, message{due: 0})
	if err != nil || p == nil {
		t.Fatalf("got %v, %v", p, err)
	}
	defer p.close()
	for _, due := range []time.Duration{5, 3, math.MaxInt64} {
		if other, err := take(o, message{due: due}); other != nil || err != nil {
			t.Fatalf("a second worker got %v, %v", other, err)
		}
	}
	plan := Plan{}
	plan.Begin()
	if p.leave(&plan, 0, true) {
		t.Error("left the post with due times in the mailbox")
	}
	if due, ok := plan.Due(); due != 3 || !ok {
		t.Errorf("got %d, %t; want 3, true", due, ok)
	}
	plan.Begin()
	if !p.leave(&plan, 0, true) {
		t.Error("kept the post without a request")
	}
	if next, err := take(o, message{due: 0}); next == nil || err != nil {
		t.Errorf("next worker got %v, %v", next, err)
	} else {
		next.close()
	}
}

// What a look was asked for is called off, and nothing else is; whoever calls it
// off waits for nobody and needs no worker.
func TestCallOff(t *testing.T) {
	for _, test := range []struct {
		name  string
		asked []message
		due   time.Duration
		left  bool
	}{
		{"a look", []message{{watchMessage, 3}, {callOffMessage, 0}}, 0, false},
		{"not a call", []message{{askMessage, 5}, {watchMessage, 3}, {callOffMessage, 0}}, 5, true},
		{"not a later look", []message{{watchMessage, 3}, {callOffMessage, 0}, {watchMessage, 7}}, 7, true},
		{"a look that stays as it is", []message{{watchMessage, 3}, {watchMessage, 9}}, 3, true},
		{"a look before a call", []message{{askMessage, 5}, {watchMessage, 3}}, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Unit: "app/0", StateDir: t.TempDir()}
			if told, err := handOver(o, message{callOffMessage, 0}); told || err != nil {
				t.Fatalf("without a worker: %t, %v", told, err)
			}
			p, err := take(o, message{})
			if err != nil || p == nil {
				t.Fatalf("got %v, %v", p, err)
			}
			defer p.close()
			for _, m := range test.asked {
				if told, err := handOver(o, m); !told || err != nil {
					t.Fatalf("%v: %t, %v", m, told, err)
				}
			}
			var plan Plan
			p.collect(&plan)
			if due, ok := plan.Due(); due != test.due && ok || ok != test.left {
				t.Errorf("due %v, %t", due, ok)
			}
			if p.resign(&plan) == test.left {
				t.Errorf("the worker ends: %t", !test.left)
			}
		})
	}
}

func TestReceiveEndsWithContext(t *testing.T) {
	p, err := alone()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	for range 2 {
		if due, ok := p.receive(ctx, time.Hour); ok {
			t.Errorf("received %v", due)
		}
	}
}

// Whatever is wrong with the state directory, the hook runs, the trouble is
// told, and nothing outside the directory is touched.
func TestUnusableState(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(u *unit) error
		request string // what Request warns of
		run     string // what the worker warns of, in its log
	}{
		{"is a file", func(u *unit) error {
			return os.WriteFile(u.StateDir, nil, 0o600)
		}, "cannot make state directory", ""},
		{"cannot be made", func(u *unit) error {
			u.StateDir = filepath.Join(u.RunCmd, "state")
			return nil
		}, "cannot make state directory", ""},
		{"is a link", func(u *unit) error {
			return os.Symlink(u.CharmDir, u.StateDir)
		}, "is not a directory", ""},
		{"is open to all", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o700), os.Chmod(u.StateDir, 0o777))
		}, "is writable by everybody", ""},
		{"log is a link", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o750), os.Symlink(u.RunCmd, u.path("log")))
		}, "cannot open log", ""},
		{"log is a FIFO", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o750), syscall.Mkfifo(u.path("log"), 0o600))
		}, "cannot open log", ""},
		{"lock is a link", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o750), os.Symlink(u.RunCmd, u.path("lock")))
		}, "", "cannot open lock file"},
		{"lock is a directory", func(u *unit) error {
			return os.MkdirAll(u.path("lock"), 0o750)
		}, "", "cannot open lock file"},
		{"mailbox is a link", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o750), os.Symlink(u.RunCmd, u.path("mailbox")))
		}, "", "cannot open mailbox"},
		{"mailbox is a file", func(u *unit) error {
			return errorOf(os.Mkdir(u.StateDir, 0o750), os.WriteFile(u.path("mailbox"), nil, 0o600))
		}, "", "cannot open mailbox"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := newUnit(t, "")
			u.must(test.prepare(u))
			program := u.read("juju-exec")
			u.request(0)
			u.waitForCalls(1)
			u.waitForEnd()
			if got := u.warnings.String(); !strings.Contains(got, test.request) || test.request == "" && got != "" {
				t.Errorf("Request warned %q, want %q", got, test.request)
			}
			if !strings.Contains(u.log(), test.run) {
				t.Errorf("no word of %q in the log:\n%s", test.run, u.log())
			}
			if u.read("juju-exec") != program || len(u.calls()) != 1 {
				t.Errorf("something was written through a link; calls: %q", u.calls())
			}
			if left, _ := filepath.Glob(filepath.Join(u.CharmDir, "app-0*")); len(left) > 0 {
				t.Errorf("%s made through a link", left)
			}
		})
	}
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestLogOnFullDisk(t *testing.T) {
	u := newUnit(t, `[ $(wc -l < calls) -ge 3 ]`)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	u.must(err)
	defer full.Close()
	worker := exec.Command(filepath.Join(u.CharmDir, Program), u.args(0)...)
	worker.Stderr = full
	if err := worker.Run(); err != nil {
		t.Errorf("worker ended with %v", err)
	}
	if calls := u.calls(); len(calls) != 3 {
		t.Errorf("got %d calls, want 3", len(calls))
	}
}

func TestLogIsBounded(t *testing.T) {
	u := newUnit(t, `head -c 100000 /dev/zero | tr '\0' x >&2; [ $(wc -l < calls) -ge 3 ]`)
	u.must(os.Mkdir(u.StateDir, 0o750))
	u.write("state/app-0.log", strings.Repeat("x", maxLog-500)+"\nlast line\n")
	u.request(0)
	u.waitForEnd()
	log, old := u.log(), u.read("state/app-0.log.1")
	if !strings.HasSuffix(log, `reason="the hook has run"`) || len(log) > 10_000 {
		t.Errorf("log of %d bytes ends with %s", len(log), log[max(0, len(log)-100):])
	}
	if !strings.Contains(old, "\nlast line\n") || len(old) > maxLog+1 {
		t.Errorf("old log of %d bytes ends with %s", len(old), old[max(0, len(old)-100):])
	}
}

// Standard error that is not the unit's log is left alone, however large.
func TestOtherOutputIsNotTrimmed(t *testing.T) {
	u := newUnit(t, "")
	other, err := os.Create(filepath.Join(u.dir, "other"))
	u.must(err)
	defer other.Close()
	u.must(errorOf(other.Truncate(2*maxLog), os.Mkdir(u.StateDir, 0o750)))
	u.write("state/app-0.log", "kept\n")
	worker := exec.Command(filepath.Join(u.CharmDir, Program), u.args(0)...)
	worker.Stderr = other
	u.must(worker.Run())
	if fi, err := other.Stat(); err != nil || fi.Size() < 2*maxLog {
		t.Errorf("the other file was trimmed: %v, %v", fi, err)
	}
	if u.log() != "\nkept" {
		t.Errorf("the log has %q", u.log())
	}
}

func TestFileModes(t *testing.T) {
	u := newUnit(t, "")
	u.must(os.Mkdir(u.StateDir, 0o750))
	u.write("state/app-0.log", strings.Repeat("x", maxLog+1))
	u.must(os.Chmod(u.path("log"), 0o640))
	u.request(0)
	u.waitForEnd()
	for kind, want := range map[string]os.FileMode{
		"log":     0o640,
		"log.1":   0o640,
		"lock":    0o600,
		"mailbox": 0o600 | os.ModeNamedPipe,
	} {
		if fi, err := os.Stat(u.path(kind)); err != nil || fi.Mode() != want {
			t.Errorf("%s has %v (%v), want %v", kind, fi, err, want)
		}
	}
	entries, err := os.ReadDir(u.StateDir)
	if err != nil || len(entries) != 4 {
		t.Errorf("state directory has %v (%v), want 4 files", entries, err)
	}
}

func TestStateDirMode(t *testing.T) {
	u := newUnit(t, "")
	u.request(0)
	u.waitForEnd()
	for path, want := range map[string]os.FileMode{
		u.StateDir:    0o750 | os.ModeDir,
		u.path("log"): 0o640,
	} {
		if fi, err := os.Stat(path); err != nil || fi.Mode() != want {
			t.Errorf("%s has %v (%v), want %v", path, fi, err, want)
		}
	}
}
