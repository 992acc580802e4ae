package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// Hook is the name of the hook that the worker has the unit run.
	Hook = "rollingops_lock_granted"
	// Program is the name that the worker program has in a charm directory if
	// nothing else is said.
	Program = "worker"
)

// Options says whose worker it is and where things are.
type Options struct {
	// Unit is the unit's name, such as "app/0".
	Unit string
	// CharmDir is the absolute path of the unit's charm directory, which has
	// the program dispatch. The unit is gone when it is gone.
	CharmDir string
	// StateDir is the absolute path of the directory for locks and log. It is
	// made when missing, and may serve several units.
	StateDir string
	// Program is the worker program in the charm directory, and what stands in
	// front of the arguments that [Main] takes. If empty it is the program worker.
	// {"dispatch", "worker"} lets one binary be both.
	Program []string
	// RunCmd is the program that runs a command in a unit's context. If empty
	// it is juju-exec, or juju-run if there is none: on PATH or in /usr/bin.
	RunCmd string
	// Logger takes the steps of Run, and what Request has to warn of. If nil,
	// Run logs to standard error and Request nowhere.
	Logger *slog.Logger
	// RetryMin and RetryMax bound the pause after a failed call, see [Plan].
	RetryMin, RetryMax time.Duration
}

// Request has the unit run the hook [Hook] after the delay, and returns as soon
// as the worker program is started. If a worker of the unit already waits, the
// earlier of the two due times counts; if it is in the middle of its call, the
// delay counts from now and another call follows. The worker goes on when ctx
// is done or the calling process ends.
//
// An error means that nothing was started. Trouble with the state directory is
// none: it is logged as a warning, and the worker started all the same.
func Request(ctx context.Context, o Options, delay time.Duration) error {
	if err := o.validate(); err != nil {
		return fmt.Errorf("cannot ask for a later hook: %w", err)
	}
	return o.start(ctx, o.args(delay))
}

// RequestWatch is Request, but that a later call with a delay of 0 calls it off,
// and that one which is asked for like that already stays as it is. What Request
// has asked for is left alone.
func RequestWatch(ctx context.Context, o Options, delay time.Duration) error {
	if err := o.validate(); err != nil {
		return fmt.Errorf("cannot ask for a later hook: %w", err)
	}
	m := message{callOffMessage, 0}
	if delay > 0 {
		m = message{watchMessage, dueAfter(delay)}
	}
	told, err := handOver(o, m)
	if err != nil {
		o.logger().WarnContext(ctx, "cannot reach the worker", "error", err)
	}
	if told || delay <= 0 {
		return nil
	}
	return o.start(ctx, append(o.args(delay), "--watch"))
}

// start starts the worker program.
func (o Options) start(ctx context.Context, args []string) error {
	program := o.Program
	if len(program) == 0 {
		program = []string{Program}
	}
	cmd := exec.Command(filepath.Join(o.CharmDir, program[0]), slices.Concat(program[1:], args)...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	log, err := o.openLog()
	if err != nil {
		o.logger().WarnContext(ctx, "worker runs without a log", "error", err)
	} else {
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start the worker of %s: %w", o.Unit, err)
	}
	return cmd.Process.Release()
}

// args returns the arguments of the worker program.
func (o Options) args(delay time.Duration) []string {
	args := []string{
		"--unit-name", o.Unit,
		"--charm-dir", o.CharmDir,
		"--state-dir", o.StateDir,
		"--delay", max(delay, 0).String(),
	}
	if o.RunCmd != "" {
		args = append(args, "--run-cmd", o.RunCmd)
	}
	return args
}

// environment returns this process's environment without what Juju sets for
// one hook only: with JUJU_CONTEXT_ID, for one, juju-exec refuses to run.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "JUJU_") && !strings.HasPrefix(entry, "CHARM_DIR=") {
			env = append(env, entry)
		}
	}
	return env
}

// unitName is Juju's grammar of unit names: no part of an application's name is
// a number, so that "app-1" is unit app/1 and no application.
var unitName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*/(0|[1-9][0-9]*)$`)

func (o Options) validate() error {
	if !unitName.MatchString(o.Unit) {
		return fmt.Errorf("invalid unit name %q", o.Unit)
	}
	for _, dir := range []struct{ name, path string }{
		{"charm", o.CharmDir},
		{"state", o.StateDir},
	} {
		if !filepath.IsAbs(dir.path) {
			return fmt.Errorf("%s directory %q is not an absolute path", dir.name, dir.path)
		}
		if strings.ContainsRune(dir.path, 0) {
			return errors.New(dir.name + " directory has a NUL byte in its path")
		}
	}
	if strings.Contains(o.RunCmd, "/") && !filepath.IsAbs(o.RunCmd) {
		return fmt.Errorf("program %q is neither a name nor an absolute path", o.RunCmd)
	}
	return nil
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}
