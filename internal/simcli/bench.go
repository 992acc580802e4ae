package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/tests/cost/bench"
)

func newBench() *cobra.Command {
	var o bench.Options
	var output string
	cmd := &cobra.Command{
		Use:   "bench --charm DIR [--charm DIR ...]",
		Short: "Measure what a charm's hooks and rolls cost",
		Long: `Measure what a charm's hooks and whole rolls cost, one hook at a time.

It takes charms with the actions restart and failed-restart and the peer relation
restart of the charm rolling-ops. Several charms are measured in turn, so that
all see the same machine.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Progress = cmd.ErrOrStderr()
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			report, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if output != "" {
				if err := writeJSON(output, report); err != nil {
					return err
				}
			}
			return report.WriteTables(cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.CharmDirs, "charm", nil, "the charm's `directory`, with an executable dispatch in it")
	flags.StringArrayVar(&o.Env, "env", nil, "a `variable` for the environment of all hooks, as NAME=VALUE")
	flags.StringVar(&o.HookTool, "hook-tool", "", "the `program` to link to as every hook tool, such as Juju's own jujuc (default this one)")
	flags.IntSliceVar(&o.HookSizes, "units", []int{3, 10, 30, 100, 300, 1000}, "measure single hooks in applications of so many units")
	flags.IntSliceVar(&o.RollSizes, "rolls", []int{3, 10, 30}, "measure whole rolls of so many units")
	flags.IntVar(&o.Runs, "runs", 20, "how often each hook is run")
	flags.DurationVar(&o.Limit, "limit", 2*time.Minute, "the time after which a hook is not run more often, and within which a roll must be")
	flags.StringVar(&output, "json", "", "write all that was measured to this `file`, too")
	return cmd
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}
