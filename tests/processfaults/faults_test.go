package processfaults

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rolling-ops/jujusim/agent"
)

var (
	flagRuns = flag.Int("runs", 10, "process faults: how many random runs; from 100 on the other tests do more, too")
	flagSeed = flag.Uint64("seed", 0, "process faults: the first seed of the random runs; 0 for a fresh one")
)

func thorough() bool { return *flagRuns >= 100 }

// TestProcessFaults does each kind of fault at the moment where it should hurt
// most, and then random ones at random moments.
func TestProcessFaults(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"follower killed in its operation", func(t *testing.T) { testKilledInOperation(t, "rolling-ops/1") }},
		{"leader killed in its operation", func(t *testing.T) { testKilledInOperation(t, "rolling-ops/0") }},
		{"worker killed", testWorkerKilled},
		{"worker killed in its call", testWorkerKilledInItsCall},
		{"juju-exec killed", testJujuExecKilled},
		{"hook tools over the socket", func(t *testing.T) { testTools(t, "socket") }},
		{"hook tools as programs", func(t *testing.T) { testTools(t, "programs") }},
		{"disk", testDisk},
		{"charm directory unreadable", testCharmUnreadable},
		{"charm directory missing", testCharmMissing},
		{"50 hooks at once", testManyHooks},
		{"two at once by force", testForcedRelease},
		{"random", testRandom},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// patience is how long what was killed may take to be gone.
const patience = 30 * time.Second

// killed is a visit that ends with the end of dispatch: kill sees to that. What
// runs in the operation must end with it.
func (w *world) killed(kill func(unit string)) visit {
	return func(unit string, gone <-chan struct{}) byte {
		kill(unit)
		select {
		case <-gone:
		case <-time.After(patience):
			w.t.Errorf("the operation of %s goes on without dispatch", unit)
		}
		return well
	}
}

func (w *world) signalDispatch(sig syscall.Signal) func(unit string) {
	return func(unit string) {
		if !w.trySignal(unit, "dispatch", sig) {
			w.t.Errorf("no dispatch runs on %s", unit)
		}
	}
}

// The other units ask while the victim is in its operation, and may not have
// the lock before it has ended one without being killed.
func testKilledInOperation(t *testing.T, victim string) {
	w := deploy(t, 3, setup{})
	others := []string{"rolling-ops/2", "rolling-ops/1"}
	if victim == others[1] {
		others[1] = "rolling-ops/0"
	}
	for _, test := range []struct {
		name    string
		kill    func(unit string)
		holding bool // nothing of the attempt is committed, so the unit holds the lock
	}{
		{"dispatch killed", w.signalDispatch(syscall.SIGKILL), true},
		{"dispatch terminated", w.signalDispatch(syscall.SIGTERM), false},
		{"hook killed", func(unit string) {
			if err := w.KillHook(unit); err != nil {
				w.t.Error(err)
			}
		}, true},
	} {
		before := len(w.sections())
		asked := make(chan struct{})
		w.plan(w.killed(func(unit string) {
			select {
			case <-asked:
			case <-w.ctx.Done():
			}
			test.kill(unit)
		}))
		w.restart(victim)
		w.await("nobody is in an operation", func() bool { return w.visitors() == 1 })
		w.restart(others...)
		close(asked)
		w.drain()
		got := w.verify()[before:]
		if len(got) != 4 || !got[0].Killed || got[0].Unit != victim || test.holding && got[1].Unit != victim {
			t.Errorf("%s: in operation were %s:\n%s", test.name, inOrder(got), describe(got))
		}
	}
}

// A unit pauses in retry-hold, and loses the worker that was to bring it back.
// Its next hook starts another.
func testWorkerKilled(t *testing.T) {
	const unit = "rolling-ops/1"
	w := deploy(t, 2, setup{})
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		w.check(w.SetConfig(map[string]string{"retry-delay": "10m", "retry-delay-max": "10m", "health-check-timeout": "1s"}))
		w.idle()
		w.plan(failing)
		w.restart(unit)
		w.signal(unit, "worker", sig)
		w.check(w.WaitIdle(w.ctx, true)) // the leader's worker is there, to look at the holder
		w.await("its worker lives", func() bool { return len(w.processes(unit, "worker")) == 0 })
		if drained(w.Status()) {
			t.Error("the unit gave its operation up")
		}
		w.check(w.SetConfig(map[string]string{"retry-delay": "5ms", "retry-delay-max": "20ms"}))
		w.drain()
	}
	if got := inOrder(w.verify()); got != "1 1 1 1" {
		t.Errorf("in operation were %s", got)
	}
}

