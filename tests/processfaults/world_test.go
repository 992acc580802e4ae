package processfaults

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/agent"
)

// limit is how long a test may take: only one that fails ever waits for so long.
const limit = 3 * time.Minute

var (
	past  = time.Unix(1, 0) // a deadline that is over
	never = time.Time{}     // no deadline
)

func write(unit, key, value string) jujusim.Write {
	return jujusim.Write{Relation: "restart:0", Unit: unit, Changes: map[string]string{key: value}}
}

// setup is how a world differs from others.
type setup struct {
	charm     string            // its directory
	transport string            // of hook tools: socket (through a proxy) or programs
	stateDir  string            // of the units, with the placeholders of agent.Options.Env
	config    map[string]string // of the charm
	torn      bool              // transitions are lost or torn, as there is no space for them
}

// world is a model of the charm whose programs meet with faults.
type world struct {
	*agent.Cluster
	*witnesses
	setup
	t       *testing.T
	ctx     context.Context
	dir     string
	marker  string // in the environment of all processes
	gate    gate
	proxies map[string]*proxy // by unit
	units   []string
}

const markerVariable = "PROCESS_FAULTS_ID"

// deploy starts a model with n units and waits until they are idle. At the end
// of the test it must leave nothing behind.
func deploy(t *testing.T, n int, s setup) *world {
	t.Helper()
	w := start(t, n, s)
	w.idle()
	return w
}

