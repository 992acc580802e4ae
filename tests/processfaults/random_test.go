package processfaults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A random run does this many things, to an application of this many units.
const (
	randomSteps = 30
	randomUnits = 3
)

// testRandom makes runs of random requests and faults.
func testRandom(t *testing.T) {
	seed := *flagSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	cover := &coverage{tried: map[string]int{}, hit: map[string]int{}}
	t.Cleanup(func() { // after the runs
		t.Logf("seeds %d to %d\n%s", seed, seed+uint64(*flagRuns)-1, cover)
		if thorough() && !t.Failed() {
			for _, f := range randomFaults {
				if cover.hit[f.name] == 0 {
					t.Errorf("never happened: %s", f.name)
				}
			}
		}
	})
	for i := range *flagRuns {
		seed := seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("once more: go test ./tests/processfaults -run TestProcessFaults/random -v -runs 1 -seed %d", seed)
				}
			}()
			randomRun(t, seed, cover)
		})
	}
}

// random is a random run.
type random struct {
	*world
	*rand.Rand
	cover   *coverage
	present string          // the name of what is being done
	unit    string          // to whom
	pending []func()        // undo what lasts
	broken  map[string]bool // what of which unit is to be undone
	armed   []armed
}

// armed is a fault that waits for a hook tool to be called.
type armed struct{ name, unit, tool string }

func randomRun(t *testing.T, seed uint64, cover *coverage) {
	rng := rand.New(rand.NewPCG(seed, 0))
	// Hook tools as programs are slow: a process for each call.
	transport := []string{"socket", "socket", "programs", "auto"}[rng.IntN(4)]
	w := deploy(t, randomUnits, setup{transport: transport, torn: true})
	r := &random{world: w, Rand: rng, cover: cover, broken: map[string]bool{}}
	for range randomSteps {
		f := pick(rng)
		r.present, r.unit = f.name, r.units[r.IntN(len(r.units))]
		cover.tries(f.name)
		hit := f.do(r)
		if hit {
			cover.hits(f.name)
		}
		r.Note("%s: %s, at once: %v", r.unit, f.name, hit)
		r.pause()
	}
	r.mend()
	for _, a := range r.armed {
		if !r.hasFault(a.unit, a.tool) {
			cover.hits(a.name)
		}
	}
	r.stopFaults()
	r.tick()
	r.drainRandom()
	r.verify()
}

