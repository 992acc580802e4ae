package simulation

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rolling-ops/tests/simulation/world"
)

var (
	flagMixedSeeds = flag.Int("mixed-seeds", 12, "simulation: how many seeds for each row and condition of mixed applications")
	flagMixedFind  = flag.Bool("mixed-find", false, "simulation: look for the schedules of testdata/mixed that are missing")
)

// row is an application whose units are on both implementations, with the
// worst condition under which each claim holds.
type row struct {
	name    string
	title   string   // in the table
	begin   []string // the first steps
	leaders func(*world.Machine) bool
	refresh string // in mid-roll, to this
	holds   map[string]condition
}

// condition is what happens to a cluster, each with what the one before has.
type condition int

const (
	never  condition = iota
	calm             // hooks and events in any order, leadership moves
	clocks           // and clocks that are wrong
	faults           // and what breaks
)

var rows = []row{
	{"ours-leads", "ours lead", []string{"add-unit", "add-v1-unit", "add-unit", "add-v1-unit"}, isOurs, "",
		map[string]condition{world.OursAlone: faults, world.AllAlone: faults, world.QueueKept: faults, world.Drains: faults, world.MovesOn: calm}},
	{"v1-leads", "v1 leads", []string{"add-v1-unit", "add-v1-unit", "add-unit", "add-unit"}, isV1, "",
		map[string]condition{world.QueueKept: faults, world.Drains: calm}},
	{"any-leads", "leadership moves between both", []string{"add-unit", "add-v1-unit", "add-unit", "add-unit"}, isAny, "",
		map[string]condition{world.QueueKept: faults, world.Drains: calm}},
	{"refresh-to-ours", "refresh to ours", []string{"add-v1-unit", "add-v1-unit", "add-v1-unit", "add-v1-unit"}, isAny, "ours",
		map[string]condition{world.QueueKept: faults, world.Drains: calm}},
	{"refresh-to-v1", "refresh to v1", []string{"add-unit", "add-unit", "add-unit", "add-unit"}, isAny, "v1",
		map[string]condition{world.QueueKept: faults, world.Drains: calm}},
}

func isOurs(m *world.Machine) bool { return !m.V1() }
func isV1(m *world.Machine) bool   { return m.V1() }
func isAny(*world.Machine) bool    { return true }

// clocksWrong is one clock that is wrong, by seconds or by an hour.
var clocksWrong = []choice{
	{20, aimed(func(_ *world.World, s source, m *world.Machine) []world.Step {
		return []world.Step{{Verb: "skew", Unit: m.Name, Args: one(s, "0s", "5s", "-5s", "1m", "-1m", "-1h", "1h")}}
	})},
}

var mixedFaults = []choice{
	{10, at("kill")}, {10, at("fail")}, {10, at("restart-agent")}, {5, at("reboot")}, {10, aimed(suspend)}, {20, on("thaw")},
	{10, at("lose-events")}, {10, at("worker-kill")}, {5, at("break")}, {10, on("mend")}, {5, at("remove")}, {3, at("remove-force")},
}

// newMixed draws the shape of a simulation.
func newMixed(s source, r row, c condition, claims string) profile {
	p := profile{
		steps:   50 * (1 + s.draw("steps", 8)),
		Options: world.Options{RetryDelay: []time.Duration{0, 5 * time.Second}[s.draw("retry delay", 2)], Claims: claims},
	}
	for _, c := range ordinary {
		p.add(c.weight, c)
	}
	p.add([]int{2, 10}[s.draw("settle", 2)], choice{next: func(*world.World, source, *world.Machine) []world.Step { return []world.Step{{Verb: "settle"}} }})
	p.add(40, choice{next: overlap})
	p.add(30, choice{next: on("update-status")})
	// Juju tells each unit of each in its own time.
	p.add(10, choice{next: aboutUnit("hold")})
	p.add(20, choice{next: on("release")})
	p.add(20, choice{next: func(_ *world.World, _ source, m *world.Machine) []world.Step {
		if !r.leaders(m) {
			return []world.Step{{Verb: "advance", Args: []string{"31s"}}}
		}
		return []world.Step{{Verb: "elect", Unit: m.Name}}
	}})
	p.add(10, choice{next: func(w *world.World, s source, m *world.Machine) []world.Step {
		if !r.leaders(m) {
			return request(w, s, m)
		}
		return takeover(w, s, m)
	}})
	if r.refresh != "" {
		p.add(5, choice{next: on("refresh", r.refresh)})
	}
	if c >= clocks {
		for _, c := range clocksWrong {
			p.add(c.weight, c)
		}
	}
	if c >= faults {
		for _, c := range mixedFaults {
			p.add(c.weight, c)
		}
	}
	return p
}

// overlap has the leader hear of another unit's request while the holder works,
// and lets that unit begin if it may.
func overlap(w *world.World, s source, m *world.Machine) []world.Step {
	leader := named(w, w.Model.Leader(), m).Name
	holder := named(w, w.AppBag()["granted_unit"], m).Name
	steps := append([]world.Step{{Verb: "enter", Unit: holder}}, request(w, s, m)...)
	for i := range 8 {
		if unit := []string{m.Name, leader}[i/2%2]; unit != holder {
			steps = append(steps, world.Step{Verb: "run", Unit: unit})
		}
	}
	if m.Name != holder {
		steps = append(steps, world.Step{Verb: "enter", Unit: m.Name})
	}
	return append(steps, world.Step{Verb: "advance", Args: []string{"1s"}})
}

