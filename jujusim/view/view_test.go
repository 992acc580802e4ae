package view

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/jujusim/agent"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

var start = time.Unix(1_750_000_000, 0).UTC()

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// event is one of a trace, at a time in seconds.
func event(seconds float64, kind agent.Kind, unit, hook string) agent.Event {
	return agent.Event{Time: at(seconds), Kind: kind, Unit: unit, Hook: hook}
}

func status(seconds float64, unit, status, message string) agent.Event {
	return agent.Event{Time: at(seconds), Kind: "status-set", Unit: unit, Status: status, Text: message}
}

func render(t *testing.T, timeline Timeline, width int) string {
	t.Helper()
	var b strings.Builder
	if err := timeline.Write(&b, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTimeline(t *testing.T) {
	roll := Timeline{
		Units: []string{"app/0", "app/1", "app/10"},
		Start: start,
		Busy: []Span{
			{Unit: "app/0", From: at(0), To: at(2)},
			{Unit: "app/1", From: at(0.5), To: at(6)},
			{Unit: "app/10", From: at(8), To: at(9)},
		},
		Runs: []Span{
			{Unit: "app/0", Label: "_restart", From: at(1), To: at(2), Outcome: "done"},
			{Unit: "app/1", Label: "_restart", From: at(2), To: at(2.001), Outcome: "retry_release"},
			{Unit: "app/10", Label: "_restart", From: at(8), To: at(8.5), Outcome: "done"},
		},
	}
	golden(t, "roll.txt", render(t, roll, 60))
	golden(t, "narrow.txt", render(t, roll, 10))

	roll.Runs = append(roll.Runs, Span{Unit: "app/1", Label: "_restart", From: at(1.5), To: at(3)})
	golden(t, "overlap.txt", render(t, roll, 60))

	roll.Actions = true
	if got := roll.Overlaps(); got != nil {
		t.Errorf("plain actions overlap: %v", got)
	}
	if got := render(t, Timeline{}, 80); !strings.Contains(got, "Nothing ran.") {
		t.Errorf("got %s", got)
	}
}

func TestRunsShareNoColumnUnlessTheyOverlap(t *testing.T) {
	timeline := Timeline{Units: []string{"a/0", "a/1"}, Start: start}
	for i := range 200 {
		timeline.Runs = append(timeline.Runs, Span{
			Unit: timeline.Units[i%2], From: at(float64(i) / 1000), To: at(float64(i+1) / 1000),
		})
	}
	slots := timeline.slots(80)
	first, second := []rune(timeline.lane("a/0", slots)), []rune(timeline.lane("a/1", slots))
	for i := range first {
		if first[i] == runMark && second[i] == runMark {
			t.Fatalf("both lanes run in column %d", i)
		}
	}
}

func TestRunsFromTransitions(t *testing.T) {
	dir := t.TempDir()
	log := `{"ts":"1750000001.000000","unit":"a/0","event":"action:restart","parameters":{}}
{"ts":"1750000002.500000","unit":"a/0","event":"_restart:start","parameters":{}}
{"ts":"1750000003.000000","unit":"a/0","event":"_restart:done","parameters":{}}
{"ts":"2025-06-15T15:06:44Z","unit":"a/0","event":"_failed_restart:start","parameters":{}}
{"ts":1750000005.0,"unit":"a/0","event":"_failed_restart:start","parameters":{}}
{"ts":1750000006.0,"unit":"a/0","event":"_failed_restart:retry_release","parameters":{}}
{"ts":17500
`
	if err := os.MkdirAll(filepath.Join(dir, "state"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state", "transitions.log"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	timeline := NewTimeline([]agent.Event{
		event(0, "unit-added", "a/0", ""),
		event(2, "hook-began", "a/0", "hooks/x"),
		event(3, "hook-ended", "a/0", "hooks/x"),
		event(4, "hook-began", "a/0", "hooks/y"),
		event(4.5, "hook-killed", "a/0", "hooks/y"),
	}, func(string) string { return dir })
	want := []Span{
		{Unit: "a/0", Label: "_restart", From: at(2.5), To: at(3), Outcome: "done"},
		{Unit: "a/0", Label: "_failed_restart", From: at(4), To: at(4.5), Outcome: "cut short"},
		{Unit: "a/0", Label: "_failed_restart", From: at(5), To: at(6), Outcome: "retry_release"},
	}
	if diff := cmp.Diff(want, timeline.Runs, sameTime); diff != "" {
		t.Error(diff)
	}
}

var sameTime = cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })

