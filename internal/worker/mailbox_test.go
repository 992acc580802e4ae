package worker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rolling-ops/internal/bootclock"
)

// Whoever hands a due time over waits while a worker makes sure that its mailbox
// is empty: what it wrote then would be read by nobody.
func TestDueTimeIsNotHandedToAWorkerThatLeaves(t *testing.T) {
	o := Options{Unit: "app/0", StateDir: t.TempDir()}
	p, err := take(o, message{due: 0})
	if err != nil || p == nil {
		t.Fatalf("got %v, %v", p, err)
	}
	defer p.close()
	unlockMailbox := lockMailbox(t, o)
	next := make(chan *post, 1)
	go func() {
		p, _ := take(o, message{due: 5})
		next <- p
	}()
	waitForWaiter(t, o, next)
	p.unlock() // it found the mailbox empty
	unlockMailbox()
	if p := <-next; p == nil {
		t.Error("the due time went to the worker that left")
	} else {
		p.close()
	}
}

// A worker waits with leaving while others have seen that it lives and are about
// to hand a due time over.
func TestWorkerDoesNotLeaveWhileADueTimeComes(t *testing.T) {
	o := Options{Unit: "app/0", StateDir: t.TempDir()}
	p, err := take(o, message{due: 0})
	if err != nil || p == nil {
		t.Fatalf("got %v, %v", p, err)
	}
	defer p.close()
	unlockMailbox := lockMailbox(t, o)
	plan := Plan{}
	plan.Begin()
	left := make(chan bool, 1)
	go func() { left <- p.leave(&plan, 0, true) }()
	waitForWaiter(t, o, left)
	if _, err := unix.Write(p.fd, []byte{0, 0, 0, 0, 0, 0, 0, 5}); err != nil {
		t.Fatal(err)
	}
	unlockMailbox()
	if <-left {
		t.Error("left although a due time came")
	} else if due, _ := plan.Due(); due != 5 {
		t.Errorf("the next call is due at %d, want 5", due)
	}
}

// lockMailbox holds the lock of the unit's mailbox, as another process would.
func lockMailbox(t *testing.T, o Options) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(o.StateDir, o.file("mailbox")), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

// waitForWaiter waits until the kernel has somebody wait for the mailbox's lock.
// That who was to wait has ended fails the test.
func waitForWaiter[T any](t *testing.T, o Options, ended chan T) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(o.StateDir, o.file("mailbox")), &st); err != nil {
		t.Fatal(err)
	}
	inode := fmt.Sprintf(":%d ", st.Ino)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(locks)) {
			if strings.Contains(line, "->") && strings.Contains(line, inode) {
				return
			}
		}
		select {
		case got := <-ended:
			t.Fatalf("it did not wait for the mailbox's lock: %v", got)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody waits for the mailbox's lock:\n%s", locks)
		}
	}
}

// The wait for a call goes on until that is due, however long it takes to start
// a worker.
func TestWaitEndsWhenTheCallIsDue(t *testing.T) {
	o := Options{Unit: "app/0", StateDir: t.TempDir(), CharmDir: t.TempDir()}
	p, err := take(o, message{due: 0})
	if err != nil || p == nil {
		t.Fatalf("got %v, %v", p, err)
	}
	defer p.close()
	w := &worker{Options: o, post: p, log: slog.New(slog.DiscardHandler)}
	due := bootclock.Now() + 20*time.Millisecond
	w.plan.Ask(due)
	if err := w.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if early := due - bootclock.Now(); early > 0 {
		t.Errorf("the wait was over %s too early", early)
	}
}
