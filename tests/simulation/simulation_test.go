package simulation

import (
	"flag"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"rolling-ops/tests/simulation/world"
)

var (
	flagSeed     = flag.Uint64("seed", 0, "simulation: the first seed; 0 for the fixed ones, from 1, and then fresh ones")
	flagSeeds    = flag.Int("seeds", 1200, "simulation: how many seeds to run")
	flagShrink   = flag.Bool("shrink", true, "simulation: look for the shortest schedule that fails")
	flagDuration = flag.Duration("duration", 0, "simulation: run fresh seeds for this long")
)

// TestSimulation runs random schedules on simulated clusters: the same ones
// each time, then fresh ones. With -seed=S -seeds=1 it runs that of one seed,
// with -duration=30m fresh ones for that long.
func TestSimulation(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // the heap is small
	begin, used := time.Now(), cpuTime()
	cover := world.NewCoverage()
	run := func(seed uint64) {
		if w, broken := simulate(randomSource(seed), cover); broken != "" {
			t.Fatalf("%s%s\nseed %d\n%s", invariantBroken, broken, seed, shortest(w))
		}
	}
	fresh := uint64(begin.UnixNano())
	switch {
	case *flagDuration > 0:
		if *flagSeed != 0 {
			fresh = *flagSeed
		}
		said := begin
		for seed := fresh; time.Since(begin) < *flagDuration; seed++ {
			run(seed)
			if time.Since(said) > time.Minute {
				said = time.Now()
				t.Logf("%s: %s", time.Since(begin).Round(time.Second), cover.Rate(cpuTime()-used))
			}
		}
		t.Logf("seeds %d to %d", fresh, fresh+uint64(cover.Runs)-1)
	case *flagSeed != 0:
		for i := range *flagSeeds {
			run(*flagSeed + uint64(i))
		}
		return
	default:
		for i := range *flagSeeds {
			run(uint64(i) + 1)
		}
		for i := range *flagSeeds / 4 {
			run(fresh + uint64(i))
		}
		t.Logf("seeds 1 to %d and, fresh, %d to %d", *flagSeeds, fresh, fresh+uint64(*flagSeeds/4)-1)
	}
	t.Logf("%s\n%s", cover.Rate(cpuTime()-used), cover)
	// Fewer simulations than usual are not expected to cover everything.
	if missing := cover.Missing(); len(missing) > 0 && cover.Runs >= *flagSeeds {
		t.Errorf("never happened, or never made a difference: %q", missing)
	}
}

// TestRapidSimulation has rapid choose the schedules, and shorten one that
// fails by choosing less.
func TestRapidSimulation(t *testing.T) {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		t.Fatal(err)
	}
	var failed *world.World
	defer func() {
		if failed != nil {
			t.Log(shortest(failed))
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		if w, broken := simulate(rapidSource{rt}, nil); broken != "" {
			failed = w
			rt.Fatal(string(broken))
		}
	})
}

// simulate runs one random schedule to its end, faults, settling and all. It
// returns the broken invariant, if any.
func simulate(s source, cover *world.Coverage) (w *world.World, broken world.Violation) {
	p := newProfile(s)
	w = world.New(p.Options, cover)
	defer w.Close()
	defer w.Recover(&broken)
	p.simulate(w, s)
	if cover != nil {
		cover.Hooks += w.Hooks
		cover.Runs++
	}
	return w, ""
}

// random is a source that depends on a seed alone.
type random struct{ *rand.Rand }

func randomSource(seed uint64) source { return random{rand.New(rand.NewPCG(seed, 0))} }

func (r random) draw(_ string, n int) int { return r.IntN(n) }

type rapidSource struct{ t *rapid.T }

// draw takes bit by bit: larger draws of rapid's prefer small numbers, and then
// most of a schedule would be the first of the choices.
func (r rapidSource) draw(label string, n int) int {
	if n == 1 {
		return 0 // rapid wants every generator to draw something
	}
	return rapid.Custom(func(t *rapid.T) int {
		v := 0
		for most := n - 1; most > 0; most >>= 1 {
			v <<= 1
			if rapid.Bool().Draw(t, label) {
				v |= 1
			}
		}
		return v % n
	}).Draw(r.t, label)
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