func TestRunsFromStatusesAndActions(t *testing.T) {
	nowhere := func(string) string { return t.TempDir() }
	events := []agent.Event{
		event(0, "unit-added", "a/0", ""),
		event(0, "unit-added", "a/1", ""),
		event(1, "hook-began", "a/0", "actions/restart"),
		event(1, "hook-began", "a/1", "hooks/start"),
	}
	plain := append(events, event(2, "hook-ended", "a/0", "actions/restart"))
	want := []Span{{Unit: "a/0", Label: "actions/restart", From: at(1), To: at(2)}}
	timeline := NewTimeline(plain, nowhere)
	if diff := cmp.Diff(want, timeline.Runs, sameTime); diff != "" || !timeline.Actions {
		t.Error(diff, timeline.Actions)
	}

	told := append(events,
		status(1.2, "a/0", "maintenance", "Executing _restart operation"),
		status(1.4, "a/0", "active", ""),
		status(1.5, "a/1", "maintenance", "Executing _other operation"),
		event(2, "hook-ended", "a/1", "hooks/start"),
		status(3, "a/0", "maintenance", "Executing _last operation"),
		event(4, "said", "", ""),
	)
	want = []Span{
		{Unit: "a/0", Label: "_restart", From: at(1.2), To: at(1.4)},
		{Unit: "a/1", Label: "_other", From: at(1.5), To: at(2)},
		{Unit: "a/0", Label: "_last", From: at(3), To: at(4)},
	}
	timeline = NewTimeline(told, nowhere)
	if diff := cmp.Diff(want, timeline.Runs, sameTime); diff != "" || timeline.Actions {
		t.Error(diff, timeline.Actions)
	}
}

