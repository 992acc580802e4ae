package bench

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"rolling-ops/jujusim"
)

// Cost is what one hook took, with all the processes that it waited for.
type Cost struct {
	Wall  time.Duration
	CPU   time.Duration
	Start time.Duration // until its first hook-tool call
	Calls int           // of hook tools
	Bytes int           // arguments, stdin and output of the hook tools
	// Attempt is when an operation began in it, counted from its start; 0 if
	// none did.
	Attempt time.Duration
}

// An Executor runs the hooks that a Driver begins.
type Executor interface {
	// Execute runs what the hook asks for to its end, which the driver's clock
	// has begin at now. An error is for what is wrong with the executor.
	Execute(h *jujusim.Hook, now time.Duration) (cost Cost, exit int, err error)
	// NextWake returns the next juju-exec of a process in the background, if
	// there is to be one before the driver's clock reads until. It may wait for
	// it, unless ctx is done.
	NextWake(ctx context.Context, until time.Duration) (Wake, bool)
}

// Wake is a juju-exec that a process in the background has made.
type Wake struct {
	At      time.Duration // by the driver's clock
	Unit    string
	Command string
	// Done tells the process that the command has run; it may be nil.
	Done func(exit int, now time.Duration)
}

// Ran is a hook, an action or a juju-exec command that has run.
type Ran struct {
	Run        jujusim.Run
	Begin, End time.Duration // by the driver's clock
	Cost       Cost
	Exit       int
	Writes     []jujusim.Write
}

// Driver runs all that the units of a model have to run until nothing is left.
type Driver struct {
	Model    *jujusim.Model
	Executor Executor
	// OnRun is told of everything that has run.
	OnRun func(Ran)

	now     time.Duration
	running map[string]*running
	waiting map[string]Wake // by the id of the juju-exec command
	ended   jujusim.Event   // the last that the model told of
	failed  error           // an action that failed
}

type running struct {
	hook *jujusim.Hook
	ran  Ran
}

const forever = time.Duration(math.MaxInt64)

// Now is the driver's clock.
func (d *Driver) Now() time.Duration { return d.now }

// Observe has to be the model's observer: a hook's writes are known from it.
func (d *Driver) Observe(e jujusim.Event) {
	switch {
	case e.Kind == jujusim.HookEnded:
		d.ended = e
	case e.Kind == jujusim.ActionEnded && e.Action.Status != jujusim.ActionCompleted:
		d.failed = fmt.Errorf("action %s on %s: %s: %s", e.Action.Name, e.Action.Unit, e.Action.Status, e.Action.Message)
	}
}

// Run runs everything. It stops with an error when a hook or an action fails.
func (d *Driver) Run(ctx context.Context) error {
	d.running, d.waiting = map[string]*running{}, map[string]Wake{}
	if err := d.beginAll(); err != nil {
		return err
	}
	for {
		next := d.first()
		until := forever
		if next != nil {
			until = next.ran.End
		}
		wake, ok := d.Executor.NextWake(ctx, until)
		var err error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case ok:
			err = d.wake(wake)
		case next == nil:
			return nil
		default:
			err = d.end(next)
		}
		if err != nil {
			return err
		}
	}
}

// first returns the hook that ends first.
func (d *Driver) first() *running {
	var next *running
	for _, r := range d.running {
		if next == nil || r.ran.End < next.ran.End ||
			r.ran.End == next.ran.End && r.ran.Run.Unit < next.ran.Run.Unit {
			next = r
		}
	}
	return next
}

func (d *Driver) wake(w Wake) error {
	d.now = max(d.now, w.At)
	id, err := d.Model.EnqueueExec(w.Unit, w.Command)
	if err != nil {
		return err
	}
	d.waiting[id] = w
	return d.begin(w.Unit)
}

// end commits what a unit has run. Only a commit gives the others something to
// do.
func (d *Driver) end(r *running) error {
	d.now = r.ran.End
	delete(d.running, r.ran.Run.Unit)
	if err := r.hook.Finish(r.ran.Exit); err != nil {
		return err
	}
	r.ran.Writes = d.ended.Writes
	if r.ran.Run.Kind == jujusim.ExecRun {
		if w := d.waiting[r.ran.Run.ID]; w.Done != nil {
			w.Done(r.ran.Exit, d.now)
		}
		delete(d.waiting, r.ran.Run.ID)
	}
	if r.ran.Exit != 0 {
		return fmt.Errorf("%s on %s exited with %d", r.ran.Run, r.ran.Run.Unit, r.ran.Exit)
	}
	if d.failed != nil {
		return d.failed
	}
	if d.OnRun != nil {
		d.OnRun(r.ran)
	}
	if len(r.ran.Writes) > 0 {
		return d.beginAll()
	}
	return d.begin(r.ran.Run.Unit)
}

func (d *Driver) beginAll() error {
	for _, unit := range d.Model.Units() {
		if err := d.begin(unit); err != nil {
			return err
		}
	}
	return nil
}

// begin begins what a unit has to run, if it is free. The process runs at once;
// what it writes is committed when the clock has come to its end.
func (d *Driver) begin(unit string) error {
	if d.running[unit] != nil {
		return nil
	}
	if _, ok := d.Model.Next(unit); !ok {
		return nil
	}
	hook, err := d.Model.Begin(unit)
	if err != nil {
		return err
	}
	cost, exit, err := d.Executor.Execute(hook, d.now)
	if err != nil {
		return err
	}
	d.running[unit] = &running{hook, Ran{Run: hook.Run(), Begin: d.now, End: d.now + cost.Wall, Cost: cost, Exit: exit}}
	return nil
}

// Settle has units run all that they have to run without running the charm, so
// that a model stands where a test is to begin.
func Settle(m *jujusim.Model, units ...string) error {
	for _, unit := range units {
		for {
			if _, ok := m.Next(unit); !ok {
				break
			}
			hook, err := m.Begin(unit)
			if err != nil {
				return err
			}
			if err := hook.Finish(0); err != nil {
				return err
			}
		}
	}
	return nil
}

// BeginsAttempt reports whether a hook-tool call is the one by which a charm says
// that an operation begins: status-set "Executing ...".
func BeginsAttempt(tool string, args []string) bool {
	if tool != "status-set" {
		return false
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "Executing") {
			return true
		}
	}
	return false
}
