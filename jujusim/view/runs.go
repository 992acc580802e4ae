package view

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rolling-ops/jujusim/agent"
)

// NewTimeline makes a timeline of a model's trace. What counts as a run is,
// the first that there is: what lies between the start and the end in the
// units' transitions logs; the time in which a unit's status was maintenance
// with a message "Executing ..."; an action.
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
	for _, unit := range t.Units {
		path := filepath.Join(unitDir(unit), "state", "transitions.log")
		t.Runs = append(t.Runs, t.loggedRuns(unit, readTransitions(path))...)
	}
	if len(t.Runs) == 0 {
		t.Runs = t.statusRuns(events)
	}
	if len(t.Runs) == 0 {
		t.Actions = true
		t.Runs = slices.DeleteFunc(slices.Clone(t.Busy), func(s Span) bool { return !strings.HasPrefix(s.Label, "actions/") })
	}
	return t
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

// statusRuns reads from the statuses what a unit executes.
func (t Timeline) statusRuns(events []agent.Event) []Span {
	var runs []Span
	open := map[string]int{}
	for _, e := range events {
		i, running := open[e.Unit]
		switch e.Kind {
		case "status-set", "hook-ended", "hook-killed":
			if running {
				runs[i].To = e.Time
				delete(open, e.Unit)
			}
		}
		if label, ok := strings.CutPrefix(e.Text, "Executing "); ok && e.Kind == "status-set" && e.Status == "maintenance" {
			open[e.Unit] = len(runs)
			runs = append(runs, Span{Unit: e.Unit, Label: strings.TrimSuffix(label, " operation"), From: e.Time, To: events[len(events)-1].Time})
		}
	}
	return runs
}

// transition is a line of a transitions log.
type transition struct {
	at   time.Time
	name string // what precedes the colon of the event
	what string // what follows it
}

// readTransitions reads a transitions log. Lines that it can't read, such as
// one that was cut short by a kill, are left out.
func readTransitions(path string) []transition {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []transition
	for line := range bytes.Lines(data) {
		var raw struct {
			TS    json.RawMessage `json:"ts"`
			Event string          `json:"event"`
		}
		if json.Unmarshal(line, &raw) != nil {
			continue
		}
		at, ok := parseTime(raw.TS)
		name, what, found := strings.Cut(raw.Event, ":")
		if ok && found {
			all = append(all, transition{at, name, what})
		}
	}
	return all
}

// parseTime takes seconds since 1970, as a number or in a string, and ISO 8601.
func parseTime(raw json.RawMessage) (time.Time, bool) {
	text := strings.Trim(string(raw), `"`)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < math.MaxInt32*10 {
		whole, fraction := math.Modf(seconds)
		return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1e3), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// loggedRuns pairs each start with what follows it. A run that has no end was
// cut short: it ended with its hook.
func (t Timeline) loggedRuns(unit string, transitions []transition) []Span {
	var runs []Span
	for i, start := range transitions {
		if start.what != "start" {
			continue
		}
		run := Span{Unit: unit, Label: start.name, From: start.at, To: start.at, Outcome: "cut short"}
		if hook, ok := t.hookAt(unit, start.at); ok {
			run.To = hook.To
		}
		for _, end := range transitions[i+1:] {
			if end.what == "start" {
				break
			}
			if end.name == start.name {
				run.To, run.Outcome = end.at, end.what
				break
			}
		}
		runs = append(runs, run)
	}
	return runs
}
