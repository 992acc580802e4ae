package worker

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// maxLog is the size in bytes at which the log moves to its .1 file, so that
// the two together stay below twice that.
const maxLog = 256 << 10

// logFlags open a file of the log without following links, and without waiting
// in case somebody put a FIFO there.
const logFlags = os.O_CREATE | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// openLog opens the worker's log for appending, and makes it and the state
// directory if needed.
func (o Options) openLog() (*os.File, error) {
	if err := o.prepareStateDir(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(o.path("log"), os.O_WRONLY|os.O_APPEND|logFlags, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("cannot open log: %s is not a regular file", o.path("log"))
	}
	trimLog(f, o.path("log"), 0)
	return f, nil
}

// stderrLogger returns a logger to standard error, which Request makes the
// worker's log.
func (o Options) stderrLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(stderrLog{o.path("log")}, nil))
}

// A stderrLog writes to standard error and bounds it if it is the file at path.
type stderrLog struct{ path string }

func (l stderrLog) Write(line []byte) (int, error) {
	trimLog(os.Stderr, l.path, len(line))
	return os.Stderr.Write(line)
}

// trimLog empties f into path's .1 file if n more bytes would make it too large
// and if it is the file at path. Emptying the file, not renaming it, keeps it
// the log of every process that has it open. If the disk is full the old lines
// are lost: the bound is what counts.
func trimLog(f *os.File, path string, n int) {
	fi, err := f.Stat()
	if err != nil || fi.Size()+int64(n) <= maxLog {
		return
	}
	at, err := os.Lstat(path)
	if err != nil || !os.SameFile(fi, at) {
		return
	}
	_ = copyTail(path, path+".1")
	_ = f.Truncate(0)
}

// copyTail makes the end of a log the content of another file.
func copyTail(from, to string) error {
	src, err := os.OpenFile(from, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	if fi, err := src.Stat(); err == nil && fi.Size() > maxLog {
		if _, err := src.Seek(-maxLog, io.SeekEnd); err != nil {
			return err
		}
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC|logFlags, 0o640)
	if err != nil {
		return err
	}
	defer dst.Close()
	_, err = io.Copy(dst, io.LimitReader(src, maxLog))
	return err
}
