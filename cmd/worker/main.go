// Command worker has a Juju unit run the hook rollingops_lock_granted after a
// delay. A hook starts it in the background; see package worker.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/internal/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o worker.Options
	var delay time.Duration
	var watch bool
	cmd := &cobra.Command{
		Use:   "worker --unit-name UNIT --charm-dir DIR --state-dir DIR",
		Short: "Have a Juju unit run the hook " + worker.Hook + " after a delay",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if watch {
				return worker.RunWatch(cmd.Context(), o, delay)
			}
			return worker.Run(cmd.Context(), o, delay)
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Unit, "unit-name", "", "the unit, such as app/0")
	flags.StringVar(&o.CharmDir, "charm-dir", "", "the unit's charm `directory`")
	flags.StringVar(&o.StateDir, "state-dir", "", "the `directory` for locks and log")
	flags.StringVar(&o.RunCmd, "run-cmd", "", "the `program` that runs a command in a unit's context (default juju-exec or juju-run)")
	flags.DurationVar(&delay, "delay", 0, "how long to wait first, such as 30s")
	flags.BoolVar(&watch, "watch", false, "let a later hook of the unit call it off")
	return cmd
}
