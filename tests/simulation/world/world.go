package world

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
)

const App = "rolling-ops"

// epoch is where every simulation begins.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Options are fixed for the length of one simulation.
type Options struct {
	RetryDelay     time.Duration // 0 for no pauses
	LostDepartures bool          // juju#23326
	QuietWriter    bool
	EarlyDeparture bool
	// Claims, with commas in between, is what the world is held to if units on the
	// Python library v1 are among its own. "" holds it to all invariants.
	Claims string
}

// World is a model with its units' machines, workers and running hooks.
type World struct {
	Opts  Options
	Model *jujusim.Model
	Now   time.Time // true time, which no unit knows
	Units map[string]*Machine
	Check *checker
	judge judge
	cover *Coverage
	Log   *slog.Logger
	Added int // units ever
	Hooks int // hooks, actions and commands that ran to their end

	v1Pids int      // processes that units on v1 have started
	ending *running // the run whose end is being committed

	idle     []*coroutine
	Schedule []string // the steps so far
	Skipped  int      // steps of a script that were impossible
	Broken   string   // the form of the violation, if there is one
	violated Violation
}

// Machine is what a unit runs on.
type Machine struct {
	Name     string
	Program  Program       // what its unit runs
	skew     time.Duration // of its wall clock
	booted   time.Time
	frozen   bool // suspended: nothing on it moves, its boot-time clock goes on
	broken   bool // its service does not start
	late     bool // added when the others had run hooks already
	Worker   Background
	v1Worker v1Worker
	Running  *running
	stamp    foreignWrite
	notes    map[string][]byte // the charm keeps on it
	// wakeLost is when the unit lost a hook that it may need, zero if it has had
	// one since: its worker died, or leadership came back within a hook in which
	// is-leader had said false, and Juju runs no leader-elected then.
	wakeLost time.Time
	// lostEvents says that events were lost, to come with the agent's restart.
	lostEvents bool
}

// CharmFiles is the charm's metadata, configuration and actions.
var CharmFiles = loadCharm()

func loadCharm() *jujusim.Charm {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	var files [3][]byte
	for i, name := range []string{"metadata.yaml", "config.yaml", "actions.yaml"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			panic(err)
		}
		files[i] = data
	}
	c, err := jujusim.ParseCharm(files[0], files[1], files[2])
	if err != nil {
		panic(err)
	}
	return c
}

func New(o Options, cover *Coverage) *World {
	w := &World{Opts: o, Now: Epoch, Units: make(map[string]*Machine), cover: cover, Log: slog.New(slog.DiscardHandler)}
	w.Check = newChecker(w)
	w.judge = w.Check
	if o.Claims != "" {
		w.judge = newWitness(w)
	}
	w.Model = jujusim.New(CharmFiles, jujusim.Options{
		Now:             func() time.Time { return w.Now },
		Observer:        w.Observe,
		AutoElect:       true,
		LostDepartures:  o.LostDepartures,
		QuietWriter:     o.QuietWriter,
		EarlyDepartures: o.EarlyDeparture,
	})
	pause := o.RetryDelay.String()
	if err := w.Model.SetConfig(map[string]string{"retry-delay": pause, "retry-delay-max": "1m", "service": "db"}); err != nil {
		panic(err)
	}
	return w
}

// Observe keeps the machines and the checker up to date with the model.
func (w *World) Observe(e jujusim.Event) {
	switch e.Kind {
	case jujusim.UnitAdded:
		w.Added++
		w.Units[e.Unit] = &Machine{Name: e.Unit, Program: Charm{}, booted: w.Now}
	case jujusim.LeaderChanged:
		w.leaderChanged(e.Unit)
	case jujusim.UnitGone:
		if m := w.Units[e.Unit]; m != nil {
			if w.Opts.LostDepartures {
				w.cover.fire("departed never comes")
			}
			w.drop(m)
			delete(w.Units, e.Unit)
		}
		w.judge.gone(e.Unit)
	case jujusim.HookEnded:
		w.Hooks++
		w.judge.committed(e)
		w.noteCommit(e)
		w.workerCalled(e, e.Exit == 0 && e.Err == nil)
		w.ending = nil
		delete(w.Check.forced, e.Unit)
		w.noteStamp(e)
	case jujusim.ActionEnded:
		w.judge.answered(e.Action)
	case jujusim.HookKilled, jujusim.ExecLost:
		w.workerCalled(e, false)
		w.noteStamp(e)
	}
}

// workerCalled is the end of a juju-exec command, for the worker if it waits for
// that. Actions have ids of their own.
func (w *World) workerCalled(e jujusim.Event, ok bool) {
	if m := w.Units[e.Unit]; m != nil && e.Run.Kind == jujusim.ExecRun {
		m.Worker.called(w, e.Run.ID, ok)
	}
}

// Names returns all units in order.
func (w *World) Names() []string { return w.Model.Units() }

// committed returns the databags as the controller has them.
func (w *World) AppBag() map[string]string             { return w.Model.AppDatabag(0) }
func (w *World) UnitBag(unit string) map[string]string { return w.Model.UnitDatabag(0, unit) }

// drop ends whatever runs on the machine, as a kill -9 would.
func (w *World) drop(m *Machine) {
	if m.Running != nil {
		m.Running.abandon()
		m.Running = nil
	}
	w.judge.left(m.Name)
}

// Close ends all coroutines.
func (w *World) Close() {
	for _, m := range w.Units {
		w.drop(m)
	}
	for _, c := range w.idle {
		c.stop()
	}
}

// must ends the simulation if an invariant is broken.
func (w *World) must(b *invariant.Broken) {
	if b == nil || w.Opts.Claims != "" { // a claim is its witness's matter
		return
	}
	if w.violated == "" {
		w.Broken, w.violated = b.Form, Violation(b.Text)
	}
	panic(w.violated)
}

// violation ends the simulation: an invariant is broken.
func (w *World) violation(format string, args ...any) {
	w.must(&invariant.Broken{Form: format, Text: fmt.Sprintf(format, args...)})
}

// Violation is a broken invariant.
type Violation string

func Short(unit string) string { return strings.TrimPrefix(unit, App+"/") }
