// Package statedir opens the files that a charm keeps on its machine. Hooks run as root, so each file is opened in a
// way that no other user can turn against it: the directory is no symbolic link and nobody else can write to it, a file
// is looked up in the opened directory, never through a link, and nothing waits for what is put in a file's place.
package statedir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is the error of a file that is larger than its reader allows.
var ErrTooLarge = errors.New("the file is too large")

// Modes of the files: those that administrators read with the group's rights, and all others.
const (
	Readable = 0o640
	Private  = 0o600
)

// A Dir is an open state directory. What it is the path of later does not matter.
type Dir struct {
	path string
	fd   int
}

// Open opens the state directory at a path, and makes it and its parents if they are missing. It refuses a symbolic
// link, a directory of a user other than root and this process's, and one that others can write to.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("cannot make state directory: %w", err)
	}
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return nil, fmt.Errorf("state directory %s is not a directory", path)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open state directory %s: %w", path, err)
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		err = trust(st, os.Geteuid(), os.Getegid())
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("state directory %s %w", path, err)
	}
	return &Dir{path, fd}, nil
}

// trust returns why a directory lets another user put files where this process looks for its own.
func trust(st unix.Stat_t, uid, gid int) error {
	switch {
	case int(st.Uid) != uid && st.Uid != 0:
		return fmt.Errorf("belongs to user %d", st.Uid)
	case st.Mode&unix.S_IWOTH != 0:
		return errors.New("is writable by everybody")
	case st.Mode&unix.S_IWGRP != 0 && int(st.Gid) != gid && st.Gid != 0:
		return fmt.Errorf("is writable by group %d", st.Gid)
	}
	return nil
}

// Close closes the directory. Files that were opened in it stay open.
func (d *Dir) Close() error { return unix.Close(d.fd) }

// Path returns the path of a file of the directory, for messages.
func (d *Dir) Path(name string) string { return d.path + "/" + name }

// Append opens a file for appending, and makes it if it is missing.
func (d *Dir) Append(name string) (*os.File, error) {
	return d.file(name, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT, Readable)
}

// Lockable opens a file that is there to be locked, and makes it if it is missing.
func (d *Dir) Lockable(name string) (*os.File, error) {
	return d.file(name, unix.O_RDONLY|unix.O_CREAT, Private)
}

// Create opens an empty file for writing, in place of what the file had.
func (d *Dir) Create(name string) (*os.File, error) {
	return d.file(name, unix.O_WRONLY|unix.O_TRUNC|unix.O_CREAT, Readable)
}

// Read opens a file for reading. The error of a missing one is fs.ErrNotExist.
func (d *Dir) Read(name string) (*os.File, error) {
	return d.file(name, unix.O_RDONLY, 0)
}

func (d *Dir) file(name string, flags int, perm uint32) (*os.File, error) {
	fd, err := d.open(name, flags, perm, unix.S_IFREG)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.Path(name)), nil
}

// FIFO opens a FIFO for both reading and writing, which never blocks and never reads an end of file, and makes it if it
// is missing. It returns the descriptor, which is non-blocking.
func (d *Dir) FIFO(name string) (fd int, err error) {
	if err := d.check(name); err != nil {
		return -1, err
	}
	if err := unix.Mknodat(d.fd, name, unix.S_IFIFO|Private, 0); err != nil && err != unix.EEXIST {
		return -1, d.failed("mkfifo", name, err)
	}
	return d.open(name, unix.O_RDWR, 0, unix.S_IFIFO)
}

// open opens a file of the given type, one of unix.S_IF*.
func (d *Dir) open(name string, flags int, perm, fileType uint32) (int, error) {
	if err := d.check(name); err != nil {
		return -1, err
	}
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, perm)
	})
	if err != nil {
		return -1, d.failed("open", name, err)
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != fileType {
		err = errors.New("unexpected type of file")
	}
	if err != nil {
		unix.Close(fd)
		return -1, d.failed("open", name, err)
	}
	return fd, nil
}

// ReadAll returns what is in a file, of at most so many bytes. The error of a missing one is fs.ErrNotExist, that of a
// larger one ErrTooLarge.
func (d *Dir) ReadAll(name string, limit int) ([]byte, error) {
	f, err := d.Read(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = d.failed("read", name, fmt.Errorf("%w: it may have %d bytes", ErrTooLarge, limit))
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Replace makes data the content of a file. Whoever reads it, also after the machine has failed, finds all that it had
// before or all of data. One process at a time may replace a file.
func (d *Dir) Replace(name string, data []byte) error {
	if err := d.check(name); err != nil {
		return err
	}
	// What a process left that was killed here, or a stranger's file, is in the way.
	next := name + ".new"
	if err := d.Remove(next); err != nil {
		return err
	}
	f, err := d.file(next, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, Private)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = d.Rename(next, name)
	}
	if err != nil {
		_ = d.Remove(next)
		return err
	}
	return d.sync()
}

// Rename gives a file another name, in place of the file that has it.
func (d *Dir) Rename(from, to string) error {
	if err := errors.Join(d.check(from), d.check(to)); err != nil {
		return err
	}
	if err := unix.Renameat(d.fd, from, d.fd, to); err != nil {
		return d.failed("rename", from, err)
	}
	return nil
}

// Remove removes a file. One that is missing is no error.
func (d *Dir) Remove(name string) error {
	if err := d.check(name); err != nil {
		return err
	}
	if err := unix.Unlinkat(d.fd, name, 0); err != nil && err != unix.ENOENT {
		return d.failed("remove", name, err)
	}
	return nil
}

func (d *Dir) sync() error {
	if err := unix.Fsync(d.fd); err != nil {
		return fmt.Errorf("cannot write state directory %s: %w", d.path, err)
	}
	return nil
}

// check refuses a name that could lead out of the directory.
func (d *Dir) check(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is no name of a file in state directory %s", name, d.path)
	}
	return nil
}

func (d *Dir) failed(op, name string, err error) error {
	return &os.PathError{Op: op, Path: d.Path(name), Err: err}
}

func ignoringEINTR(open func() (int, error)) (int, error) {
	for {
		if fd, err := open(); err != unix.EINTR {
			return fd, err
		}
	}
}
