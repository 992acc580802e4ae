package view

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strings"
	"time"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
)

// NewTimeline makes a timeline of a model's trace. Of each unit the runs are
// taken from the best that it gives: what lies between the start and the end in
// its transitions log, else what it marked through juju-log, else the time in
// which its status was maintenance with a message "Executing ...". A unit that
// was refreshed may have given one first and another later, so what a better
// source does not tell of is taken from a worse one. If no unit gave any of it
// the runs are just actions.
//
// unitDir returns where the directory of a unit is, see agent.Cluster.
func NewTimeline(events []agent.Event, unitDir func(unit string) string) Timeline {
	var t Timeline
	if len(events) == 0 {
		return t
	}
	t.Start = events[0].Time
	t.Busy = busySpans(events)
	for _, e := range events {
		if e.Kind == "unit-added" {
			t.Units = append(t.Units, e.Unit)
		}
	}
	slices.SortStableFunc(t.Units, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	marks, statuses := markedRuns(events), statusRuns(events)
	for _, unit := range t.Units {
		transitions := readTransitions(charmfacts.TransitionsLog(unitDir(unit)))
		own := t.loggedRuns(unit, transitions)
		own = addUntold(own, marks[unit])
		own = addUntold(own, statuses[unit])
		t.Runs = append(t.Runs, own...)
		if len(own) == 0 && len(transitions) == 0 {
			t.Silent = append(t.Silent, unit)
		}
	}
	slices.SortStableFunc(t.Runs, func(a, b Span) int { return a.From.Compare(b.From) })
	if len(t.Runs) == 0 && len(t.Silent) == len(t.Units) {
		t.Actions = true
		t.Runs = slices.DeleteFunc(slices.Clone(t.Busy), func(s Span) bool { return !strings.HasPrefix(s.Label, "actions/") })
	}
	return t
}

// addUntold adds those runs of a unit that no better source has told of.
func addUntold(told, runs []Span) []Span {
	better := told
	for _, run := range runs {
		if !slices.ContainsFunc(better, func(b Span) bool { return !b.From.After(run.To) && !b.To.Before(run.From) }) {
			told = append(told, run)
		}
	}
	return told
}

// busySpans pairs the beginnings of hooks with their ends. What still runs
// ends with the trace.
func busySpans(events []agent.Event) []Span {
	var spans []Span
	open := map[string]int{}
	for _, e := range events {
		switch e.Kind {
		case "hook-began":
			open[e.Unit] = len(spans)
			spans = append(spans, Span{Unit: e.Unit, Label: e.Hook, From: e.Time, To: events[len(events)-1].Time})
		case "hook-ended", "hook-killed":
			i, ok := open[e.Unit]
			if !ok {
				continue
			}
			spans[i].To = e.Time
			if e.Code != 0 {
				spans[i].Outcome = "failed"
			}
			if e.Kind == "hook-killed" {
				spans[i].Outcome = "killed"
			}
			delete(open, e.Unit)
		}
	}
	return spans
}

// hookAt returns the hook that the unit ran at a time.
func (t Timeline) hookAt(unit string, at time.Time) (Span, bool) {
	for _, s := range t.Busy {
		if s.Unit == unit && !at.Before(s.From) && !at.After(s.To) {
			return s, true
		}
	}
	return Span{}, false
}

// openRuns collects the runs of units of which each has one open at most, by
// unit. A run whose end nobody tells ends with the trace.
type openRuns struct {
	last time.Time
	runs map[string][]Span
	open map[string]bool
}

func newOpenRuns(events []agent.Event) *openRuns {
	return &openRuns{last: events[len(events)-1].Time, runs: map[string][]Span{}, open: map[string]bool{}}
}

func (o *openRuns) begin(unit, label string, at time.Time) {
	o.open[unit] = true
	o.runs[unit] = append(o.runs[unit], Span{Unit: unit, Label: label, From: at, To: o.last})
}

func (o *openRuns) end(unit, outcome string, at time.Time) {
	if !o.open[unit] {
		return
	}
	run := &o.runs[unit][len(o.runs[unit])-1]
	run.To, run.Outcome = at, outcome
	delete(o.open, unit)
}

// statusRuns reads from the statuses what each unit executes.
func statusRuns(events []agent.Event) map[string][]Span {
	runs := newOpenRuns(events)
	for _, e := range events {
		switch e.Kind {
		case "status-set", "hook-ended", "hook-killed":
			runs.end(e.Unit, "", e.Time)
		}
		if e.Kind == "status-set" {
			if name, ok := charmfacts.Executing(e.Status, e.Text); ok {
				runs.begin(e.Unit, name, e.Time)
			}
		}
	}
	return runs.runs
}

// markedRuns reads from the units' logs what they marked. A run that has no end
// was cut short, and ended with its hook.
func markedRuns(events []agent.Event) map[string][]Span {
	runs := newOpenRuns(events)
	for _, e := range events {
		switch e.Kind {
		case "hook-ended", "hook-killed":
			runs.end(e.Unit, cutShort, e.Time)
		case "logged":
			mark, ok := charmfacts.ParseMark(e.Text)
			if !ok {
				continue
			}
			outcome := mark.Outcome
			if !mark.Ended {
				outcome = cutShort
			}
			runs.end(e.Unit, outcome, e.Time)
			if !mark.Ended {
				runs.begin(e.Unit, mark.Name, e.Time)
			}
		}
	}
	return runs.runs
}

// cutShort is the outcome of a run whose end nobody has told.
const cutShort = "cut short"

// readTransitions reads a transitions log. Lines that it can't read, such as
// one that was cut short by a kill, are left out.
func readTransitions(path string) []charmfacts.Transition {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []charmfacts.Transition
	for line := range bytes.Lines(data) {
		if transition, err := charmfacts.ParseTransition(line); err == nil {
			all = append(all, transition)
		}
	}
	return all
}

// loggedRuns pairs each start with what follows it. A run that has no end was
// cut short: it ended with its hook.
func (t Timeline) loggedRuns(unit string, transitions []charmfacts.Transition) []Span {
	var runs []Span
	for i, start := range transitions {
		if !start.Starts() {
			continue
		}
		run := Span{Unit: unit, Label: start.Name(), From: start.Time, To: start.Time, Outcome: cutShort}
		if hook, ok := t.hookAt(unit, start.Time); ok {
			run.To = hook.To
		}
		for _, end := range transitions[i+1:] {
			if end.Starts() {
				break
			}
			if end.Name() == start.Name() {
				run.To, run.Outcome = end.Time, end.Phase()
				break
			}
		}
		runs = append(runs, run)
	}
	return runs
}
