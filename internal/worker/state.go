package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// path returns the path of the unit's file of the given kind in the state
// directory.
func (o Options) path(kind string) string {
	return filepath.Join(o.StateDir, strings.ReplaceAll(o.Unit, "/", "-")+"."+kind)
}

// prepareStateDir makes the state directory if it is missing, and refuses one
// in which somebody else could put files for a process of root's to open.
func (o Options) prepareStateDir() error {
	if err := os.MkdirAll(o.StateDir, 0o750); err != nil {
		return fmt.Errorf("cannot make state directory: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(o.StateDir, &st); err != nil {
		return fmt.Errorf("cannot examine state directory %s: %w", o.StateDir, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("state directory %s is not a directory", o.StateDir)
	case int(st.Uid) != os.Geteuid() && st.Uid != 0:
		return fmt.Errorf("state directory %s belongs to user %d", o.StateDir, st.Uid)
	case st.Mode&unix.S_IWOTH != 0:
		return fmt.Errorf("state directory %s is writable by everybody", o.StateDir)
	}
	return nil
}

// open opens a file of the state directory, which has to be of the given type
// (one of unix.S_IF*) and no symbolic link.
func open(path string, flags int, perm, fileType uint32) (int, error) {
	fd, err := unix.Open(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, perm)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != fileType {
		err = errors.New("unexpected type of file")
	}
	if err != nil {
		unix.Close(fd)
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
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
	lockFd  int      // holds the flock; -1 when the worker runs without
	mailbox *os.File // due times from others
	fd      int      // the mailbox's descriptor, non-blocking
}

func newPost(fd int) *post {
	return &post{lockFd: -1, fd: fd, mailbox: os.NewFile(uintptr(fd), "mailbox")}
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
	if err := o.prepareStateDir(); err != nil {
		return nil, err
	}
	fd, err := openMailbox(o.path("mailbox"))
	if err != nil {
		return nil, fmt.Errorf("cannot open mailbox: %w", err)
	}
	p := newPost(fd)
	taken, err := p.takeLock(o.path("lock"), due)
	if !taken || err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// takeLock reports whether it got the lock, having handed the due time over if
// not. The mailbox is open before the lock is taken, so that whoever holds the
// lock can be written to.
func (p *post) takeLock(path string, due time.Duration) (taken bool, err error) {
	if err := lock(p.fd, unix.LOCK_EX); err != nil {
		return false, fmt.Errorf("cannot lock mailbox: %w", err)
	}
	defer lock(p.fd, unix.LOCK_UN)
	fd, err := open(path, unix.O_RDONLY|unix.O_CREAT, 0o600, unix.S_IFREG)
	if err != nil {
		return false, fmt.Errorf("cannot open lock file: %w", err)
	}
	err = lock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		p.lockFd = fd
		return true, nil
	}
	unix.Close(fd)
	if err != unix.EWOULDBLOCK {
		return false, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], uint64(due))
	if _, err := unix.Write(p.fd, message[:]); err != nil {
		return false, fmt.Errorf("cannot hand the due time over: %w", err)
	}
	return false, nil
}

// leave gives the post up, unless due times came in that nobody has looked at:
// then it returns the earliest and keeps the post.
func (p *post) leave() (due time.Duration, kept bool) {
	if err := lock(p.fd, unix.LOCK_EX); err == nil {
		defer lock(p.fd, unix.LOCK_UN)
	}
	due = math.MaxInt64
	var message [8]byte
	for {
		n, err := unix.Read(p.fd, message[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(message) {
			break
		}
		due, kept = min(due, decodeDue(message)), true
	}
	if !kept {
		p.unlock()
	}
	return due, kept
}

// asked tells whether there is a due time that nobody has looked at.
func (p *post) asked() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
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
	if p.lockFd >= 0 {
		unix.Close(p.lockFd)
		p.lockFd = -1
	}
}

func (p *post) close() {
	p.mailbox.Close()
	p.unlock()
}

func decodeDue(message [8]byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint64(message[:]))
}

// openMailbox opens the FIFO for both reading and writing, which never blocks
// and never reads an end of file. It is made if it is missing.
func openMailbox(path string) (fd int, err error) {
	if err := unix.Mkfifo(path, 0o600); err != nil && err != unix.EEXIST {
		return -1, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	return open(path, unix.O_RDWR, 0, unix.S_IFIFO)
}

// bootTime returns the time since boot, sleep included.
func bootTime() time.Duration {
	var ts unix.Timespec
	// The kernel knows this clock, so this cannot fail.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}
