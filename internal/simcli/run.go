package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
	"rolling-ops/jujusim/script"
	"rolling-ops/jujusim/view"
)

// runOptions are the flags of jujusim run.
type runOptions struct {
	agent.Options
	units   int
	json    string
	keep    bool
	verbose bool
}

func newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run --charm DIR [-n UNITS] SCRIPT",
		Short: "Run a script of steps on a charm and show who ran what when",
		Long: `Deploy the charm of a directory on a new model and carry out the steps of a script,
or of standard input if it is "-". On a terminal a table shows what the units do
meanwhile. At the end a timeline with a lane for each unit shows who ran what when,
and whether any two ran at the same time.

Steps:

` + stepsHelp(),
		Example: `  jujusim run --charm ./my-charm -n 3 script.txt
  echo 'run all restart
  wait idle' | jujusim run --charm ./my-charm -n 5 -`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return usageError{errors.New("run takes one script, or - for standard input")}
			case o.CharmDir == "":
				return usageError{errors.New("run needs the directory of a charm: --charm DIR")}
			case o.units < 0 || o.units > script.MaxUnits:
				return usageError{fmt.Errorf("the number of units must be from 0 to %d", script.MaxUnits)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.CharmDir, "charm", "", "`directory` of the charm, with an executable dispatch in it")
	flags.IntVarP(&o.units, "units", "n", 0, "`number` of units to deploy before the script")
	flags.StringVar(&o.App, "app", "", "`name` of the application (default the charm's)")
	flags.StringArrayVar(&o.Env, "env", nil, "add `KEY=VALUE` to the environment of every hook; {unit-dir} and {unit} are replaced")
	flags.DurationVar(&o.UpdateStatus, "update-status", 5*time.Minute, "`time` between update-status hooks, give or take a fifth; 0 for none")
	flags.DurationVar(&o.RetryDelay, "retry-delay", 5*time.Second, "`time` until a failed hook runs again, doubled each time")
	flags.StringVar(&o.Dir, "workdir", "", "`directory` for the model: empty or new, with a short path (default a temporary one)")
	flags.BoolVar(&o.keep, "keep", false, "keep the working directory: logs, charms and state of the units")
	flags.StringVar(&o.json, "json", "", "write the full trace to `file`, as JSON")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "print every event of the trace as it happens")
	return cmd
}

// run carries out the script and shows the model, whatever becomes of it.
func (o *runOptions) run(ctx context.Context, path string, stdin io.Reader, stdout io.Writer) (err error) {
	steps, dir, err := o.steps(path, stdin)
	if err != nil {
		return usageError{err}
	}
	live, width := newLive(stdout)
	if o.verbose {
		o.Notify = func(e agent.Event) { fmt.Fprintln(live, describe(e)) }
	}
	o.Env = append(charmfacts.Env(), o.Env...)
	temporary := o.Dir == ""
	if temporary {
		if o.Dir, err = os.MkdirTemp("", "jujusim-"); err != nil {
			return fmt.Errorf("cannot make working directory: %w", err)
		}
	}
	if o.keep {
		fmt.Fprintf(live, "Working directory: %s\n", o.Dir)
	} else if temporary {
		defer os.RemoveAll(o.Dir)
	}
	cluster, err := agent.New(o.Options)
	if err != nil {
		return err
	}
	stopShowing := show(cluster, live)
	runErr := script.Run(ctx, cluster, steps, dir, live)
	stopShowing()
	live.Close()
	return errors.Join(runErr, o.report(cluster, stdout, width))
}

// steps reads the script, with the deployment that -n asks for in front. dir
// is where its relative paths start.
func (o *runOptions) steps(path string, stdin io.Reader) (steps []script.Step, dir string, err error) {
	if path == "-" {
		path, dir = "stdin", "."
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, "", fmt.Errorf("cannot read script: %w", err)
		}
		defer file.Close()
		stdin, dir = file, filepath.Dir(path)
	}
	steps, err = script.Parse(path, stdin)
	if err == nil && o.units > 0 {
		steps = append(script.Deployment(o.units), steps...)
	}
	return steps, dir, err
}

// report ends the model and shows what has been: the last state of the units,
// the timeline, and processes that were left. The trace goes to a file.
func (o *runOptions) report(cluster *agent.Cluster, stdout io.Writer, width int) error {
	status := cluster.Status()
	left, err := cluster.Close()
	timeline := view.NewTimeline(cluster.Trace(), cluster.UnitDir)
	fmt.Fprintln(stdout)
	err = errors.Join(err, view.WriteTable(stdout, view.Rows(status)))
	fmt.Fprintln(stdout)
	err = errors.Join(err, timeline.Write(stdout, width))
	for _, p := range left {
		fmt.Fprintf(stdout, "Ended a process that was left in the background: %v\n", p)
	}
	if o.json != "" {
		err = errors.Join(err, writeTrace(o.json, trace{status, timeline.Runs, timeline.Overlaps(), timeline.Silent, left, cluster.Trace()}))
	}
	return err
}

// trace is what --json writes.
type trace struct {
	Status   agent.Status    `json:"status"`
	Runs     []view.Span     `json:"runs"`
	Overlaps [][2]view.Span  `json:"overlaps"`
	Silent   []string        `json:"silent"` // units of which no run is known
	Left     []agent.Process `json:"left"`
	Events   []agent.Event   `json:"events"`
}

func writeTrace(path string, t trace) error {
	data, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write trace: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o640); err != nil {
		return fmt.Errorf("cannot write trace: %w", err)
	}
	return nil
}

// plainWidth is how wide the timeline is where there is no terminal.
const plainWidth = 100

// newLive returns a display on stdout, and how wide it is.
func newLive(stdout io.Writer) (*view.Live, int) {
	file, ok := stdout.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return view.NewLive(stdout, nil), plainWidth
	}
	size := func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 80, 24
		}
		return columns, rows
	}
	columns, _ := size()
	return view.NewLive(stdout, size), columns
}

// refreshEvery is the least time between two pictures of the table.
const refreshEvery = 50 * time.Millisecond

// show keeps the table up to date until the returned function is called.
func show(cluster *agent.Cluster, live *view.Live) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			changed := cluster.Changed()
			live.Update(view.Rows(cluster.Status()))
			select {
			case <-time.After(refreshEvery):
			case <-done:
				return
			}
			select {
			case <-changed:
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
	}
}

// describe is an event on one line.
func describe(e agent.Event) string {
	text := fmt.Sprintf("  %s %s %s", e.Time.Format("15:04:05.000"), e.Unit, e.Kind)
	for _, more := range []string{e.Hook, e.Remote, e.Status, e.Text} {
		if more != "" {
			text += " " + more
		}
	}
	if e.Code != 0 {
		text += fmt.Sprintf(" (exit code %d)", e.Code)
	}
	for _, w := range e.Writes {
		owner := w.Unit
		if owner == "" {
			owner = "the application"
		}
		for key := range w.Changes {
			text += fmt.Sprintf(" [%s of %s]", key, owner)
		}
	}
	return text
}
