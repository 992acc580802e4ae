package simulation

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"
)

// TestReplay runs a schedule that a failing test has printed and shows what it
// does: SCHEDULE=FILE go test ./tests/simulation -run TestReplay -v. Without
// SCHEDULE it runs those in testdata/schedules, which once broke something.
func TestReplay(t *testing.T) {
	if file := os.Getenv("SCHEDULE"); file != "" {
		replayFile(t, file, t.Log)
		return
	}
	files, err := os.ReadDir("testdata/schedules")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			if w := replayFile(t, "testdata/schedules/"+file.Name(), func(...any) {}); w.skipped > 0 {
				t.Errorf("%d steps of the schedule are impossible", w.skipped)
			}
		})
	}
}

// replayFile runs a schedule that has to break nothing.
func replayFile(t *testing.T, file string, report func(...any)) *world {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, broken := replay(string(data), func(line string) { report(line) })
	if broken != "" {
		t.Fatalf("%s%s\n%s", invariantBroken, broken, w.summary())
	}
	return w
}

// invariantBroken begins the report of a broken invariant.
const invariantBroken = "an invariant is broken: "

// replay runs a schedule and reports each step with the state that it leaves.
// Steps that are impossible are skipped, so that a shorter schedule is one too.
func replay(script string, report func(string)) (w *world, broken violation) {
	w = newWorld(scheduleOptions(script), nil)
	defer w.close()
	defer w.recover(&broken)
	for line := range strings.Lines(script) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		s, err := parseStep(line)
		if err == nil {
			err = w.do(s)
		}
		if err != nil {
			w.skipped++
			report(fmt.Sprintf("%-22s %v", line, err))
			continue
		}
		report(fmt.Sprintf("%-22s %s", line, w.summary()))
	}
	return w, ""
}

// script is the schedule so far, for replay.
func (w *world) script() string {
	return w.opts.String() + "\n" + strings.Join(w.schedule, "\n") + "\n"
}

// summary is the state of the cluster in a line.
func (w *world) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "leader=%s lock=%s", short(w.model.Leader()), short(w.appBag()["granted_unit"]))
	for _, m := range w.machines() {
		bag := w.unitBag(m.name)
		fmt.Fprintf(&b, " | %s %s", short(m.name), bag["state"])
		if q, err := codec.ParseQueue(bag["operations"]); err != nil {
			b.WriteString(" unreadable")
		} else {
			fmt.Fprintf(&b, " %d", len(q))
		}
		if m.running != nil {
			fmt.Fprintf(&b, " [%s at %s]", m.running.hook.Run(), m.running.at)
		}
		if m.worker.plan.Calling() {
			b.WriteString(" worker calls")
		} else if m.worker.alive() {
			b.WriteString(" worker waits")
		}
	}
	return b.String()
}

// scheduleOptions are those of the "# options" line of a schedule.
func scheduleOptions(script string) options {
	var o options
	for line := range strings.Lines(script) {
		words, ok := strings.CutPrefix(strings.TrimSpace(line), "# options ")
		if !ok {
			continue
		}
		for word := range strings.FieldsSeq(words) {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "lost-departures":
				o.LostDepartures = true
			case "quiet-writer":
				o.QuietWriter = true
			case "early-departure":
				o.EarlyDeparture = true
			case "retry-delay":
				o.RetryDelay, _ = time.ParseDuration(value)
			}
		}
	}
	return o
}

// String is the "# options" line.
func (o options) String() string {
	words := []string{"# options"}
	for word, on := range map[string]bool{"lost-departures": o.LostDepartures, "quiet-writer": o.QuietWriter,
		"early-departure": o.EarlyDeparture, "retry-delay=" + o.RetryDelay.String(): o.RetryDelay > 0} {
		if on {
			words = append(words, word)
		}
	}
	slices.Sort(words[1:])
	return strings.Join(words, " ")
}
