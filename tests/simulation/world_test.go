package simulation

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rolling-ops/jujusim"
)

const app = "rolling-ops"

// epoch is where every simulation begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// options are fixed for the length of one simulation.
type options struct {
	RetryDelay     time.Duration // 0 for no pauses
	LostDepartures bool          // juju#23326
	QuietWriter    bool
	EarlyDeparture bool
}

// world is a model with its units' machines, workers and running hooks.
type world struct {
	opts  options
	model *jujusim.Model
	now   time.Time // true time, which no unit knows
	units map[string]*machine
	check *checker
	cover *coverage
	log   *slog.Logger
	added int // units ever
	hooks int // hooks, actions and commands that ran to their end

	joined        map[[2]string]bool // the first has heard of the second
	departureLost bool               // a unit was removed and Juju did not tell everybody
	ending        *running           // the run whose end is being committed

	idle     []*coroutine
	schedule []string // the steps so far
	skipped  int      // steps of a script that were impossible
	broken   string   // the form of the violation, if there is one
	violated violation
}

// machine is what a unit runs on.
type machine struct {
	name    string
	skew    time.Duration // of its wall clock
	booted  time.Time
	frozen  bool // suspended: nothing on it moves, its boot-time clock goes on
	broken  bool // its service does not start
	late    bool // added when the others had run hooks already
	worker  background
	running *running
	notes   map[string][]byte
	// wakeLost is when the unit lost a hook that it may need, zero if it has had
	// one since: its worker died, or leadership came back within a hook in which
	// is-leader had said false, and Juju runs no leader-elected then.
	wakeLost time.Time
	// lostEvents says that events were lost, to come with the agent's restart.
	lostEvents bool
}

var charmFiles = loadCharm()

func loadCharm() *jujusim.Charm {
	var files [3][]byte
	for i, name := range []string{"metadata.yaml", "config.yaml", "actions.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", name))
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

func newWorld(o options, cover *coverage) *world {
	w := &world{opts: o, now: epoch, units: make(map[string]*machine), joined: make(map[[2]string]bool), cover: cover, log: slog.New(slog.DiscardHandler)}
	w.check = newChecker(w)
	w.model = jujusim.New(charmFiles, jujusim.Options{
		Now:             func() time.Time { return w.now },
		Observer:        w.observe,
		AutoElect:       true,
		LostDepartures:  o.LostDepartures,
		QuietWriter:     o.QuietWriter,
		EarlyDepartures: o.EarlyDeparture,
	})
	pause := o.RetryDelay.String()
	if err := w.model.SetConfig(map[string]string{"retry-delay": pause, "retry-delay-max": "1m", "service": "db"}); err != nil {
		panic(err)
	}
	return w
}

// observe keeps the machines and the checker up to date with the model.
func (w *world) observe(e jujusim.Event) {
	switch e.Kind {
	case jujusim.UnitAdded:
		w.added++
		w.units[e.Unit] = &machine{name: e.Unit, booted: w.now}
	case jujusim.HookBegan:
		if strings.HasSuffix(e.Run.Name, "-relation-joined") {
			w.joined[[2]string{e.Unit, e.Run.RemoteUnit}] = true
		}
	case jujusim.LeaderChanged:
		w.leaderChanged(e.Unit)
	case jujusim.UnitGone:
		if m := w.units[e.Unit]; m != nil {
			w.mayLoseDeparture(e.Unit)
			if w.opts.LostDepartures {
				w.cover.fire("departed never comes")
			}
			w.drop(m)
			delete(w.units, e.Unit)
		}
		w.check.gone(e.Unit)
	case jujusim.HookEnded:
		w.hooks++
		w.check.committed(e)
		w.noteCommit(e)
		w.workerCalled(e, e.Exit == 0 && e.Err == nil)
		w.ending = nil
		delete(w.check.forced, e.Unit)
	case jujusim.ActionEnded:
		w.check.answered(e.Action)
	case jujusim.HookKilled, jujusim.ExecLost:
		w.workerCalled(e, false)
	}
}

// workerCalled is the end of a juju-exec command, for the worker if it waits for
// that. Actions have ids of their own.
func (w *world) workerCalled(e jujusim.Event, ok bool) {
	if m := w.units[e.Unit]; m != nil && e.Run.Kind == jujusim.ExecRun {
		m.worker.called(w, e.Run.ID, ok)
	}
}

// names returns all units in order.
func (w *world) names() []string { return w.model.Units() }

// committed returns the databags as the controller has them.
func (w *world) appBag() map[string]string             { return w.model.AppDatabag(0) }
func (w *world) unitBag(unit string) map[string]string { return w.model.UnitDatabag(0, unit) }

// drop ends whatever runs on the machine, as a kill -9 would.
func (w *world) drop(m *machine) {
	if m.running != nil {
		m.running.abandon()
		m.running = nil
	}
	w.check.left(m.name)
}

// close ends all coroutines.
func (w *world) close() {
	for _, m := range w.units {
		w.drop(m)
	}
	for _, c := range w.idle {
		c.stop()
	}
}

// violation ends the simulation: an invariant is broken.
func (w *world) violation(format string, args ...any) {
	if w.violated == "" {
		w.broken, w.violated = format, violation(fmt.Sprintf(format, args...))
	}
	panic(w.violated)
}

// violation is a broken invariant.
type violation string

func short(unit string) string { return strings.TrimPrefix(unit, app+"/") }