// pause lets a few things happen, or a little time pass.
func (r *random) pause() {
	for range r.IntN(5) {
		select {
		case <-r.Changed():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// mend undoes what lasts.
func (r *random) mend() {
	for _, undo := range r.pending {
		undo()
	}
	r.pending, r.broken = nil, map[string]bool{}
}

// breaks has something of the unit's broken until it is mended.
func (r *random) breaks(what string, breakIt func() (mend func())) bool {
	key := r.unit + " " + what
	if r.broken[key] {
		return false
	}
	r.broken[key] = true
	r.pending = append(r.pending, breakIt())
	return true
}

// drainRandom is drain with an end to workers that wait for long before they
// call juju-exec again, which has failed for them more than once.
func (r *random) drainRandom() {
	r.t.Helper()
	r.check(r.Wait(r.ctx, drained))
	for _, unit := range r.units {
		r.trySignal(unit, "worker", syscall.SIGTERM)
	}
	r.drain()
}

type fault struct {
	name   string
	weight int
	// do returns false if it found nobody to do it to, at least not yet.
	do func(*random) (hit bool)
}

var randomFaults = []fault{
	{"restart", 8, asking("restart")},
	{"failed-restart", 2, asking("failed-restart")},
	{"deferred-restart", 2, asking("deferred-restart")},

	{"operation fails", 2, planning(failing)},
	{"operation takes time", 3, func(r *random) bool { return planning(slow(r.duration(50 * time.Millisecond)))(r) }},
	{"dispatch killed in operation", 3, hit(syscall.SIGKILL)},
	{"dispatch terminated in operation", 2, hit(syscall.SIGTERM)},

	{"dispatch killed", 3, signalling("dispatch", syscall.SIGKILL)},
	{"dispatch terminated", 2, signalling("dispatch", syscall.SIGTERM)},
	{"hook killed", 2, func(r *random) bool { return r.KillHook(r.unit) == nil }},
	{"worker killed", 4, signalling("worker", syscall.SIGKILL)},
	{"worker terminated", 2, signalling("worker", syscall.SIGTERM)},
	{"juju-exec killed", 4, signalling("juju-exec", syscall.SIGKILL)},
	{"juju-exec terminated", 2, signalling("juju-exec", syscall.SIGTERM)},
	{"juju-exec fails", 2, breaking(fails, "juju-exec")},
	{"juju-exec hangs", 2, breaking(hangs, "juju-exec")},

	{"hook tool fails", 2, breakingTool(fails)},
	{"hook tool loses its answer", 2, breakingTool(loses)},
	{"hook tool hangs", 2, breakingTool(hangs)},
	{"hook tool says nonsense", 2, breakingTool(garbles)},
	{"what hangs goes on", 3, func(r *random) bool { r.openGates(); return true }},

	{"agent restarted", 2, func(r *random) bool { return r.RestartAgent(r.unit) == nil }},
	{"agent stopped", 1, func(r *random) bool {
		return r.breaks("agent", func() func() {
			r.check(r.StopAgent(r.unit))
			unit := r.unit
			return func() { r.check(r.StartAgent(unit)) }
		})
	}},
	{"leader moved", 3, func(r *random) bool {
		ctx, cancel := context.WithTimeout(r.ctx, 50*time.Millisecond)
		defer cancel()
		return r.Elect(ctx, r.unit) == nil
	}},
	{"update-status", 1, func(r *random) bool { return r.UpdateStatus(r.unit) == nil }},

	{"disk unusable", 2, func(r *random) bool { return r.breaks("disk", r.hideState) }},
	{"charm unreadable", 1, func(r *random) bool {
		return r.breaks("charm", func() func() {
			return r.hideCharm(r.unit)
		})
	}},
	{"charm missing", 1, func(r *random) bool {
		return r.breaks("charm", func() func() { return r.moveCharm(r.unit) })
	}},
	{"all mended", 3, func(r *random) bool { r.mend(); return true }},
}

func pick(rng *rand.Rand) fault {
	total := 0
	for _, f := range randomFaults {
		total += f.weight
	}
	n := rng.IntN(total)
	for _, f := range randomFaults {
		if n -= f.weight; n < 0 {
			return f
		}
	}
	return randomFaults[0]
}

func (r *random) duration(limit time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(limit)))
}

func asking(action string) func(*random) bool {
	return func(r *random) bool {
		params := map[string]any{"delay": float64(r.IntN(30)) / 1000}
		if action != "restart" {
			params["max-retry"] = r.IntN(3)
		}
		r.request(r.unit, action, params)
		return true
	}
}

// planning has a visit come to the next operation.
func planning(v visit) func(*random) bool {
	return func(r *random) bool {
		name := r.present
		r.plan(func(unit string, gone <-chan struct{}) byte {
			r.cover.hits(name)
			return v(unit, gone)
		})
		return false
	}
}

func slow(d time.Duration) visit {
	return func(_ string, gone <-chan struct{}) byte {
		select {
		case <-gone:
		case <-time.After(d):
		}
		return well
	}
}

func signalling(program string, sig syscall.Signal) func(*random) bool {
	return func(r *random) bool {
		const tries = 10
		for range tries {
			if r.trySignal(r.unit, program, sig) {
				return true
			}
			select {
			case <-r.Changed():
			case <-time.After(5 * time.Millisecond):
			}
		}
		return false
	}
}

// hit is a visit in which dispatch is signalled, until the operation ends with
// it.
func hit(sig syscall.Signal) func(*random) bool {
	return func(r *random) bool {
		return planning(func(unit string, gone <-chan struct{}) byte {
			for begin := time.Now(); time.Since(begin) < patience; {
				r.trySignal(unit, "dispatch", sig)
				select {
				case <-gone:
					return well
				case <-time.After(20 * time.Millisecond):
				}
			}
			r.t.Errorf("the operation of %s goes on without dispatch", unit)
			return well
		})(r)
	}
}

// breaking has a fault befall the unit's next call of one of the tools.
func breaking(fault string, tools ...string) func(*random) bool {
	return func(r *random) bool {
		tool := tools[r.IntN(len(tools))]
		if !r.hasFault(r.unit, tool) {
			r.setFault(r.unit, tool, fault)
			r.armed = append(r.armed, armed{r.present, r.unit, tool})
		}
		return false
	}
}

func breakingTool(fault string) func(*random) bool {
	return breaking(fault, append(slices.Clone(usedTools), anyTool, anyTool, anyTool)...)
}

// hideState puts a file in the place of the state directory.
func (r *random) hideState() (mend func()) {
	dir := r.stateOf(r.unit, "")
	r.check(os.MkdirAll(dir, 0o750))
	return r.exchange(dir, func(path string) error { return os.WriteFile(path, nil, 0o600) })
}

// coverage counts what was done in all runs.
type coverage struct {
	mu         sync.Mutex
	tried, hit map[string]int
}

func (c *coverage) tries(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried[name]++
}

func (c *coverage) hits(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit[name]++
}

func (c *coverage) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out strings.Builder
	for _, f := range randomFaults {
		fmt.Fprintf(&out, "  %-34s %5d of %5d\n", f.name, c.hit[f.name], c.tried[f.name])
	}
	return out.String()
}
