package charm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/text"
)

// serviceTimeout is how long systemctl may take for one service. systemd
// itself gives up earlier, unless a service is configured to take its time.
const serviceTimeout = 10 * time.Minute

// task is one program that an operation runs.
type task struct {
	name   string // in the note of what is done
	argv   []string
	limit  time.Duration
	done   string // what the log says
	failed string // what an error begins with
	// othersFirst is an exit code that is no failure: others go first. 0 for none.
	othersFirst int
}

// works are the operations that a health check follows, by the names under which
// they stand in the queues. Each does what it is for, going on where it
// stopped before, and reports whether that is over.
var works = map[string]func(*hook, context.Context, *progress, arguments) (over bool, err error){
	restart: func(h *hook, ctx context.Context, p *progress, a arguments) (bool, error) {
		return h.runTasks(ctx, p, a, h.services("restart", "restart"))
	},
	reload: func(h *hook, ctx context.Context, p *progress, a arguments) (bool, error) {
		return h.runTasks(ctx, p, a, h.services("reload", "reload-or-restart"))
	},
	runCommand: (*hook).command,
	reboot:     (*hook).reboot,
}

// callback is an operation of works as the library calls it. A unit that does not
// get well keeps the lock, so that no other unit follows it: the roll stops there
// until the unit recovers.
func (h *hook) callback(operation string) rollingops.Callback {
	return func(ctx context.Context, args codec.Args) (rollingops.Result, error) {
		p := h.progressOf(h.operation)
		if config, err := h.config(ctx); err == nil && config.err != nil {
			h.Log.Error("cannot "+plain(operation)+" before the configuration can be used, keeping the lock", "error", config.err)
			return rollingops.Await, nil
		}
		a, err := h.start(ctx, operation, args, !p.goesOn())
		if err != nil {
			return h.dropIfUnusable(operation, err)
		}
		over := false
		if err = h.prepare(ctx, &p); err == nil {
			over, err = works[operation](h, ctx, &p, a)
		}
		switch {
		case err != nil:
			return h.failed(ctx, operation, args, p, err)
		case !over:
			h.keep(p)
			return rollingops.Continue, nil
		}
		// The note stays: the hook may fail yet, and then nothing is to be done again.
		p.Since, p.Well, p.Asked, p.Reason = time.Time{}, time.Time{}, time.Time{}, ""
		h.keep(p)
		h.record(operation+":done", args.Map())
		return rollingops.Release, nil
	}
}

// failed ends an attempt that came to nothing.
func (h *hook) failed(ctx context.Context, operation string, args codec.Args, p progress, err error) (rollingops.Result, error) {
	p.Since, p.Well, p.Asked = time.Time{}, time.Time{}, time.Time{}
	p.Reason = text.Cut(err.Error(), maxReason)
	h.keep(p)
	if ctx.Err() != nil && !p.Touched {
		return h.stopped(ctx, operation, args) // others may go first
	}
	h.failure = err.Error()
	log := h.Log.With("error", err)
	if output := outputOf(err); output != "" {
		log = log.With("output", output)
	}
	if errors.As(err, new(putOff)) {
		log.Warn(plain(operation) + " put off, others go first")
		h.record(operation+":retry_release", args.Map())
		return rollingops.RetryRelease, err
	}
	log.Error(plain(operation) + " failed, keeping the lock")
	h.record(operation+":retry_hold", args.Map())
	return rollingops.RetryHold, err
}

// prepare takes the configuration that this attempt uses.
func (h *hook) prepare(ctx context.Context, p *progress) error {
	config, err := h.config(ctx)
	if err != nil {
		return err
	}
	p.Config = config.fingerprint
	return nil
}

// services are the tasks of having systemctl do something to each service.
func (h *hook) services(what, verb string) []task {
	var tasks []task
	for _, service := range h.conf.Services {
		tasks = append(tasks, task{name: service, argv: []string{"systemctl", verb, service}, limit: serviceTimeout,
			done: "service " + what + "ed", failed: "cannot " + what + " " + service})
	}
	return tasks
}

// tempFail is the exit code, EX_TEMPFAIL, with which a command says that it can't
// do its work now and that other units may go first.
const tempFail = 75

// putOff is the error of a task that lets others go first.
type putOff struct{ error }

func (e putOff) Unwrap() error { return e.error }

// command runs the command of the configuration, never one that came from another
// machine.
func (h *hook) command(ctx context.Context, p *progress, a arguments) (over bool, err error) {
	var tasks []task
	if len(h.conf.Command) > 0 {
		tasks = []task{{name: "command", argv: h.conf.Command, limit: h.conf.CommandTimeout,
			done: "command succeeded", failed: "the command failed", othersFirst: tempFail}}
	} else {
		h.Log.Warn("the option command has nothing to run on this unit")
	}
	return h.runTasks(ctx, p, a, tasks)
}

// runTasks runs what is left of the tasks, and then waits until the unit is well.
// When all were done already and the unit was not well, it looks first whether the
// unit is by now: a service that only needed longer is not stopped again.
func (h *hook) runTasks(ctx context.Context, p *progress, a arguments, tasks []task) (over bool, err error) {
	if p.goesOn() {
		return h.becomeWell(ctx, p, h.check())
	}
	if p.done(tasks) {
		err := h.look(ctx)
		if err == nil {
			h.Log.Info("the unit is well by now, nothing is done again")
			return h.becomeWell(ctx, p, h.check())
		}
		if ctx.Err() != nil {
			return false, err
		}
		p.Done = nil
	}
	if err := h.preCheck(ctx, *p); err != nil {
		return false, err
	}
	for _, t := range tasks {
		if slices.Contains(p.Done, t.name) {
			continue
		}
		p.Touched = true
		h.keep(*p)
		if err := h.program(ctx, t.limit, t.argv...); err != nil {
			if t.othersFirst != 0 && exitCode(err) == t.othersFirst {
				err = putOff{err}
			}
			return false, fmt.Errorf("%s: %w", t.failed, err)
		}
		h.Log.Info(t.done, "name", t.name)
		p.Done = append(p.Done, t.name)
		h.keep(*p)
	}
	if err := h.Sleep(ctx, a.delay()); err != nil {
		return false, err
	}
	return h.becomeWell(ctx, p, h.check())
}

// preCheck runs the pre-check before anything is stopped. Afterwards it would
// tell of the very unit that is down.
func (h *hook) preCheck(ctx context.Context, p progress) error {
	if len(h.conf.PreCheck) == 0 || p.Touched {
		return nil
	}
	if err := h.program(ctx, maxCheckTry, h.conf.PreCheck...); err != nil {
		return fmt.Errorf("pre-check failed, nothing was stopped: %w", err)
	}
	h.Log.Info("pre-check passed")
	return nil
}

// commandError is a failed command, with the end of what it wrote.
type commandError struct {
	err    error
	output string
}

func (e *commandError) Error() string { return e.err.Error() }
func (e *commandError) Unwrap() error { return e.err }

// exitCode is that of the program behind an error, -1 for none.
func exitCode(err error) int {
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// program runs a program. Its arguments, which may be secret, go to no log.
func (h *hook) program(ctx context.Context, limit time.Duration, argv ...string) error {
	output, err := h.Commands.Run(ctx, limit, argv...)
	if err != nil {
		return &commandError{err: err, output: output}
	}
	return nil
}

// outputOf is what the failed command behind an error wrote, "" for none.
func outputOf(err error) string {
	if failed := (*commandError)(nil); errors.As(err, &failed) {
		return failed.output
	}
	return ""
}