// takeover has another unit lead while the leader works, or is about to commit.
func takeover(w *world.World, s source, m *world.Machine) []world.Step {
	leader := named(w, w.Model.Leader(), m).Name
	steps := append(request(w, s, named(w, leader, m)), world.Step{Verb: "enter", Unit: leader}, world.Step{Verb: "enter", Unit: leader})
	steps = append(steps, world.Step{Verb: "advance", Args: []string{"31s"}}, world.Step{Verb: "elect", Unit: m.Name})
	steps = append(steps, request(w, s, m)...)
	for range 6 {
		steps = append(steps, world.Step{Verb: "run", Unit: m.Name})
	}
	for _, other := range w.Names() {
		if other != leader {
			steps = append(steps, world.Step{Verb: "enter", Unit: other})
		}
	}
	return steps
}

func simulateMixed(s source, r row, c condition, claims string) (w *world.World, broken world.Violation) {
	p := newMixed(s, r, c, claims)
	w = world.New(p.Options, nil)
	defer w.Close()
	defer w.Recover(&broken)
	for _, verb := range r.begin {
		w.MustDo(world.Step{Verb: verb})
	}
	w.MustDo(world.Step{Verb: "settle"})
	for range p.steps {
		_ = w.Do(p.next(w, s))
	}
	w.MustDo(world.Step{Verb: "settle"})
	return w, ""
}

// TestMixed holds applications of both implementations to what the table in
// docs/protocol.md says of them.
func TestMixed(t *testing.T) {
	for _, r := range rows {
		for c := calm; c <= faults; c++ {
			t.Run(fmt.Sprintf("%s/%s", r.name, c), func(t *testing.T) {
				claims := r.claims(func(holds condition) bool { return holds >= c })
				for seed := range *flagMixedSeeds {
					if w, broken := simulateMixed(randomSource(uint64(seed+1)), r, c, claims); broken != "" {
						t.Fatalf("%s%s\nseed %d\n%s", invariantBroken, broken, seed+1, shortest(w))
					}
				}
			})
		}
	}
}

// claims are those for which it is so, with commas in between.
func (r row) claims(so func(condition) bool) string {
	var out []string
	for _, claim := range world.Claims {
		if so(r.holds[claim]) {
			out = append(out, claim)
		}
	}
	return strings.Join(out, ",")
}

// TestMixedBroken replays, for each claim that does not hold, a schedule that
// breaks it: a claim that has come to hold has to be made.
func TestMixedBroken(t *testing.T) {
	for _, r := range rows {
		for claim := range strings.SplitSeq(r.claims(func(holds condition) bool { return holds < faults }), ",") {
			t.Run(r.name+"/"+claim, func(t *testing.T) {
				if *flagMixedFind {
					r.find(t, claim)
				}
				files, err := filepath.Glob(strings.TrimSuffix(r.schedule(claim), ".txt") + "*.txt")
				if err != nil || len(files) == 0 {
					t.Fatalf("no schedule breaks the claim: %v", err)
				}
				for _, file := range files {
					breaks(t, file, claim)
				}
			})
		}
	}
}

// breaks replays a schedule that has to break the claim.
func breaks(t *testing.T, file, claim string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := world.ScheduleOptions(string(script)).Claims; got != claim {
		t.Fatalf("%s makes the claim %q", file, got)
	}
	if w, broken := world.Replay(string(script), func(string) {}); broken == "" || w.Broken != claim {
		t.Errorf("%s breaks %q, want %s", file, broken, claim)
	}
}

func (r row) schedule(claim string) string {
	return "testdata/mixed/" + r.name + "-" + claim + ".txt"
}

// inWords says of each claim what it means.
var inWords = map[string]string{
	world.OursAlone: "two of our units never run at once",
	world.AllAlone:  "no two units ever run at once",
	world.QueueKept: "what is queued is run at least once",
	world.Drains:    "every queue comes to its end, with the help of update-status",
	world.MovesOn:   "and without it",
}

// TestMixedTable holds the table in docs/protocol.md to this one.
func TestMixedTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| |")
	for _, r := range rows {
		table.WriteString(" " + r.title + " |")
	}
	table.WriteString("\n|" + strings.Repeat(" --- |", len(rows)+1) + "\n")
	for _, claim := range world.Claims {
		table.WriteString("| " + inWords[claim] + " |")
		for _, r := range rows {
			cell := map[condition]string{never: "no", calm: "if clocks are right", clocks: "if nothing breaks", faults: "always"}[r.holds[claim]]
			if r.holds[claim] < faults {
				cell = fmt.Sprintf("[%s](../tests/simulation/%s)", cell, r.schedule(claim))
			}
			table.WriteString(" " + cell + " |")
		}
		table.WriteString("\n")
	}
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/protocol.md has another table of mixed applications than this:\n%s", &table)
	}
}

// find looks for a schedule that breaks the claim, if there is none yet.
func (r row) find(t *testing.T, claim string) {
	file := r.schedule(claim)
	if _, err := os.Stat(file); err == nil {
		return
	}
	for seed := range 1000 {
		w, broken := simulateMixed(randomSource(uint64(seed+1)), r, r.holds[claim]+1, claim)
		if broken == "" {
			continue
		}
		opts, lines := shrink(w)
		text := fmt.Sprintf("# Found at random, and shortened.\n%s\n%s\n", opts, strings.Join(lines, "\n"))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("no schedule found")
}

func (c condition) String() string { return [...]string{"never", "calm", "clocks", "faults"}[c] }