// The leader's operations run in the hook that its worker asks for. The hook
// goes on when the worker dies that waits for it. A worker that dies before it
// has asked is the one loss for which it takes update-status.
func testWorkerKilledInItsCall(t *testing.T) {
	const leader = "rolling-ops/0"
	w := deploy(t, 2, setup{})
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		w.plan(func(unit string, _ <-chan struct{}) byte {
			if !w.trySignal(unit, "worker", sig) {
				w.t.Errorf("no worker runs on %s", unit)
			}
			return well
		})
		w.restart(leader)
		w.drain()
	}
	w.setFault(leader, "juju-exec", hangs)
	w.restart(leader)
	w.awaitCall(leader, "juju-exec")
	w.awaitQuiet(w.units...) // no hook is to come that starts another worker
	w.signal(leader, "worker", syscall.SIGKILL)
	w.signal(leader, "juju-exec", syscall.SIGKILL)
	w.idle()
	if drained(w.Status()) {
		t.Error("the operation has run without a worker")
	}
	w.tick()
	w.drain()
	if got := inOrder(w.verify()); got != "0 0 0" {
		t.Errorf("in operation were %s", got)
	}
}

// A juju-exec that dies has its worker call again: for nothing if the hook runs
// in spite of that.
func testJujuExecKilled(t *testing.T) {
	const leader = "rolling-ops/0"
	w := deploy(t, 2, setup{})
	w.plan(func(unit string, _ <-chan struct{}) byte {
		if !w.trySignal(unit, "juju-exec", syscall.SIGKILL) {
			w.t.Errorf("no juju-exec runs on %s", unit)
		}
		return well
	})
	w.restart(leader)
	w.drain()
	for _, fault := range []string{fails, hangs} {
		w.setFault(leader, "juju-exec", fault)
		w.restart(leader)
		w.awaitCall(leader, "juju-exec")
		if fault == hangs {
			w.signal(leader, "juju-exec", syscall.SIGKILL)
		}
		w.drain()
	}
	if got := inOrder(w.verify()); got != "0 0 0" {
		t.Errorf("in operation were %s", got)
	}
}

// testCharmUnreadable puts something in the place of the charm directory that
// even root can't read, while a worker is about to run the hook. The worker goes
// on trying.
func testCharmUnreadable(t *testing.T) {
	const unit = "rolling-ops/0" // the leader: its operations take a worker
	w := deploy(t, 2, setup{})
	w.setFault(unit, "juju-exec", hangs)
	w.restart(unit)
	w.awaitCall(unit, "juju-exec")
	restore := w.hideCharm(unit)
	w.openGates()
	w.await("the hook was not tried", func() bool { return w.failed(unit, "juju-exec hooks/rollingops_lock_granted") })
	if got := w.action(unit, "restart"); got != "failed" {
		t.Errorf("an action without a charm: %s", got)
	}
	restore()
	w.drain()
	if got := inOrder(w.verify()); got != "0" {
		t.Errorf("in operation were %s", got)
	}
}

// testCharmMissing takes the charm directory away for a while. That is how a
// worker knows a unit that is removed, so it ends.
func testCharmMissing(t *testing.T) {
	const unit = "rolling-ops/0" // the leader: its operations take a worker
	w := deploy(t, 2, setup{})
	w.setFault(unit, "juju-exec", hangs)
	w.restart(unit)
	w.awaitCall(unit, "juju-exec")
	restore := w.moveCharm(unit)
	w.openGates()
	w.await("the worker does not end", func() bool { return len(w.processes(unit, "worker")) == 0 })
	restore()
	w.tick()
	w.drain()
	if got := inOrder(w.verify()); got != "0" {
		t.Errorf("in operation were %s", got)
	}
}

// hideCharm puts a link to itself in the place of a unit's charm directory.
func (w *world) hideCharm(unit string) (restore func()) {
	w.t.Helper()
	return w.exchange(w.charmOf(unit), func(path string) error { return os.Symlink("charm", path) })
}

// moveCharm moves a unit's charm directory away.
func (w *world) moveCharm(unit string) (restore func()) {
	w.t.Helper()
	path := w.charmOf(unit)
	w.check(os.Rename(path, path+".away"))
	return func() {
		w.t.Helper()
		w.check(os.Rename(path+".away", path))
	}
}

func (w *world) charmOf(unit string) string { return filepath.Join(w.UnitDir(unit), "charm") }

// exchange puts something else in the place of what is at path, until restore
// is called. At no time is there nothing.
func (w *world) exchange(path string, put func(path string) error) (restore func()) {
	w.t.Helper()
	away := path + ".away"
	w.check(put(away))
	swap := func() error { return unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, away, unix.RENAME_EXCHANGE) }
	w.check(swap())
	return func() {
		w.t.Helper()
		w.check(swap())
		w.check(os.Remove(away))
	}
}

// failed tells whether a hook has ended on a unit with an exit code but 0.
func (w *world) failed(unit, hook string) bool {
	return slices.ContainsFunc(w.Trace(), func(e agent.Event) bool {
		return e.Unit == unit && e.Kind == "hook-ended" && e.Hook == hook && e.Code != 0
	})
}

// action runs an action to its end and returns its status.
func (w *world) action(unit, action string) string {
	w.t.Helper()
	result, err := w.RunAction(w.ctx, unit, action, map[string]any{"delay": 0})
	w.check(err)
	return result.Status
}
