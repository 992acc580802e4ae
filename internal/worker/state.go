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
func take(o Options, ask message) (*post, error) {
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
	taken, err := p.takeLock(dir, o.file("lock"), ask)
	if !taken || err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// takeLock reports whether it got the lock, having handed the due time over if
// not. The mailbox is open before the lock is taken, so that whoever holds the
// lock can be written to.
func (p *post) takeLock(dir *statedir.Dir, name string, ask message) (taken bool, err error) {
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
	if err := p.send(ask); err != nil {
		return false, fmt.Errorf("cannot hand the due time over: %w", err)
	}
	return false, nil
}

// handOver hands a message to the worker that lives, without starting a process. It
// reports whether there is one. It waits for nobody: when another process is at
// the mailbox, which may be for long, it tells nothing.
func handOver(o Options, m message) (told bool, err error) {
	dir, err := statedir.Open(o.StateDir)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	fd, err := dir.FIFO(o.file("mailbox"))
	if err != nil {
		return false, fmt.Errorf("cannot open mailbox: %w", err)
	}
	p := newPost(fd)
	defer p.close()
	if err := lock(p.fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return false, nil
	}
	defer lock(p.fd, unix.LOCK_UN)
	f, err := dir.Lockable(o.file("lock"))
	if err != nil {
		return false, fmt.Errorf("cannot open lock file: %w", err)
	}
	defer f.Close() // gives up the lock, if this got it
	if err := lock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		return false, nil
	}
	return true, p.send(m)
}

// A message is what a process tells the worker that lives: 8 bytes, of which the
// first is the kind and the rest a time of the boot clock in nanoseconds, which
// has room for two years.
type message struct {
	kind messageKind
	due  time.Duration
}

type messageKind uint8

const (
	askMessage messageKind = iota // for a call
	watchMessage
	callOffMessage
)

func (m message) encode() (b [8]byte) {
	binary.BigEndian.PutUint64(b[:], uint64(min(m.due, 1<<56-1))|uint64(m.kind)<<56)
	return b
}

func decode(b [8]byte) message {
	n := binary.BigEndian.Uint64(b[:])
	return message{kind: messageKind(n >> 56), due: time.Duration(n & (1<<56 - 1))}
}

// tell has the plan know of a message. It reports whether that changed when the
// next call is.
func (p *Plan) tell(m message) bool {
	before, wasDue := p.Due()
	switch m.kind {
	case askMessage:
		p.Ask(m.due)
	case watchMessage:
		p.Watch(m.due)
	case callOffMessage:
		p.CallOff()
	}
	due, isDue := p.Due()
	return due != before || isDue != wasDue
}

func (p *post) send(m message) error {
	b := m.encode()
	_, err := unix.Write(p.fd, b[:])
	return err
}

// leave tells the plan how its call ended, and gives the post up if the plan has
// nothing left then, whatever came in until now. It reports whether it did.
func (p *post) leave(plan *Plan, now time.Duration, ok bool) bool {
	if err := lock(p.fd, unix.LOCK_EX); err == nil {
		defer lock(p.fd, unix.LOCK_UN)
	}
	p.collect(plan)
	plan.End(now, ok)
	return p.resigned(plan)
}

// resign gives the post up if the plan has nothing left, whatever came in until
// now. It reports whether it did.
func (p *post) resign(plan *Plan) bool {
	if err := lock(p.fd, unix.LOCK_EX); err == nil {
		defer lock(p.fd, unix.LOCK_UN)
	}
	p.collect(plan)
	return p.resigned(plan)
}

// resigned gives the post up if the plan has nothing left. The mailbox is locked.
func (p *post) resigned(plan *Plan) bool {
	if !plan.Done() {
		return false
	}
	p.unlock()
	return true
}

// collect hands the messages that came in to the plan.
func (p *post) collect(plan *Plan) {
	var b [8]byte
	for {
		n, err := unix.Read(p.fd, b[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(b) {
			return
		}
		plan.tell(decode(b))
	}
}

// receive waits for a message from another process, for as long as given or until
// ctx is done; then it returns false.
func (p *post) receive(ctx context.Context, d time.Duration) (m message, ok bool) {
	_ = p.mailbox.SetReadDeadline(time.Now().Add(d))
	// After that line, which would undo what this does when ctx is done.
	stop := context.AfterFunc(ctx, func() { _ = p.mailbox.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var b [8]byte
	if n, _ := p.mailbox.Read(b[:]); n != len(b) {
		return message{}, false
	}
	return decode(b), true
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
