package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"time"
)

const (
	defaultRetryMin = time.Second
	defaultRetryMax = time.Minute
	// patience is for how many looks a call may go on after others have asked for
	// the hook.
	patience = 3
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
	if err := o.validate(); err != nil {
		return fmt.Errorf("cannot run worker: %w", err)
	}
	due := dueAfter(delay)
	if o.Logger == nil {
		o.Logger = o.stderrLogger()
	}
	if o.RetryMin <= 0 {
		o.RetryMin = defaultRetryMin
	}
	if o.RetryMax <= 0 {
		o.RetryMax = defaultRetryMax
	}
	log := o.Logger.With("unit", o.Unit, "pid", os.Getpid())
	p, err := take(o, due)
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
	w := &worker{Options: o, post: p, log: log}
	if err := w.run(ctx, due); err != nil {
		log.Info("worker ends", "reason", err)
	} else {
		log.Info("worker ends", "reason", "the hook has run")
	}
	return nil
}

// dueAfter returns the boot time at which the delay is over.
func dueAfter(delay time.Duration) time.Duration {
	now := bootTime()
	return now + min(max(delay, 0), math.MaxInt64-now)
}

var (
	errGone    = errors.New("the charm directory is gone")
	errStopped = errors.New("stopped")
	// errForgotten is what becomes of a call that Juju has lost.
	errForgotten = errors.New("others asked for the hook and it does not come")
)

// A worker is the process at a unit's post.
type worker struct {
	Options
	post *post
	log  *slog.Logger
}

// run calls juju-exec when due, until that succeeds and nobody asked again. The
// error says why it ended before.
func (w *worker) run(ctx context.Context, due time.Duration) error {
	for pause := w.RetryMin; ; {
		if err := w.wait(ctx, due); err != nil {
			return err
		}
		w.log.Info("running the hook", "hook", Hook)
		err := w.callWithPatience(ctx)
		switch {
		case ctx.Err() != nil:
			return errStopped
		case err != nil:
			w.log.Warn("cannot run the hook, will try again", "error", err, "pause", pause)
			due = dueAfter(pause)
			pause = min(2*pause, w.RetryMax)
			continue
		}
		var again bool
		if due, again = w.post.leave(); !again {
			return nil
		}
		w.log.Info("hook has run and was asked for again")
		pause = w.RetryMin
	}
}

// callWithPatience is call, given up when others asked for the hook meanwhile
// and it goes on all the same. Juju forgets the commands that wait while it
// upgrades a charm: juju-exec would wait for ever, and the requests of all later
// hooks with it. If the command waits after all, the hook runs once more.
func (w *worker) callWithPatience(ctx context.Context) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	go func() {
		ticks := time.NewTicker(look)
		defer ticks.Stop()
		for asked := 0; asked < patience; {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				if w.post.asked() {
					asked++
				}
			}
		}
		giveUp(errForgotten)
	}()
	err := w.call(ctx)
	if err != nil && context.Cause(ctx) == errForgotten {
		return errForgotten
	}
	return err
}

// wait waits until due, or until an earlier time that others hand over.
func (w *worker) wait(ctx context.Context, due time.Duration) error {
	w.log.Info("waiting", "delay", (due - bootTime()).Round(time.Millisecond))
	for {
		if ctx.Err() != nil {
			return errStopped
		}
		if w.gone() {
			return errGone
		}
		left := due - bootTime()
		if left <= 0 {
			return nil
		}
		if other, ok := w.post.receive(ctx, min(left, look)); ok && other < due {
			due = other
			w.log.Info("brought forward", "delay", (due - bootTime()).Round(time.Millisecond))
		}
	}
}

// gone tells whether the unit was removed from this machine. A charm directory
// that cannot be examined for another reason is still there.
func (w *worker) gone() bool {
	_, err := os.Stat(w.CharmDir)
	return errors.Is(err, fs.ErrNotExist)
}
