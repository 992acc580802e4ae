package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"rolling-ops/internal/bootclock"
)

// look is how often a worker that waits looks whether its unit is still there
// and, as timers stand still while the machine sleeps, at the clock.
var look = 10 * time.Second

// Run is the worker program: it has the unit run the hook [Hook] after the
// delay, and again as long as that fails or others ask for it meanwhile. If
// the unit has a worker already, that one is given the due time and Run returns
// at once.
//
// It returns nil when the hook has run, when the charm directory is gone or
// when ctx is done; then a call in progress is killed. An error means that it
// could not even start to wait.
func Run(ctx context.Context, o Options, delay time.Duration) error {
	return runAs(ctx, o, message{due: dueAfter(delay)})
}

// RunWatch is Run, but that the hook does not run if CallOff says so first.
func RunWatch(ctx context.Context, o Options, delay time.Duration) error {
	return runAs(ctx, o, message{watchMessage, dueAfter(delay)})
}

func runAs(ctx context.Context, o Options, ask message) error {
	if err := o.validate(); err != nil {
		return fmt.Errorf("cannot run worker: %w", err)
	}
	if o.Logger == nil {
		o.Logger = o.stderrLogger()
	}
	log := o.Logger.With("unit", o.Unit, "pid", os.Getpid())
	p, err := take(o, ask)
	if err != nil {
		log.Warn("cannot look for another worker, may not be the only one", "error", err)
		if p, err = alone(); err != nil {
			return fmt.Errorf("cannot run worker: %w", err)
		}
	}
	if p == nil {
		return nil
	}
	defer p.close()
	if err := o.leaveAgent(ctx); err != nil {
		log.Warn("a restart of the agent will end this worker", "error", err)
	}
	w := &worker{Options: o, plan: Plan{RetryMin: o.RetryMin, RetryMax: o.RetryMax}, post: p, log: log}
	w.plan.tell(ask)
	if err := w.run(ctx); err != nil {
		log.Info("worker ends", "reason", err)
	} else {
		log.Info("worker ends", "reason", "the hook has run")
	}
	return nil
}

// maxDelay is more than anybody asks for, and fits into a message.
const maxDelay = 365 * 24 * time.Hour

// dueAfter returns the boot time at which the delay is over.
func dueAfter(delay time.Duration) time.Duration {
	now := bootclock.Now()
	return now + min(max(delay, 0), maxDelay)
}

var (
	errGone    = errors.New("the charm directory is gone")
	errStopped = errors.New("stopped")
	// errCalledOff is why a worker ends that nobody needs any more.
	errCalledOff = errors.New("called off")
	// errForgotten is what becomes of a call that Juju has lost.
	errForgotten = errors.New("others asked for the hook and it does not come")
)

// A worker is the process at a unit's post.
type worker struct {
	Options
	plan Plan
	post *post
	log  *slog.Logger
}

// run calls juju-exec as planned. The error says why it ended before nothing
// was left to do.
func (w *worker) run(ctx context.Context) error {
	for {
		if err := w.wait(ctx); err != nil {
			return err
		}
		w.log.Info("running the hook", "hook", Hook)
		w.plan.Begin()
		err := w.callWithPatience(ctx)
		if ctx.Err() != nil {
			return errStopped
		}
		now := bootclock.Now()
		if w.post.leave(&w.plan, now, err == nil) {
			return nil
		}
		if err != nil {
			due, _ := w.plan.Due()
			w.log.Warn("cannot run the hook, will try again", "error", err, "pause", due-now)
		} else {
			w.log.Info("hook has run and was asked for again")
		}
	}
}

// callWithPatience is call, given up when the plan says so.
func (w *worker) callWithPatience(ctx context.Context) error {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	ended := make(chan error, 1)
	go func() { ended <- w.call(ctx) }()
	looks := time.NewTicker(look)
	defer looks.Stop()
	for forgotten := false; ; {
		select {
		case err := <-ended:
			if err != nil && forgotten {
				return errForgotten
			}
			return err
		case <-looks.C:
			w.post.collect(&w.plan)
			if forgotten = w.plan.Look(); forgotten {
				giveUp()
			}
		}
	}
}

// wait waits until the next call is due, which others may bring forward.
func (w *worker) wait(ctx context.Context) error {
	w.log.Info("waiting", "delay", w.delay())
	for {
		if ctx.Err() != nil {
			return errStopped
		}
		if w.gone() {
			return errGone
		}
		due, ok := w.plan.Due()
		if !ok && w.post.resign(&w.plan) {
			return errCalledOff
		}
		left := due - bootclock.Now()
		if ok && left <= 0 {
			return nil
		}
		if other, got := w.post.receive(ctx, min(left, look)); got && w.plan.tell(other) {
			if other.kind == callOffMessage {
				w.log.Info("a look was called off")
			} else {
				w.log.Info("brought forward", "delay", w.delay())
			}
		}
	}
}

// delay returns how long it is until the next call, for the log.
func (w *worker) delay() time.Duration {
	due, _ := w.plan.Due()
	return (due - bootclock.Now()).Round(time.Millisecond)
}

// gone tells whether the unit was removed from this machine. A charm directory
// that cannot be examined for another reason is still there.
func (w *worker) gone() bool {
	_, err := os.Stat(w.CharmDir)
	return errors.Is(err, fs.ErrNotExist)
}
