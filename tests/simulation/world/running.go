package world

import (
	"context"
	"errors"
	"strings"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/charm"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/jujusim"
)

// running is a hook, an action or a command in mid-run: the charm's own
// handlers as a coroutine that stops wherever the world may move on.
type running struct {
	w        *World
	m        *Machine
	Hook     *jujusim.Hook
	routine  *coroutine
	At       string // where it waits, such as "relation-set --app" or "exit"
	Dead     bool
	exit     int
	fail     bool      // it will exit non-zero whatever it did
	began    time.Time // true time, as all that follow
	asked    time.Time // when is-leader was first asked
	CommitBy time.Time // when a write of the application databag has to be committed; zero if none waits
	leads    bool      // what is-leader said
	wrote    bool      // some databag
	reads    reads
	jumped   bool // the unit's clock was set back in mid-run
	deposed  bool // the unit lost the leadership in mid-run
	back     bool // and got it back
	// overdue says that commitBy went by. If leadership goes and comes back
	// meanwhile, the commit could undo another leader's: what the protocol
	// assumes excludes that, so such a run is excluded. If it only goes, Juju
	// refuses the commit.
	overdue, excluded bool
}

var errKilled = errors.New("killed")

// commitWithin is how long after the library's last look at the clock the
// commit happens: what the protocol assumes of Juju and the machine.
const commitWithin = jujusim.LeasePromise - rollingops.LeaseMargin

// begin starts what the model has next for the unit.
func (w *World) begin(m *Machine) (*running, error) {
	hook, err := w.Model.Begin(m.Name)
	if err != nil {
		return nil, err
	}
	r := &running{w: w, m: m, Hook: hook, began: w.Now}
	r.routine = w.coroutine(r.body)
	m.Running = r
	w.judge.began(r)
	r.step()
	return r, nil
}

// step lets the run go on to where it next stops.
func (r *running) step() {
	at, _ := r.routine.resume()
	if r.w.violated != "" {
		panic(r.w.violated) // again: the library takes a callback's panic for a failure
	}
	if at != over {
		r.At = at
		return
	}
	r.w.idle = append(r.w.idle, r.routine)
	r.w.end(r)
}

// end commits the run, or has the agent throw it away.
func (w *World) end(r *running) {
	r.m.Running = nil
	exit := r.exit
	if r.fail {
		exit = 1
	}
	w.noteEnd(r)
	if r.excluded {
		w.judge.left(r.m.Name)
		_ = r.Hook.Kill()
		return
	}
	w.ending = r
	w.judge.left(r.m.Name)
	_ = r.Hook.Finish(exit) // a refused commit is an event, which the checker sees
}

// abandon unwinds the coroutine without letting it do anything more.
func (r *running) abandon() {
	r.Dead = true
	r.routine.stop()
}

// body is the run itself.
func (r *running) body(yield func(string) bool) {
	pause := func(at string) error {
		if r.Dead || !yield(at) {
			r.Dead = true
			return errKilled
		}
		return nil
	}
	ctx := context.Background()
	var err error
	if command := r.Hook.Run().Command; command != "" && command != LockGranted && command != upgradeCharm {
		err = r.operatorCommand(command)
	} else {
		err = r.m.Program.Run(ctx, Host{r.Hook.Run(), r.getenv(), r.deps(pause)})
	}
	if err != nil {
		r.exit = 1
		if !r.Dead {
			r.w.judge.failed(r, err)
		}
	}
	_ = pause("exit")
}

