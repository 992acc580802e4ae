package worker

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rolling-ops/internal/statedir"
)

// file returns the name of the unit's file of the given kind in the state
// directory.
func (o Options) file(kind string) string {
	return strings.ReplaceAll(o.Unit, "/", "-") + "." + kind
}

// lock takes the flock of an open file. How is LOCK_EX, or LOCK_EX|LOCK_NB to
// get unix.EWOULDBLOCK when another has it.
func lock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); err != unix.EINTR {
			return err
		}
	}
}

// A post is the place of a unit's worker: who holds it is the worker.
type post struct {
	lock    *os.File // holds the flock; nil when the worker runs without
	mailbox *os.File // due times from others
	fd      int      // the mailbox's descriptor, non-blocking
}

func newPost(fd int) *post {
	return &post{fd: fd, mailbox: os.NewFile(uintptr(fd), "mailbox")}
}

// alone returns a post that no other process knows of: nothing is ever received
// on an eventfd that nobody else has.
func alone() (*post, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make an eventfd: %w", err)
	}
	return newPost(fd), nil
}

// take makes the caller the unit's worker and returns its post, or hands the
// due time over to the worker that lives and returns nil.
func take(o Options, due time.Duration) (*post, error) {
	dir, err := statedir.Open(o.StateDir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := dir.FIFO(o.file("mailbox"))
	if err != nil {
		return nil, fmt.Errorf("cannot open mailbox: %w", err)
	}
	p := newPost(fd)
	taken, err := p.takeLock(dir, o.file("lock"), due)
	if !taken || err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// takeLock reports whether it got the lock, having handed the due time over if
// not. The mailbox is open before the lock is taken, so that whoever holds the
// lock can be written to.
func (p *post) takeLock(dir *statedir.Dir, name string, due time.Duration) (taken bool, err error) {
	if err := lock(p.fd, unix.LOCK_EX); err != nil {
		return false, fmt.Errorf("cannot lock mailbox: %w", err)
	}
	defer lock(p.fd, unix.LOCK_UN)
	f, err := dir.Lockable(name)
	if err != nil {
		return false, fmt.Errorf("cannot open lock file: %w", err)
	}
	err = lock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		p.lock = f
		return true, nil
	}
	f.Close()
	if err != unix.EWOULDBLOCK {
		return false, fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], uint64(due))
	if _, err := unix.Write(p.fd, message[:]); err != nil {
		return false, fmt.Errorf("cannot hand the due time over: %w", err)
	}
	return false, nil
}

// leave tells the plan how its call ended, and gives the post up if the plan has
// nothing left then, whatever came in until now. It reports whether it did.
func (p *post) leave(plan *Plan, now time.Duration, ok bool) bool {
	if err := lock(p.fd, unix.LOCK_EX); err == nil {
		defer lock(p.fd, unix.LOCK_UN)
	}
	p.collect(plan)
	if plan.End(now, ok); !plan.Done() {
		return false
	}
	p.unlock()
	return true
}

// collect hands the due times that came in to the plan.
func (p *post) collect(plan *Plan) {
	var message [8]byte
	for {
		n, err := unix.Read(p.fd, message[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(message) {
			return
		}
		plan.Ask(decodeDue(message))
	}
}

// receive waits for a due time from another process, for as long as given or
// until ctx is done; then it returns false.
func (p *post) receive(ctx context.Context, d time.Duration) (due time.Duration, ok bool) {
	_ = p.mailbox.SetReadDeadline(time.Now().Add(d))
	// After that line, which would undo what this does when ctx is done.
	stop := context.AfterFunc(ctx, func() { _ = p.mailbox.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var message [8]byte
	if n, _ := p.mailbox.Read(message[:]); n != len(message) {
		return 0, false
	}
	return decodeDue(message), true
}

func (p *post) unlock() {
	if p.lock != nil {
		p.lock.Close()
		p.lock = nil
	}
}

func (p *post) close() {
	p.mailbox.Close()
	p.unlock()
}

func decodeDue(message [8]byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint64(message[:]))
}
