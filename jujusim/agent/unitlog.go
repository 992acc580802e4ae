package agent

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	maxLogBytes  = 8 << 20 // of one log file; the one before it is kept
	maxLineBytes = 16 << 10
)

// unitLog is the log file of one unit: what its hooks print and log. It is
// bounded in size.
type unitLog struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int
}

func openUnitLog(path string) (*unitLog, error) {
	l := &unitLog{path: path}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *unitLog) open() error {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("cannot open unit log: %w", err)
	}
	l.file, l.size = file, 0
	return nil
}

// Printf adds a line. A log that can't be written is no reason for a unit to
// stop, so errors are dropped.
func (l *unitLog) Printf(format string, args ...any) {
	line := fmt.Appendf(nil, format, args...)
	if len(line) > maxLineBytes {
		line = append(line[:maxLineBytes:maxLineBytes], "..."...)
	}
	line = fmt.Appendf(nil, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), line)

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+len(line) > maxLogBytes {
		l.file.Close()
		_ = os.Rename(l.path, l.path+".1")
		if err := l.open(); err != nil {
			return
		}
	}
	n, _ := l.file.Write(line)
	l.size += n
}

func (l *unitLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// stream returns a writer that adds what is written to it line by line, each
// with prefix. Its tail, if any, is added by Flush.
func (l *unitLog) stream(prefix string) *lineWriter {
	return &lineWriter{log: l, prefix: prefix}
}

type lineWriter struct {
	log    *unitLog
	prefix string
	tail   []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, found := bytes.Cut(p, []byte{'\n'})
		w.tail = append(w.tail, line[:min(len(line), maxLineBytes+1-min(len(w.tail), maxLineBytes+1))]...)
		if !found {
			return n, nil
		}
		w.Flush()
		p = rest
	}
}

// Flush adds an unfinished last line.
func (w *lineWriter) Flush() {
	if len(w.tail) > 0 {
		w.log.Printf("%s: %s", w.prefix, w.tail)
		w.tail = w.tail[:0]
	}
}

// boundedBuffer keeps the first bytes written to it and drops the rest.
type boundedBuffer struct {
	max int
	buf bytes.Buffer
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	b.buf.Write(p[:min(len(p), b.max-b.buf.Len())])
	return len(p), nil
}
