package draw

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func ptr(t time.Time) *time.Time { return &t }

// scene is a picture of a rollout over n units, the leader being the middle one,
// so many seconds after its start.
func scene(n, seconds int, change ...func(*picture.Picture)) *picture.Picture {
	p := &picture.Picture{
		Schema: picture.Schema, Taken: at(seconds), Application: "rolling-ops", Controller: "rig", Model: "cap", Leader: fmt.Sprintf("rolling-ops/%d", n/2),
		Rollout: &picture.Rollout{
			ID: 7, Token: "7.3", Operation: "_restart", State: rollout.Running, Total: n, Started: noon,
			Retries: 2, PauseAfter: "none", Reason: "rotate the CA <& its key>",
		},
	}
	var units rollout.Units
	for i := range n {
		name := fmt.Sprintf("rolling-ops/%d", i)
		units = append(units, i)
		p.Units = append(p.Units, picture.Unit{Name: name, Leader: i == n/2, Agent: "idle", Status: "active", Step: rollout.PhaseReady})
	}
	for _, i := range rollout.AutoOrder(units, n/2) {
		p.Rollout.Order = append(p.Rollout.Order, fmt.Sprintf("rolling-ops/%d", i))
	}
	for _, f := range change {
		f(p)
	}
	return p
}

// ended puts the end of an attempt into a picture.
func ended(unit int, step picture.Step, attempts, from, to int) func(*picture.Picture) {
	return func(p *picture.Picture) {
		u := &p.Units[unit]
		u.Step, u.Attempts, u.Granted, u.Ended = step, attempts, ptr(at(from)), ptr(at(to))
		switch step {
		case rollout.PhaseDone:
			p.Rollout.Done++
		case rollout.PhaseFailing:
			u.Error = "health check failed: exit status 7"
			p.Rollout.Failing = append(p.Rollout.Failing, u.Name)
			p.Rollout.WaitsFor = u.Name
		case rollout.PhaseFailed:
			u.Error = "health check failed: exit status 7"
			p.Rollout.Failed = append(p.Rollout.Failed, u.Name)
		}
	}
}

func runs(unit, since int) func(*picture.Picture) {
	return func(p *picture.Picture) {
		u := &p.Units[unit]
		p.Lock = picture.Lock{Holder: u.Name, Since: ptr(at(since))}
		p.Rollout.WaitsFor = u.Name
		if u.Step == rollout.PhaseReady {
			u.Step = picture.Running
		}
	}
}

func paused(why rollout.Why) func(*picture.Picture) {
	return func(p *picture.Picture) {
		p.Rollout.State, p.Rollout.Why = rollout.Paused, why
		if why == rollout.AfterCanary {
			p.Rollout.PauseAfter = "first"
		}
	}
}

// roll are pictures of a roll of five units: a canary with a pause, a unit that
// fails twice and is tried again, one that runs.
func roll() []*picture.Picture {
	canary := ended(4, rollout.PhaseDone, 1, 2, 14)
	second := ended(3, rollout.PhaseDone, 1, 62, 75)
	return []*picture.Picture{
		scene(5, 1),
		scene(5, 6, runs(4, 2)),
		scene(5, 15, canary, paused(rollout.AfterCanary)),
		scene(5, 58, canary, paused(rollout.AfterCanary)),
		scene(5, 65, canary, runs(3, 62)),
		scene(5, 90, canary, second, ended(1, rollout.PhaseFailing, 1, 78, 88)),
		scene(5, 96, canary, second, ended(1, rollout.PhaseFailing, 1, 78, 88), runs(1, 93)),
		scene(5, 106, canary, second, ended(1, rollout.PhaseFailing, 2, 93, 104)),
		scene(5, 125, canary, second, ended(1, rollout.PhaseDone, 3, 110, 121)),
		scene(5, 131, canary, second, ended(1, rollout.PhaseDone, 3, 110, 121), runs(0, 123)),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func TestDrawingOfARoll(t *testing.T) {
	var l Lanes
	for _, p := range roll() {
		l.Add(p)
	}
	var b strings.Builder
	if err := SVG(&b, &l); err != nil {
		t.Fatal(err)
	}
	golden(t, "roll.svg", b.String())
	golden(t, "roll.txt", Watch(l.last, &l, Style{Program: "juju-rolling-ops"}, 24))
	golden(t, "roll-color.txt", l.Text(Style{Color: true}, 10))
}

func TestDrawingOfAFailedRoll(t *testing.T) {
	var l Lanes
	l.Add(scene(3, 400, ended(2, rollout.PhaseDone, 1, 5, 100), ended(0, rollout.PhaseFailed, 3, 220, 270), paused(rollout.AfterFailure)))
	var b strings.Builder
	if err := SVG(&b, &l); err != nil {
		t.Fatal(err)
	}
	golden(t, "failed.svg", b.String())
	golden(t, "failed.txt", Watch(l.last, &l, Style{Program: "juju-rolling-ops"}, 24))
}

func TestChangesAreToldLineByLine(t *testing.T) {
	var lines []string
	var before *picture.Picture
	for _, p := range roll() {
		lines = append(lines, Changes(before, p, Style{Program: "juju-rolling-ops", Options: " -m rig:cap"})...)
		before = p
	}
	golden(t, "changes.txt", strings.Join(lines, "\n")+"\n")
}

// Of many units only those are shown that matter, and no line is too long.
func TestAThousandUnitsStayReadable(t *testing.T) {
	p := scene(1000, 3700, runs(611, 3690), func(p *picture.Picture) {
		for i := 612; i < 1000; i++ {
			ended(i, rollout.PhaseDone, 1, (999-i)*9, (999-i)*9+8)(p)
		}
		ended(700, rollout.PhaseFailed, 3, 3000, 3010)(p)
		p.Units[3].Agent = "lost"
		p.Warn(picture.AgentLost, "rolling-ops/3", "its agent is lost: it runs nothing and answers nobody")
	})
	var table, svg strings.Builder
	if err := Table(&table, p, Style{Program: "juju-rolling-ops"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "thousand.txt", table.String())
	var l Lanes
	l.Add(p)
	lanes := Watch(p, &l, Style{Program: "juju-rolling-ops"}, 24)
	golden(t, "thousand-lanes.txt", lanes)
	if err := SVG(&svg, &l); err != nil || !strings.Contains(svg.String(), "and 800 more units") {
		t.Error(err)
	}
	for text, most := range map[string]int{table.String(): 30, lanes: 24} {
		if n := strings.Count(text, "\n"); n > most {
			t.Errorf("%d lines:\n%s", n, text)
		}
	}
	table.Reset()
	if err := Table(&table, p, Style{All: true}); err != nil || strings.Count(table.String(), "\n") < 1000 {
		t.Error("--all does not show all")
	}
}

func TestLinesFitTheTerminal(t *testing.T) {
	for _, width := range []int{40, 60, 80, 120} {
		s := Style{Width: width, Program: "juju-rolling-ops"}
		for _, p := range roll() {
			p.Application = "a-very-long-name-of-an-application-that-somebody-gave"
			for i := range p.Units {
				p.Units[i].Error = strings.Repeat("é", 150)
			}
			var l Lanes
			l.Add(p)
			var b strings.Builder
			if err := Table(&b, p, s); err != nil {
				t.Fatal(err)
			}
			b.WriteString(Watch(p, &l, s, 24))
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width && !strings.HasPrefix(line, "Next") {
					t.Errorf("%d columns of %d: %s", n, width, line)
				}
			}
		}
	}
}
