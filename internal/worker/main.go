package worker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main is the worker program of a charm: its main is os.Exit(worker.Main(os.Args[1:])). It understands the arguments
// with which [Request] starts it, and returns the exit code. One binary can be dispatch and worker of a charm: see
// [Options.Program].
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var o Options
	flags := flag.NewFlagSet(Program, flag.ContinueOnError)
	flags.StringVar(&o.Unit, "unit-name", "", "the unit, such as app/0")
	flags.StringVar(&o.CharmDir, "charm-dir", "", "the unit's charm `directory`")
	flags.StringVar(&o.StateDir, "state-dir", "", "the `directory` for locks and log")
	flags.StringVar(&o.RunCmd, "run-cmd", "", "the `program` that runs a command in a unit's context (default juju-exec or juju-run)")
	delay := flags.Duration("delay", 0, "how long to wait first, such as 30s")
	watch := flags.Bool("watch", false, "let a later hook call it off")
	err := flags.Parse(args) // tells what is wrong, on standard error
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		err = fmt.Errorf("cannot run worker: unexpected argument %q", flags.Arg(0))
	case *watch:
		err = RunWatch(ctx, o, *delay)
	default:
		err = Run(ctx, o, *delay)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}