// getenv is the run's environment.
func (r *running) getenv() func(string) string {
	env := append(r.Hook.Env(), "JUJU_CHARM_DIR=/charm")
	if command := r.Hook.Run().Command; command == LockGranted || command == upgradeCharm {
		env = append(env, "JUJU_DISPATCH_PATH="+command)
	}
	return func(name string) string {
		for _, line := range env {
			if key, value, _ := strings.Cut(line, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func (r *running) deps(pause func(string) error) charm.Deps {
	return charm.Deps{
		Tools:       hooktool.New(toolRunner{r, pause}),
		Clock:       machineClock{r.w, r.m},
		Waker:       waker{r},
		Commands:    commands{r, pause},
		Transitions: r,
		Notes:       notes{r},
		Boots:       charm.BootFiles{}, // nothing reboots here
		Log:         r.logger(),
		Sleep: func(_ context.Context, _ time.Duration) error {
			return pause("callback")
		},
	}
}

// notes are those on the unit's machine.
type notes struct{ r *running }

func (n notes) Read(name string) ([]byte, error) { return n.r.m.notes[name], nil }

func (n notes) Write(name string, data []byte) error {
	if n.r.Dead {
		return errKilled
	}
	if n.r.m.notes == nil {
		n.r.m.notes = map[string][]byte{}
	}
	n.r.m.notes[name] = data
	return nil
}

// Record implements charm.Transitions: it tells when a callback runs.
func (r *running) Record(t charm.Transition) error {
	if r.Dead {
		return errKilled
	}
	args, err := codec.NewArgs(t.Parameters)
	if err != nil {
		return err
	}
	r.w.judge.transition(r, t.Event, args)
	return nil
}

// toolRunner makes hook-tool calls on the model. The run stops before each call
// that reads or writes what others may change meanwhile.
type toolRunner struct {
	r     *running
	pause func(string) error
}

func (t toolRunner) Run(_ context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	if at := stopBefore(tool, args); at != "" {
		if at == "relation-set --app" && !t.r.m.V1() { // v1 promises nothing
			t.r.CommitBy = t.r.w.Now.Add(commitWithin)
		}
		if err := t.pause(at); err != nil {
			return nil, err
		}
	}
	if t.r.Dead {
		return nil, errKilled
	}
	t.r.beforeTool(tool, args)
	response, err := t.r.Hook.Tool(tool, args, stdin, true)
	if err != nil {
		return nil, err
	}
	if response.Code != 0 {
		return nil, &hooktool.Error{Tool: tool, Code: response.Code, Stderr: strings.TrimSpace(string(response.Stderr))}
	}
	t.r.afterTool(tool, args, response.Stdout)
	return response.Stdout, nil
}

// stopBefore names the place before a call, "" if nothing can happen there that
// could not happen at the next place as well.
func stopBefore(tool string, args []string) string {
	switch tool {
	case "is-leader", "goal-state", "relation-list":
		return tool
	case "relation-get", "relation-set":
		for _, a := range args {
			if a == "--app" {
				return tool + " --app"
			}
		}
		return tool
	}
	return ""
}

func (r *running) beforeTool(tool string, args []string) {
	switch stopBefore(tool, args) {
	case "is-leader":
		if r.asked.IsZero() {
			r.asked = r.w.Now
		}
	case "relation-set --app":
		if r.w.Model.Leader() != r.m.Name && !r.overdue {
			r.w.violation("%s writes the application databag and does not lead", r.m.Name)
		}
		r.wrote = true
	case "relation-set":
		r.wrote = true
	}
}

func (r *running) afterTool(tool string, args []string, answer []byte) {
	switch tool {
	case "is-leader":
		r.leads = strings.HasPrefix(string(answer), "true")
	case "relation-get":
		r.noteRead(args[len(args)-1])
		r.noteAnswer(args[len(args)-1], answer)
	case "relation-list":
		r.noteMembers()
	}
}

// machineClock is a unit's two clocks.
type machineClock struct {
	w *World
	m *Machine
}

func (c machineClock) Now() time.Time           { return c.w.Now.Add(c.m.skew) }
func (c machineClock) SinceBoot() time.Duration { return c.w.Now.Sub(c.m.booted) }

// waker asks for the machine's worker.
type waker struct{ r *running }

func (k waker) Wake(_ context.Context, delay time.Duration) error {
	if k.r.Dead {
		return errKilled
	}
	err := k.r.m.Worker.request(k.r.w, delay)
	if err != nil {
		k.r.m.wakeLost = k.r.w.Now
	}
	return err
}

func (k waker) Watch(_ context.Context, delay time.Duration) error {
	if k.r.Dead {
		return errKilled
	}
	err := k.r.m.Worker.watch(k.r.w, delay)
	if err != nil {
		k.r.m.wakeLost = k.r.w.Now
	}
	return err
}

// commands stands for systemctl and the health check.
type commands struct {
	r     *running
	pause func(string) error
}

func (c commands) Run(context.Context, time.Duration, ...string) (string, error) {
	if err := c.pause("callback"); err != nil {
		return "", err
	}
	if c.r.m.broken {
		c.r.w.cover.matter("service broken", true)
		return "", errors.New("exit status 1")
	}
	return "", nil
}
