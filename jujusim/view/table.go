package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Row is one unit in the table.
type Row struct {
	Unit      string
	Leader    bool
	Principal string // the unit that a subordinate's is beside
	Agent     string // what the agent does
	State     string // the unit's state in the peer relation, if it keeps one
	Holder    bool   // whether it is the one that the application databag grants
	Queue     int    // operations waiting; -1: none kept, or unreadable
	Status    string
	Message   string
}

// cells are the columns of a row.
func (r Row) cells() []string {
	name, holder, queue := r.Unit, "", ""
	if r.Leader {
		name += "*"
	}
	if r.Principal != "" {
		name += " on " + r.Principal
	}
	if r.Holder {
		holder = "holds"
	}
	if r.Queue >= 0 {
		queue = fmt.Sprint(r.Queue)
	}
	return []string{name, r.Agent, r.State, holder, queue, r.Status, oneLine(r.Message)}
}

// String is the row on a line of its own.
func (r Row) String() string {
	var words []string
	for _, cell := range r.cells() {
		if cell != "" {
			words = append(words, cell)
		}
	}
	return strings.Join(words, "  ")
}

// WriteTable writes rows under a heading.
func WriteTable(w io.Writer, rows []Row) error {
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "UNIT\tAGENT\tSTATE\tLOCK\tQUEUE\tSTATUS\tMESSAGE")
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row.cells(), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// oneLine makes charm-given text safe to show: on one line, without control
// characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
