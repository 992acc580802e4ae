package view

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Live shows a table that changes, below the lines that are written. On a
// terminal the table is drawn again in place; elsewhere each row that changed
// is a line of its own.
type Live struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	size     func() (columns, rows int)
	start    time.Time

	rows  []Row
	shown map[string]string // what was last printed of each unit, if no terminal
	drawn int               // lines of the table that stand on the terminal
}

// NewLive writes to out. On a terminal size returns its size; elsewhere it is
// nil.
func NewLive(out io.Writer, size func() (columns, rows int)) *Live {
	return &Live{out: out, terminal: size != nil, size: size, start: time.Now(), shown: map[string]string{}}
}

// Write prints whole lines above the table.
func (l *Live) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b bytes.Buffer
	l.erase(&b)
	b.Write(p)
	if bytes.HasSuffix(p, []byte("\n")) {
		l.draw(&b)
	}
	if _, err := l.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Update shows rows in the place of those before.
func (l *Live) Update(rows []Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = rows
	var b bytes.Buffer
	if l.terminal {
		l.erase(&b)
		l.draw(&b)
	} else {
		l.changes(&b)
	}
	_, _ = l.out.Write(b.Bytes()) // a display: errors show in Write
}

// Close removes the table from the terminal.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b bytes.Buffer
	l.erase(&b)
	l.rows = nil
	_, _ = l.out.Write(b.Bytes())
}

func (l *Live) erase(b *bytes.Buffer) {
	if l.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\x1b[J", l.drawn)
		l.drawn = 0
	}
}

// draw draws the table, cut to the size of the terminal: a line that wrapped
// could not be erased.
func (l *Live) draw(b *bytes.Buffer) {
	if !l.terminal || len(l.rows) == 0 {
		return
	}
	columns, rows := l.size()
	var table bytes.Buffer
	_ = WriteTable(&table, l.rows) // a Buffer does not fail
	b.WriteByte('\n')
	l.drawn++
	for line := range strings.Lines(table.String()) {
		if l.drawn >= rows-1 {
			break
		}
		runes := []rune(strings.TrimSuffix(line, "\n"))
		runes = runes[:min(len(runes), max(columns-1, 0))]
		b.WriteString(strings.TrimRight(string(runes), " "))
		b.WriteByte('\n')
		l.drawn++
	}
}

// changes prints the rows that look different from when they were printed. What
// the agent runs alone is not worth a line.
func (l *Live) changes(b *bytes.Buffer) {
	for _, row := range l.rows {
		still := row
		still.Agent = ""
		text := still.String()
		if l.shown[row.Unit] == text {
			continue
		}
		l.shown[row.Unit] = text
		fmt.Fprintf(b, "%9.3fs  %s\n", time.Since(l.start).Seconds(), text)
	}
}
