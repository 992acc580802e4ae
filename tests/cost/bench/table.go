package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Table is a table in Markdown, aligned so that it reads well as plain text.
type Table struct {
	title string
	notes []string
	rows  [][]string // the first is the head
}

// NewTable returns a table with a head and no rows.
func NewTable(title string, head ...string) *Table {
	return &Table{title: title, rows: [][]string{head}}
}

// Row adds a row; a cell is anything that fmt.Sprint can show.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = fmt.Sprint(cell)
	}
	t.rows = append(t.rows, row)
}

// Note adds a line that goes below the table.
func (t *Table) Note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// WriteTo writes the table. The first column is aligned to the left, the others
// to the right.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)), 3)
		}
	}
	var out strings.Builder
	if t.title != "" {
		fmt.Fprintf(&out, "%s\n\n", t.title)
	}
	for n, row := range t.rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i == 0 {
				cell, pad = cell+pad, ""
			}
			fmt.Fprintf(&out, "| %s%s ", pad, cell)
		}
		out.WriteString("|\n")
		if n == 0 {
			for i, width := range widths {
				rule := strings.Repeat("-", width+1) + ":"
				if i == 0 {
					rule = strings.Repeat("-", width+2)
				}
				out.WriteString("|" + rule)
			}
			out.WriteString("|\n")
		}
	}
	for _, note := range t.notes {
		fmt.Fprintf(&out, "\n%s\n", note)
	}
	out.WriteString("\n")
	n, err := io.WriteString(w, out.String())
	return int64(n), err
}

// WriteTables writes the report, one table a question.
func (r *Report) WriteTables(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "Measured on: %s\n\n", r.Machine); err != nil {
		return err
	}
	tables := []*Table{r.hookTable(), r.rollTable(), r.partTable(), r.retryTable(), r.startTable()}
	for _, t := range tables {
		if len(t.rows) == 1 {
			continue
		}
		if _, err := t.WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) hookTable() *Table {
	t := NewTable("One hook. Times in ms: min/median/max.",
		"hook", "units", "charm", "runs", "wall", "CPU", "peak MB", "calls", "bytes")
	for i := range r.Charms[0].Hooks {
		for _, c := range r.Charms {
			h := c.Hooks[i]
			t.Row(h.Name, h.Units, c.Name, len(h.Wall), h.Wall, h.CPU,
				fmt.Sprintf("%.1f", float64(h.Memory)/1e6), counts(h.Calls), counts(h.Bytes))
		}
	}
	return t
}

func (r *Report) rollTable() *Table {
	t := NewTable("A whole roll of an operation that does nothing, each unit on a machine of its own, events delivered at once.",
		"units", "charm", "hooks", "events", "calls", "CPU s", "elapsed s", "hand-over ms")
	if len(r.Charms) == 0 {
		return t
	}
	for i := range r.Charms[0].Rolls {
		for _, c := range r.Charms {
			roll := c.Rolls[i]
			if roll.TooLong > 0 {
				t.Note("A roll of %d units of %s was left out: it would take about %s.", roll.Units, c.Name, roll.TooLong.Round(time.Second))
				continue
			}
			t.Row(roll.Units, c.Name, roll.Hooks, roll.Events, roll.Calls, seconds(roll.CPU), seconds(roll.Elapsed), roll.HandOvers)
		}
	}
	return t
}

func (r *Report) partTable() *Table {
	t := NewTable("What the hook-tool calls of a roll are made for.",
		"units", "charm", PartRequests, PartAttempts, PartLeader, PartFollowers, "total", "total/N²")
	for i := range r.Charms[0].Rolls {
		for _, c := range r.Charms {
			if roll := c.Rolls[i]; roll.TooLong == 0 {
				t.Row(roll.Units, c.Name, roll.Parts[PartRequests], roll.Parts[PartAttempts], roll.Parts[PartLeader],
					roll.Parts[PartFollowers], roll.Calls, fmt.Sprintf("%.2f", float64(roll.Calls)/float64(roll.Units*roll.Units)))
			}
		}
	}
	return t
}

func (r *Report) retryTable() *Table {
	t := NewTable("From a failed attempt of the leader's to its next one. Times in ms: min/median/max.", "charm", "retries", "time")
	for _, c := range r.Charms {
		if len(c.Retries) > 0 {
			t.Row(c.Name, len(c.Retries), c.Retries)
		}
	}
	return t
}

func (r *Report) startTable() *Table {
	t := NewTable("From the start of dispatch to its first hook-tool call. Times in ms: min/median/max.",
		"charm", "runs", "time", "dispatch MB", "charm MB")
	for _, c := range r.Charms {
		var all Samples
		for _, h := range c.Hooks {
			if h.Name == FollowerNoOp {
				all = append(all, h.Start...)
			}
		}
		if len(all) > 0 {
			t.Row(c.Name, len(all), all, megabytes(c.Dispatch), megabytes(c.Size))
		}
	}
	return t
}

// String shows the samples as min/median/max in milliseconds.
func (s Samples) String() string {
	if len(s) == 0 {
		return "-"
	}
	return milliseconds(s.Min()) + "/" + milliseconds(s.Median()) + "/" + milliseconds(s.Max())
}

// milliseconds shows three digits.
func milliseconds(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

func megabytes(n int64) string { return fmt.Sprintf("%.2f", float64(n)/1e6) }

// counts shows a count, which is the same in all runs of most hooks.
func counts(all []int) string {
	low, high := slices.Min(all), slices.Max(all)
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d-%d", low, high)
}
