package fidelity

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A Difference is a row of the table in docs/simulated-model.md: lines that a
// transcript of one model has and that of the other has not, or has otherwise.
type Difference struct {
	// Scenario says where, and Heading and Command do if they are not empty: what
	// the lines are under. Both begin like the line of the transcript, without
	// "# " and "$ ".
	Scenario, Heading, Command string
	// Simulated and Real are the lines, in which "…" stands for any text. Each may
	// be there as often as it is listed, under one heading or command.
	Simulated, Real []string
	Reason          string
}

// Differences reads the table, which is the one with these headings:
//
//	| Where | Simulated | Real | Why |
//
// Where is a scenario's name, and behind it, in backquotes, a heading with its
// "# ", or a command, or both, or neither. Lines are in backquotes, with <br>
// between them.
func Differences(markdown string) ([]Difference, error) {
	_, table, ok := strings.Cut(markdown, "\n| Where | Simulated | Real | Why |\n")
	if !ok {
		return nil, fmt.Errorf("cannot read the differences: there is no such table")
	}
	var all []Difference
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if strings.HasPrefix(line, "| ---") {
			continue
		}
		if len(cells) != 4 {
			return nil, fmt.Errorf("cannot read the differences: there are %d cells in %q", len(cells), line)
		}
		d := where(cells[0])
		d.Simulated, d.Real, d.Reason = lines(cells[1]), lines(cells[2]), strings.TrimSpace(cells[3])
		all = append(all, d)
	}
	return all, nil
}

// where reads the first cell of a row.
func where(cell string) Difference {
	parts := strings.Split(cell, "`")
	d := Difference{Scenario: strings.TrimSpace(parts[0])}
	for i := 1; i < len(parts); i += 2 {
		if heading, ok := strings.CutPrefix(parts[i], "# "); ok {
			d.Heading = heading
		} else {
			d.Command = parts[i]
		}
	}
	return d
}

// lines reads the lines in a cell of the table.
func lines(cell string) []string {
	var all []string
	for line := range strings.SplitSeq(cell, "<br>") {
		if line = strings.Trim(strings.TrimSpace(line), "`"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// A Table compares transcripts, and keeps count of the differences it met.
type Table struct {
	rows []Difference
	met  []bool
}

// NewTable returns a table of the differences that may be.
func NewTable(rows []Difference) *Table { return &Table{rows, make([]bool, len(rows))} }

// Compare returns how the transcripts of a scenario on the two models differ
// beyond what is listed; empty if they do not.
func (t *Table) Compare(scenario, simulated, real string) string {
	var report strings.Builder
	onlySimulated, onlyReal := diff(parse(simulated), parse(real))
	for _, side := range []struct {
		name  string
		lines []line
		cell  func(Difference) []string
	}{
		{"simulated", onlySimulated, func(d Difference) []string { return d.Simulated }},
		{"real", onlyReal, func(d Difference) []string { return d.Real }},
	} {
		used := map[use]bool{}
		for _, l := range side.lines {
			if !t.lists(scenario, l, side.cell, used) {
				fmt.Fprintf(&report, "%s | %s | %s | only %s: %s\n", scenario, l.heading, l.command, side.name, l.text)
			}
		}
	}
	return report.String()
}

// use is a row's line that was needed for a section of a transcript.
type use struct{ row, line, section int }

// lists reports whether a row lists the line and was not used up for it before.
func (t *Table) lists(scenario string, l line, cell func(Difference) []string, used map[use]bool) bool {
	for i, row := range t.rows {
		if !row.covers(scenario, l) {
			continue
		}
		for j, pattern := range cell(row) {
			this := use{i, j, l.section}
			if !used[this] && matches(pattern, strings.TrimSpace(l.text)) {
				t.met[i], used[this] = true, true
				return true
			}
		}
	}
	return false
}

// covers reports whether the row is about the place that a line is at.
func (d Difference) covers(scenario string, l line) bool {
	ok, err := path.Match(d.Scenario, scenario)
	return err == nil && ok && matches(d.Heading+"…", l.heading) && matches(d.Command+"…", l.command)
}

// matches reports whether text is as pattern says, in which … is any text.
func matches(pattern, text string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), "…", ".*")
	return regexp.MustCompile("^" + quoted + "$").MatchString(text)
}

// Unmet returns the rows that no comparison needed.
func (t *Table) Unmet() []Difference {
	var unmet []Difference
	for i, row := range t.rows {
		if !t.met[i] {
			unmet = append(unmet, row)
		}
	}
	return unmet
}

// line is a line of a transcript, with the heading and the command that it is
// under. Sections are what begins with one of them, or with a unit's name.
type line struct {
	heading, command, text string
	section                int
}

func (l line) same(as line) bool {
	l.section = as.section
	return l == as
}

var unitLine = regexp.MustCompile(`^[a-z-]+/\d+( heard)?:$`)

func parse(transcript string) []line {
	var all []line
	var now line
	for text := range strings.Lines(transcript) {
		now.text = strings.TrimRight(text, "\n")
		if before, after, ok := strings.Cut(now.text, "$ "); ok && !strings.Contains(before, " ") {
			now.command, now.section = after, now.section+1
		} else if after, ok := strings.CutPrefix(now.text, "# "); ok {
			now.heading, now.command, now.section = after, "", now.section+1
		} else if unitLine.MatchString(now.text) {
			now.command, now.section = "", now.section+1
		}
		if strings.HasPrefix(now.command, "network-get") {
			// The same YAML: Juju indents lists within maps by two more.
			now.text = strings.TrimSpace(now.text)
		}
		all = append(all, now)
	}
	return all
}

// diff returns the lines that are not part of a longest common subsequence.
func diff(a, b []line) (onlyA, onlyB []line) {
	// common[i][j] is how long that is of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].same(b[j]) {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i].same(b[j]):
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			onlyA, i = append(onlyA, a[i]), i+1
		default:
			onlyB, j = append(onlyB, b[j]), j+1
		}
	}
	return append(onlyA, a[i:]...), append(onlyB, b[j:]...)
}
