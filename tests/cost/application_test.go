// Package cost holds the budgets of the charm as tests, and what can be
// measured of it in one process as benchmarks. Budgets are on counts: of hooks,
// and of hook-tool calls. Times are in docs/performance.md.
package cost

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
	"rolling-ops/internal/worker"
	"rolling-ops/jujusim"
	"rolling-ops/tests/cost/bench"
)

// How long things take on the clock of the tests.
const (
	hookTime      = 5 * time.Millisecond
	operationTime = time.Second          // on top of the hook in which it runs
	workerTime    = 5 * time.Millisecond // until it calls juju-exec
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// application runs the charm's handlers for all units of a model.
type application struct {
	*bench.Driver
	tb    testing.TB
	plans map[string]*worker.Plan // of the units' workers
	noted map[string]notes        // by unit
	// onCalls is told the hook-tool calls of each hook before its commit.
	onCalls func(h *jujusim.Hook, calls []string)
}

func loadCharm(tb testing.TB) *jujusim.Charm {
	tb.Helper()
	c, err := jujusim.LoadCharm(filepath.Join("..", ".."))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// deploy returns an application of n units that are idle.
func deploy(tb testing.TB, n int) *application {
	tb.Helper()
	a := &application{Driver: &bench.Driver{}, tb: tb, plans: map[string]*worker.Plan{}, noted: map[string]notes{}}
	a.Executor = a
	m, err := bench.Application(loadCharm(tb), n, jujusim.Options{
		Now:      func() time.Time { return epoch.Add(a.Now()) },
		Observer: a.Observe,
	})
	if err != nil {
		tb.Fatal(err)
	}
	a.Model = m
	return a
}

// queue queues an action on a unit.
func (a *application) queue(unit, action string, params map[string]any) {
	a.tb.Helper()
	if _, err := a.Model.EnqueueAction(unit, action, params); err != nil {
		a.tb.Fatal(err)
	}
}

// run runs until nothing is left to run.
func (a *application) run() {
	a.tb.Helper()
	if err := a.Run(context.Background()); err != nil {
		a.tb.Fatal(err)
	}
}

// Execute calls the handlers for a hook.
func (a *application) Execute(h *jujusim.Hook, now time.Duration) (bench.Cost, int, error) {
	env := environment(h)
	event, err := charm.ParseEvent(func(name string) string { return env[name] })
	if err != nil {
		return bench.Cost{}, 0, err
	}
	calls := &recorder{hook: h}
	tools := hooktool.New(calls)
	err = charm.New(charm.Deps{
		Tools: tools, Clock: clock(now), Waker: waker{a, h.Unit(), now}, Transitions: nowhere{}, Notes: a.notes(h.Unit()), Boots: charm.BootFiles{}, Commands: charm.Programs{},
		Log:   slog.New(hooktool.NewLogHandler(tools, slog.LevelDebug, os.Stderr)),
		Sleep: func(context.Context, time.Duration) error { return nil },
	}).Handle(context.Background(), event)
	exit := 0
	if err != nil {
		a.tb.Logf("%s on %s: %v", h.Run(), h.Unit(), err)
		exit = 1
	}
	if a.onCalls != nil {
		a.onCalls(h, calls.lines)
	}
	cost := bench.Cost{Wall: hookTime, Calls: calls.count, Bytes: calls.bytes}
	if calls.attempt {
		cost.Attempt = hookTime
		cost.Wall += operationTime
	}
	return cost, exit, nil
}

// environment is that of a hook, or of the worker's juju-exec command.
func environment(h *jujusim.Hook) map[string]string {
	env := map[string]string{"JUJU_CHARM_DIR": "/charm"}
	for _, entry := range h.Env() {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	if command := h.Run().Command; command != "" {
		env["JUJU_DISPATCH_PATH"] = command
	}
	return env
}

// plan returns what the unit's worker does next.
func (a *application) plan(unit string) *worker.Plan {
	if a.plans[unit] == nil {
		a.plans[unit] = &worker.Plan{}
	}
	return a.plans[unit]
}

// NextWake returns the worker that is due first.
func (a *application) NextWake(_ context.Context, until time.Duration) (bench.Wake, bool) {
	first, at := "", until
	for _, unit := range a.Model.Units() {
		if due, ok := a.plan(unit).Due(); ok && (due < at || due == at && first == "") {
			first, at = unit, due
		}
	}
	if first == "" {
		return bench.Wake{}, false
	}
	plan := a.plan(first)
	plan.Begin()
	return bench.Wake{At: at, Unit: first, Command: "hooks/" + worker.Hook, Done: func(exit int, now time.Duration) {
		plan.End(now, exit == 0)
	}}, true
}

// waker asks for a unit's worker.
type waker struct {
	a    *application
	unit string
	now  time.Duration
}

func (w waker) Wake(_ context.Context, delay time.Duration) error {
	w.a.plan(w.unit).Ask(w.now + workerTime + delay)
	return nil
}

func (w waker) Watch(_ context.Context, delay time.Duration) error {
	if plan := w.a.plan(w.unit); delay > 0 {
		plan.Watch(w.now + workerTime + delay)
	} else {
		plan.CallOff()
	}
	return nil
}

// clock stands still during a hook.
type clock time.Duration

func (c clock) Now() time.Time           { return epoch.Add(time.Duration(c)) }
func (c clock) SinceBoot() time.Duration { return time.Duration(c) }

type nowhere struct{}

func (nowhere) Record(charm.Transition) error { return nil }

// notes are those of one unit.
type notes map[string][]byte

func (n notes) Read(name string) ([]byte, error) { return n[name], nil }
func (n notes) Write(name string, data []byte) error {
	n[name] = data
	return nil
}

func (a *application) notes(unit string) notes {
	if a.noted[unit] == nil {
		a.noted[unit] = notes{}
	}
	return a.noted[unit]
}

// recorder makes the hook-tool calls of one hook and takes note of them.
type recorder struct {
	hook    *jujusim.Hook
	count   int
	bytes   int
	lines   []string
	attempt bool
}

func (r *recorder) Run(_ context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	resp, err := r.hook.Tool(tool, args, stdin, true)
	if err != nil {
		return nil, err
	}
	r.count++
	r.bytes += len(strings.Join(args, "")) + len(stdin) + len(resp.Stdout) + len(resp.Stderr)
	r.lines = append(r.lines, tool+" "+strings.Join(args, " "))
	r.attempt = r.attempt || bench.BeginsAttempt(tool, args)
	if resp.Code != 0 {
		return nil, &hooktool.Error{Tool: tool, Code: resp.Code, Stderr: string(resp.Stderr)}
	}
	return resp.Stdout, nil
}
