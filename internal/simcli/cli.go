// Package cli is the command line of jujusim.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rolling-ops/jujusim/script"
)

// The exit codes of the command.
const (
	exitOK     = 0
	exitFailed = 1 // a step failed
	exitUsage  = 2 // a flag or the script can't be understood; nothing has run
)

// usageError is a mistake of the caller's: nothing has run.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the command with args and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "ERROR %v\n", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "jujusim",
		Short: "Run a charm on a simulated Juju model on this machine",
		Long: `Run a charm, in any language, on a simulated Juju model on this machine.

Every unit has an agent that executes the charm's dispatch for one hook, action
or juju-exec command at a time. The charm finds hook tools and juju-exec on its
PATH and cannot tell the difference to Juju: writes are committed when a hook has
succeeded, other units hear of them, failed hooks run again, leadership is a lease.
Nothing needs Juju, LXD or root, and nothing outside the working directory is touched
but by the charm itself.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q: there are run, shell, step, bench and steps", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newRun(), newShell(), newStep(), newBench(), &cobra.Command{
		Use:   "steps",
		Short: "List the steps that a script may have",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return script.Help(cmd.OutOrStdout()) },
	})
	return root
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s does not take %q", cmd.Name(), args[0])}
	}
	return nil
}

// stepsHelp is the list of steps, for help texts.
func stepsHelp() string {
	var b strings.Builder
	_ = script.Help(&b) // a Builder does not fail
	return b.String()
}