// start is deploy for those who can't wait.
func start(t *testing.T, n int, s setup) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "pf") // short, as paths of sockets must be
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	w := &world{setup: s, t: t, ctx: ctx, dir: dir, marker: rand.Text(), proxies: map[string]*proxy{}}
	t.Cleanup(func() {
		w.close()
		cancel()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	self, err := os.Executable()
	w.check(err)
	w.check(os.Symlink(self, filepath.Join(dir, witnessProgram)))
	w.witnesses, err = listenToWitnesses(dir)
	w.check(err)
	w.gate, err = newGate(dir)
	w.check(err)
	w.Cluster, err = agent.New(w.options())
	w.check(err)
	w.check(w.SetConfig(map[string]string{
		"health-check":         filepath.Join(dir, witnessProgram),
		"health-check-timeout": "10m",
		"retry-delay":          "5ms",
		"retry-delay-max":      "20ms",
	}))
	w.check(w.SetConfig(s.config))
	for range n {
		w.addUnit()
	}
	return w
}

func (w *world) options() agent.Options {
	opts := agent.Options{
		CharmDir:      w.charm,
		Dir:           filepath.Join(w.dir, "m"),
		RetryDelay:    20 * time.Millisecond,
		RetryDelayMax: 200 * time.Millisecond,
		Env: []string{
			markerVariable + "=" + w.marker,
			faultsVariable + "=" + filepath.Join(w.dir, "faults", "{unit}"),
			"ROLLINGOPS_HOOK_TOOLS=" + w.transport,
		},
	}
	if opts.CharmDir == "" {
		opts.CharmDir = charmDir
	}
	if w.stateDir == "" {
		w.stateDir = "{unit-dir}/state"
	}
	opts.Env = append(opts.Env, "ROLLINGOPS_STATE_DIR="+w.stateDir)
	if w.transport == "socket" {
		opts.Env = append(opts.Env, "JUJU_AGENT_SOCKET_ADDRESS="+filepath.Join(w.dir, "p", "{unit}"))
	}
	return opts
}

// addUnit adds a unit, whose proxy must be there before it.
func (w *world) addUnit() {
	w.t.Helper()
	if w.transport == "socket" {
		next := "rolling-ops/" + string(rune('0'+len(w.units)))
		target := filepath.Join(w.dir, "m", "agents", "unit-"+strings.ReplaceAll(next, "/", "-"), "agent.socket")
		p, err := startProxy(filepath.Join(w.dir, "p", next), target)
		w.check(err)
		w.proxies[next] = p
	}
	unit, err := w.AddUnit()
	w.check(err)
	w.units = append(w.units, unit)
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) idle() {
	w.t.Helper()
	w.check(w.WaitIdle(w.ctx, false))
}

// stateOf returns the path of a file of the charm's on a unit.
func (w *world) stateOf(unit, file string) string {
	dir := strings.NewReplacer("{unit-dir}", w.UnitDir(unit), "{unit}", unit).Replace(w.stateDir)
	return filepath.Join(dir, file)
}

// restart queues a restart on each of the units.
func (w *world) restart(units ...string) {
	w.t.Helper()
	for _, unit := range units {
		w.request(unit, "restart", nil)
	}
}

// request queues an action that takes no time.
func (w *world) request(unit, action string, params map[string]any) {
	w.t.Helper()
	all := map[string]any{"delay": 0}
	for key, value := range params {
		all[key] = value
	}
	_, err := w.StartAction(unit, action, all)
	w.check(err)
}

// await waits until the condition holds, which may be one that the model does
// not tell of.
func (w *world) await(what string, until func() bool) {
	w.t.Helper()
	for !until() {
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("time is up: %s", what)
		case <-w.Changed():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// awaitQuiet waits until none of the units has anything to run.
func (w *world) awaitQuiet(units ...string) {
	w.t.Helper()
	w.check(w.Wait(w.ctx, func(s agent.Status) bool {
		for _, u := range s.Units {
			if slices.Contains(units, u.Name) && !u.Idle() {
				return false
			}
		}
		return true
	}))
}

// drained says that no operation and no grant is left.
func drained(s agent.Status) bool {
	if s.Relations[0].Databag["granted_unit"] != "" {
		return false
	}
	for _, u := range s.Units {
		operations := u.Databags[s.Relations[0].ID]["operations"]
		if !u.Idle() || operations != "" && operations != "[]" {
			return false
		}
	}
	return true
}

// drain waits until all queues are empty, and the workers have ended.
func (w *world) drain() {
	w.t.Helper()
	w.check(w.Wait(w.ctx, drained))
	w.idle()
	if s := w.Status(); !drained(s) {
		w.t.Fatalf("operations came back: %+v", s)
	}
}

// stopFaults lets everything go on as it should.
func (w *world) stopFaults() {
	w.t.Helper()
	w.forget()
	w.clearFaults()
	w.openGates()
}

// tick has all units run update-status: for when a worker was lost.
func (w *world) tick() {
	w.t.Helper()
	for _, unit := range w.units {
		w.check(w.UpdateStatus(unit))
	}
}

// verify checks the history so far: see the package's comment. The model must
// be drained. It returns who was in an operation, by the witnesses.
func (w *world) verify() []section {
	w.t.Helper()
	trace := w.Trace()
	seen, told := w.sections(), w.told()
	for _, err := range []error{
		checkMutex("witnesses", seen), checkMutex("transitions", told),
		checkGrants(seen, trace), checkGrants(told, trace),
	} {
		if err != nil {
			w.t.Error(err)
		}
	}
	if !w.torn && len(told) < len(seen) {
		w.t.Errorf("%d sections seen, %d in the transitions", len(seen), len(told))
	}
	return seen
}

// told returns the sections that the units' transitions.log tell of.
func (w *world) told() []section {
	w.t.Helper()
	var transitions []transition
	for _, unit := range w.units {
		log, err := os.ReadFile(w.stateOf(unit, "transitions.log"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !w.torn {
			w.t.Error(err)
		}
		transitions = append(transitions, parseTransitions(log)...)
	}
	return sectionsOf(transitions, w.Trace())
}

// inOrder returns the units of the sections.
func inOrder(sections []section) string {
	var units []string
	for _, s := range sections {
		units = append(units, strings.TrimPrefix(s.Unit, "rolling-ops/"))
	}
	return strings.Join(units, " ")
}
