package probe

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Difference is a row of the table in docs/simulated-model.md: lines that a
// transcript of one model has and that of the other has not, or has otherwise.
type Difference struct {
	// Scenario, and Command if it is not empty, say where: under what heading the
	// lines are. The latter begins like the line of the transcript, without "$ ".
	Scenario, Command string
	// Simulated and Real are the lines, in which "…" stands for any text.
	Simulated, Real []string
	Reason          string
}

// Differences reads the table, which is the one with these headings:
//
//	| Where | Simulated | Real | Why |
//
// Where is a scenario's name, with a command in backquotes behind it or not.
// Lines are in backquotes, with <br> between them.
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
		where, command, _ := strings.Cut(strings.TrimSpace(cells[0]), " ")
		all = append(all, Difference{
			Scenario: where, Command: strings.Trim(command, "`"),
			Simulated: lines(cells[1]), Real: lines(cells[2]), Reason: strings.TrimSpace(cells[3]),
		})
	}
	return all, nil
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
		for _, l := range side.lines {
			if !t.lists(scenario, l, side.cell) {
				fmt.Fprintf(&report, "%s | %s | only %s: %s\n", scenario, l.command, side.name, l.text)
			}
		}
	}
	return report.String()
}

func (t *Table) lists(scenario string, l line, cell func(Difference) []string) bool {
	listed := false
	for i, row := range t.rows {
		if ok, err := path.Match(row.Scenario, scenario); err != nil || !ok || !matches(row.Command+"…", l.command) {
			continue
		}
		if slices.ContainsFunc(cell(row), func(pattern string) bool { return matches(pattern, strings.TrimSpace(l.text)) }) {
			t.met[i], listed = true, true
		}
	}
	return listed
}

// matches says whether text is as pattern says, in which … is any text.
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

// line is a line of a transcript with the command, or heading, that it is under.
type line struct{ command, text string }

func parse(transcript string) []line {
	var all []line
	command := ""
	for text := range strings.Lines(transcript) {
		text = strings.TrimRight(text, "\n")
		if before, after, ok := strings.Cut(text, "$ "); ok && !strings.Contains(before, " ") {
			command = after
		} else if after, ok := strings.CutPrefix(text, "# "); ok {
			command = after
		}
		all = append(all, line{command, text})
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
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			onlyA, i = append(onlyA, a[i]), i+1
		default:
			onlyB, j = append(onlyB, b[j]), j+1
		}
	}
	return append(onlyA, a[i:]...), append(onlyB, b[j:]...)
}