// In an application that is being refreshed one unit logs its runs, one marks
// them, one shows them in its status, and one has changed from the one to the
// other. All count, and a unit that shows nothing is named.
func TestRunsOfUnitsThatTellInDifferentWays(t *testing.T) {
	dir := t.TempDir()
	unitDir := func(unit string) string { return filepath.Join(dir, filepath.Base(unit)) }
	for unit, log := range map[string]string{
		"a/0": `{"ts":"2025-06-15T15:06:41.000000+00:00","unit":"a/0","event":"_restart:start","parameters":{}}
{"ts":"2025-06-15T15:06:43.000000+00:00","unit":"a/0","event":"_restart:done","parameters":{}}
`,
		"a/4": `{"ts":"1750000000","unit":"a/4","event":"action:restart","parameters":{}}` + "\n",
	} {
		if err := os.MkdirAll(filepath.Join(unitDir(unit), "state"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(unitDir(unit), "state", "transitions.log"), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logged := func(seconds float64, unit, message string) agent.Event {
		return agent.Event{Time: at(seconds), Kind: "logged", Unit: unit, Status: "INFO", Text: message}
	}
	events := []agent.Event{
		event(0, "unit-added", "a/0", ""), event(0, "unit-added", "a/1", ""), event(0, "unit-added", "a/2", ""),
		event(0, "unit-added", "a/3", ""), event(0, "unit-added", "a/4", ""),
		status(0.2, "a/0", "maintenance", "Executing _old operation"), // before it was refreshed
		status(0.4, "a/0", "active", ""),
		status(0.9, "a/0", "maintenance", "Executing _restart operation"), // the run that it logs
		logged(2, "a/1", "cluster:0: run-begin backup"),
		status(2.5, "a/2", "maintenance", "Executing _restart operation"),
		logged(2.8, "a/1", "run-end backup ok"),
		status(3.1, "a/0", "active", ""),
		status(3.5, "a/2", "active", ""),
		logged(4, "a/1", "run-begin backup"),
		event(5, "hook-killed", "a/1", "hooks/x"),
		event(6, "said", "", ""),
	}
	timeline := NewTimeline(events, unitDir)
	want := []Span{
		{Unit: "a/0", Label: "_old", From: at(0.2), To: at(0.4)},
		{Unit: "a/0", Label: "_restart", From: at(1), To: at(3), Outcome: "done"},
		{Unit: "a/1", Label: "backup", From: at(2), To: at(2.8), Outcome: "ok"},
		{Unit: "a/2", Label: "_restart", From: at(2.5), To: at(3.5)},
		{Unit: "a/1", Label: "backup", From: at(4), To: at(5), Outcome: "cut short"},
	}
	if diff := cmp.Diff(want, timeline.Runs, sameTime); diff != "" || timeline.Actions {
		t.Error(diff, timeline.Actions)
	}
	if got := len(timeline.Overlaps()); got != 3 {
		t.Errorf("%d overlaps: %v", got, timeline.Overlaps())
	}
	if diff := cmp.Diff([]string{"a/3"}, timeline.Silent); diff != "" {
		t.Error(diff)
	}
	if got := render(t, timeline, 60); !strings.Contains(got, "No run is known of a/3: none logged") {
		t.Errorf("got %s", got)
	}
}

func TestRows(t *testing.T) {
	got := Rows(agent.Status{
		Relations: []agent.Relation{{ID: "restart:0", Databag: map[string]string{"granted_unit": "a/1"}}},
		Units: []agent.UnitStatus{
			{Name: "a/0", Leader: true, Agent: "idle", Life: "alive", Status: "active",
				Databags: map[string]map[string]string{"restart:0": {"state": "idle", "operations": "[]"}}},
			{Name: "a/1", Agent: "executing", Doing: "hooks/" + strings.Repeat("x", 99), Life: "dying", Status: "waiting", Message: "a\nb\x1b",
				Databags: map[string]map[string]string{"restart:0": {"state": "request", "operations": `["{}","{}"]`}}},
			{Name: "a/2", Agent: "down", Databags: map[string]map[string]string{"restart:0": {"operations": "{broken"}}},
		},
	})
	var b strings.Builder
	if err := WriteTable(&b, got); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.txt", b.String())
}

func TestLivePlain(t *testing.T) {
	var b strings.Builder
	live := NewLive(&b, nil)
	live.Update([]Row{{Unit: "a/0", Status: "active", Agent: "idle", Queue: -1}})
	live.Update([]Row{{Unit: "a/0", Status: "active", Agent: "start", Queue: -1}})
	fmt.Fprintln(live, "> step")
	live.Update([]Row{{Unit: "a/0", Status: "blocked", Queue: 2, Holder: true}})
	live.Close()
	var got []string
	for line := range strings.Lines(b.String()) {
		_, text, timed := strings.Cut(line, "s  a/0")
		if timed {
			line = "a/0" + text
		}
		got = append(got, line)
	}
	want := []string{"a/0  active\n", "> step\n", "a/0  holds  2  blocked\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLiveOnATerminal(t *testing.T) {
	var b strings.Builder
	live := NewLive(&b, func() (int, int) { return 20, 5 })
	rows := []Row{{Unit: "a/0", Message: "cut off"}, {Unit: "a/1"}, {Unit: "a/2"}, {Unit: "a/3"}}
	live.Update(rows)
	fmt.Fprintln(live, "> step")
	live.Close()
	table := "\nUNIT  AGENT  STATE\na/0\na/1\n"
	// The table, erased for the line, drawn again below, erased at the end.
	want := table + "\x1b[4A\x1b[J> step\n" + table + "\x1b[4A\x1b[J"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
