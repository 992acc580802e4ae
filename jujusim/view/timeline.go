package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Span is a stretch of time on one unit's lane.
type Span struct {
	Unit    string    `json:"unit"`
	Label   string    `json:"label"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Outcome string    `json:"outcome,omitempty"`
}

// Timeline shows who ran what when, one lane a unit.
type Timeline struct {
	Units []string // the lanes, in order
	Busy  []Span   // every hook, action and command
	Runs  []Span   // the spans that matter: of these no two should overlap
	Start time.Time
	// Actions says that the runs are just actions: the charm does not show what
	// must not overlap, and actions may.
	Actions bool
	// Silent are the units that have shown no run in any way: either none was
	// there, or the charm does not tell.
	Silent []string
}

const (
	idleMark = ' '
	busyMark = '·'
	runMark  = '█'

	minColumns = 20
)

// Overlaps returns the pairs of runs on different units of which one began
// before the other had ended, if they must not.
func (t Timeline) Overlaps() [][2]Span {
	if t.Actions {
		return nil
	}
	runs := slices.Clone(t.Runs)
	slices.SortStableFunc(runs, func(a, b Span) int { return a.From.Compare(b.From) })
	var pairs [][2]Span
	for i, a := range runs {
		for _, b := range runs[i+1:] {
			if !b.From.Before(a.To) {
				break
			}
			if a.Unit != b.Unit {
				pairs = append(pairs, [2]Span{a, b})
			}
		}
	}
	return pairs
}

// Write draws the lanes, at most width columns wide, then lists the runs.
// The time axis is stretched where runs are short: each gets a column at
// least, and two runs share one only if they really overlap.
func (t Timeline) Write(w io.Writer, width int) error {
	var b strings.Builder
	names := 0
	for _, unit := range t.Units {
		names = max(names, len(unit))
	}
	slots := t.slots(max(width-names-2, minColumns))
	columns := max(width-names-2, minColumns)
	for chunk := range slices.Chunk(slots, columns) {
		fmt.Fprintf(&b, "%-*s  %s\n", names, "", t.axis(chunk))
		for _, unit := range t.Units {
			fmt.Fprintf(&b, "%-*s  %s\n", names, unit, strings.TrimRight(t.lane(unit, chunk), " "))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%c run   %c other hook, action or command\n\n", runMark, busyMark)
	t.list(&b, names)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Timeline) list(b *strings.Builder, names int) {
	runs := slices.Clone(t.Runs)
	slices.SortStableFunc(runs, func(x, y Span) int { return cmp.Or(x.From.Compare(y.From), cmp.Compare(x.Unit, y.Unit)) })
	for _, run := range runs {
		fmt.Fprintf(b, "%9s to %9s  %-*s  %s", t.since(run.From), t.since(run.To), names, run.Unit, run.Label)
		if run.Outcome != "" {
			fmt.Fprintf(b, ": %s", run.Outcome)
		}
		b.WriteByte('\n')
	}
	overlaps := t.Overlaps()
	for _, pair := range overlaps {
		fmt.Fprintf(b, "OVERLAP: %s on %s began at %s, before %s on %s had ended\n",
			pair[1].Label, pair[1].Unit, t.since(pair[1].From), pair[0].Label, pair[0].Unit)
	}
	switch {
	case len(runs) == 0:
		b.WriteString("Nothing ran.\n")
	case t.Actions:
		fmt.Fprintf(b, "%d actions. The charm does not show what must not run at the same time.\n", len(runs))
	case len(overlaps) == 0:
		fmt.Fprintf(b, "%d runs, no two at the same time.\n", len(runs))
	}
	if note := t.Blind(); note != "" && len(runs) > 0 && !t.Actions {
		fmt.Fprintf(b, "%s\n", note)
	}
}

// Blind says of which units nothing is known that could have overlapped; it is
// empty if something is known of all.
func (t Timeline) Blind() string {
	if len(t.Silent) == 0 {
		return ""
	}
	return "No run is known of " + strings.Join(t.Silent, ", ") + ": none logged, none marked, none in a status."
}

func (t Timeline) since(at time.Time) string {
	return fmt.Sprintf("%.3fs", at.Sub(t.Start).Seconds())
}

// slot is the time that one column stands for.
type slot struct{ from, to time.Time }

// slots cuts the time at the beginning and end of each run, and the pieces
// into columns: as many as their share of width, at least one.
func (t Timeline) slots(width int) []slot {
	cuts := []time.Time{t.Start}
	for _, span := range t.Runs {
		cuts = append(cuts, span.From, span.To)
	}
	end := t.Start.Add(time.Millisecond) // so that there is something to share out
	for _, span := range slices.Concat(t.Busy, t.Runs) {
		if span.To.After(end) {
			end = span.To
		}
	}
	cuts = append(cuts, end)
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)

	spare := max(0, width-len(cuts)+1)
	total := cuts[len(cuts)-1].Sub(cuts[0])
	var slots []slot
	for i := range len(cuts) - 1 {
		from, length := cuts[i], cuts[i+1].Sub(cuts[i])
		columns := 1 + int(int64(spare)*int64(length)/int64(total))
		for c := range columns {
			slots = append(slots, slot{
				from: from.Add(length * time.Duration(c) / time.Duration(columns)),
				to:   from.Add(length * time.Duration(c+1) / time.Duration(columns)),
			})
		}
	}
	return slots
}

// tickEvery is the distance of the axis' labels, in columns.
const tickEvery = 12

func (t Timeline) axis(slots []slot) string {
	var b strings.Builder
	for i := 0; i < len(slots); i += tickEvery {
		fmt.Fprintf(&b, "%-*s", tickEvery, fmt.Sprintf("%.2fs", slots[i].from.Sub(t.Start).Seconds()))
	}
	return strings.TrimRight(b.String(), " ")
}

func (t Timeline) lane(unit string, slots []slot) string {
	lane := make([]rune, len(slots))
	for i, s := range slots {
		lane[i] = idleMark
		if covers(t.Busy, unit, s) {
			lane[i] = busyMark
		}
		if covers(t.Runs, unit, s) {
			lane[i] = runMark
		}
	}
	return string(lane)
}

func covers(spans []Span, unit string, s slot) bool {
	return slices.ContainsFunc(spans, func(span Span) bool {
		return span.Unit == unit && span.From.Before(s.to) && span.To.After(s.from)
	})
}
