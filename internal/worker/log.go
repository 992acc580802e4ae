package worker

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"rolling-ops/internal/statedir"
)

// maxLog is the size in bytes at which the log moves to its .1 file, so that
// the two together stay below twice that.
const maxLog = 256 << 10

// openLog opens the worker's log for appending, and makes it and the state
// directory if needed.
func (o Options) openLog() (*os.File, error) {
	dir, err := statedir.Open(o.StateDir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.Append(o.file("log"))
	if err != nil {
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	if size(f) > maxLog {
		trimLog(dir, o.file("log"), f)
	}
	return f, nil
}

// stderrLogger returns a logger to standard error, which Request makes the
// worker's log.
func (o Options) stderrLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(stderrLog{o}, nil))
}

// A stderrLog writes to standard error and bounds it if it is the unit's log.
type stderrLog struct{ of Options }

func (l stderrLog) Write(line []byte) (int, error) {
	if size(os.Stderr)+int64(len(line)) > maxLog {
		if dir, err := statedir.Open(l.of.StateDir); err == nil {
			defer dir.Close()
			trimLog(dir, l.of.file("log"), os.Stderr)
		}
	}
	return os.Stderr.Write(line)
}

// size returns the size of a file in bytes, 0 if it can't be told.
func size(f *os.File) int64 {
	fi, err := f.Stat()
	if err != nil {
		return 0
	}
	return fi.Size()
}

// trimLog moves the end of the log to its .1 file if f is the log. Emptying the
// file, not renaming it, keeps it the log of every process that has it open. If
// the disk is full the old lines are lost: the bound is what counts.
func trimLog(dir *statedir.Dir, name string, f *os.File) {
	log, err := dir.Read(name)
	if err != nil {
		return
	}
	defer log.Close()
	if !same(f, log) {
		return
	}
	_ = copyEnd(dir, name+".1", log)
	_ = f.Truncate(0)
}

func same(a, b *os.File) bool {
	fa, errA := a.Stat()
	fb, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(fa, fb)
}

// copyEnd makes the end of a log the content of another file.
func copyEnd(dir *statedir.Dir, to string, log *os.File) error {
	if _, err := log.Seek(max(0, size(log)-maxLog), io.SeekStart); err != nil {
		return err
	}
	f, err := dir.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, io.LimitReader(log, maxLog))
	return err
}
