package simulation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"rolling-ops/internal/rollingops"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// mustDo makes a step that has to be possible.
func (w *world) mustDo(s step) {
	if err := w.do(s); err != nil {
		panic(fmt.Sprintf("%s: %v", s, err))
	}
}

// script is the schedule so far, for replay.
func (w *world) script() string {
	return w.opts.String() + "\n" + strings.Join(w.schedule, "\n") + "\n"
}

type rapidSource struct{ t *rapid.T }

func (r rapidSource) draw(label string, n int) int {
	return rapid.IntRange(0, n-1).Draw(r.t, label)
}

type randomSource struct{ *rand.Rand }

func (r randomSource) draw(_ string, n int) int { return r.IntN(n) }

func TestSimulation(t *testing.T) {
	cover := newCoverage()
	begin := time.Now()
	seed := uint64(1)
	n := 2000
	if os.Getenv("SIM_N") != "" {
		fmt.Sscan(os.Getenv("SIM_N"), &n)
	}
	for i := range n {
		w, broken := simulate(randomSource{rand.New(rand.NewPCG(seed, uint64(i)))}, cover)
		if broken != "" {
			t.Fatalf("seed %d/%d: %s\n%s", seed, i, broken, w.script())
		}
	}
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	d := time.Duration(usage.Utime.Nano())
	_ = begin
	t.Logf("%d simulations, %d hooks, %.0f hooks/s", cover.runs, cover.hooks, float64(cover.hooks)/d.Seconds())
	t.Logf("\n%s", cover)
}

// TestReplay runs the schedule in the file that SCHEDULE names and prints what
// it does, for a look at a schedule that a failing test has printed.
func TestReplay(t *testing.T) {
	file := os.Getenv("SCHEDULE")
	if file == "" {
		file = filepath.Join("testdata", "example.txt")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, broken := replay(string(data), func(line string) { t.Log(line) })
	defer w.close()
	if broken != "" {
		t.Fatalf("%s\n%s", broken, w.summary())
	}
}

// replay runs a schedule and reports each step with the state it leaves.
func replay(script string, report func(string)) (w *world, broken violation) {
	w = newWorld(scheduleOptions(script), nil)
	defer func() {
		if v := recover(); v != nil {
			b, ok := v.(violation)
			if !ok {
				panic(v)
			}
			broken = b
		}
	}()
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseStep(line)
		if err == nil {
			err = w.do(s)
		}
		if err != nil {
			report(fmt.Sprintf("%s: %v", line, err))
			continue
		}
		report(fmt.Sprintf("%-30s %s", line, w.summary()))
	}
	return w, ""
}

// summary is the state of the cluster in a line.
func (w *world) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "leader=%s lock=%s", short(w.model.Leader()), short(w.appBag()["granted_unit"]))
	for _, m := range w.machines() {
		bag := w.unitBag(m.name)
		fmt.Fprintf(&b, " | %s %s", short(m.name), bag["state"])
		if q, err := rollingops.ParseQueue(bag["operations"]); err != nil {
			b.WriteString(" unreadable")
		} else {
			fmt.Fprintf(&b, " %d", len(q))
		}
		if m.running != nil {
			fmt.Fprintf(&b, " [%s at %s]", m.running.hook.Run(), m.running.at)
		}
		if m.worker.calling != "" {
			b.WriteString(" worker calls")
		} else if m.worker.waiting {
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
