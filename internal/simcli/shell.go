package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
	"rolling-ops/jujusim/jujulike"
	"rolling-ops/jujusim/script"
)

// shellOptions are the flags of jujusim shell.
type shellOptions struct {
	agent.Options
	units      int
	config     []string
	controller string
	model      string
}

// deployLimit is how long units may take to be deployed.
const deployLimit = 5 * time.Minute

func newShell() *cobra.Command {
	var o shellOptions
	cmd := &cobra.Command{
		Use:   "shell --charm DIR [-n UNITS] [-- COMMAND [ARGUMENT ...]]",
		Short: "Deploy a charm on a simulated model and look at it with juju",
		Long: `Deploy the charm of a directory on a new model and start your shell, or the command
that is named, with a program juju on PATH that asks this model. It answers
status, show-unit, run, show-task, cancel-task, exec, actions and config, as Juju's own
client does; programs that are written for juju work, too. For what Juju has no
command for, "jujusim step" carries out a step of a script, such as agent-stop.
The model ends with the shell.`,
		Example: `  jujusim shell --charm build/charm -n 5
  jujusim shell --charm build/charm -n 3 -- juju status`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.CharmDir == "":
				return usageError{errors.New("shell needs the directory of a charm: --charm DIR")}
			case o.units < 0 || o.units > script.MaxUnits:
				return usageError{fmt.Errorf("the number of units must be from 0 to %d", script.MaxUnits)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, cmd)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.CharmDir, "charm", "", "`directory` of the charm, with an executable dispatch in it")
	flags.IntVarP(&o.units, "units", "n", 3, "`number` of units to deploy")
	flags.StringVar(&o.App, "app", "", "`name` of the application (default the charm's)")
	flags.StringArrayVar(&o.config, "config", nil, "an `OPTION=VALUE` of the application")
	flags.StringArrayVar(&o.Env, "env", nil, "add `KEY=VALUE` to the environment of every hook; {unit-dir} and {unit} are replaced")
	flags.DurationVar(&o.UpdateStatus, "update-status", 5*time.Minute, "`time` between update-status hooks, give or take a fifth; 0 for none")
	flags.StringVar(&o.controller, "controller", "sim", "`name` that juju shows for the controller")
	flags.StringVar(&o.model, "model", "sim", "`name` that juju shows for the model")
	return cmd
}

// run deploys the charm and carries out the command meanwhile.
func (o *shellOptions) run(ctx context.Context, args []string, cmd *cobra.Command) (err error) {
	config, err := o.options()
	if err != nil {
		return usageError{err}
	}
	dir, err := os.MkdirTemp("", "jujusim-")
	if err != nil {
		return fmt.Errorf("cannot make working directory: %w", err)
	}
	defer os.RemoveAll(dir)
	o.Dir = filepath.Join(dir, "model")
	o.Env = append(charmfacts.Env(), o.Env...)
	cluster, err := agent.New(o.Options)
	if err != nil {
		return err
	}
	defer func() {
		_, closeErr := cluster.Close()
		err = errors.Join(err, closeErr)
	}()
	if err := o.deploy(ctx, cluster, config); err != nil {
		return err
	}
	socket := filepath.Join(dir, "juju.socket")
	server, err := jujulike.Serve(cluster, jujulike.Names{Controller: o.controller, Model: o.model}, socket, map[string]jujulike.Command{
		stepCommand: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			return doStep(ctx, cluster, args, stdout, stderr)
		},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	return o.exec(ctx, args, dir, socket, cmd)
}

func (o *shellOptions) options() (map[string]string, error) {
	config := make(map[string]string)
	for _, word := range o.config {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("--config takes OPTION=VALUE, not %q", word)
		}
		config[name] = value
	}
	return config, nil
}

func (o *shellOptions) deploy(ctx context.Context, cluster *agent.Cluster, config map[string]string) error {
	if err := cluster.SetConfig(config); err != nil {
		return err
	}
	for range o.units {
		if _, err := cluster.AddUnit(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, deployLimit)
	defer cancel()
	return cluster.WaitIdle(ctx, false)
}

// exec runs the command, or else the user's shell, with the program juju first on
// PATH, and then those that are beside this one.
func (o *shellOptions) exec(ctx context.Context, args []string, dir, socket string, cmd *cobra.Command) error {
	own, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find own program: %w", err)
	}
	programs := filepath.Join(dir, "bin")
	if err := jujulike.Link(programs, own); err != nil {
		return err
	}
	if len(args) == 0 {
		shell := os.Getenv("SHELL")
		if shell == "" {
			shell = "/bin/sh"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "A shell on a simulated model with %d units: juju asks it. The model ends with the shell.\n", o.units)
		args = []string{shell}
	}
	if err := os.Setenv("PATH", programs+":"+filepath.Dir(own)+":"+os.Getenv("PATH")); err != nil {
		return err
	}
	child := exec.Command(args[0], args[1:]...) // looked up on the new PATH
	child.Env = append(os.Environ(), jujulike.Socket+"="+socket)
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	err = child.Run()
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		return fmt.Errorf("%s ended with exit code %d", args[0], ended.ExitCode())
	}
	return err
}

// stepCommand is what the socket takes beside juju's own commands.
const stepCommand = "jujusim-step"

func newStep() *cobra.Command {
	return &cobra.Command{
		Use:     "step STEP [WORD ...]",
		Short:   "In a shell of jujusim, carry out a step of a script",
		Long:    "In a shell that jujusim has started, carry out a step that a script may have:\n\n" + stepsHelp(),
		Example: "  jujusim step agent-stop rolling-ops/2\n  jujusim step wait idle 60s",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("step takes a step of a script")}
			}
			return nil
		},
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := jujulike.Main(append([]string{"juju", stepCommand}, args...), cmd.OutOrStdout(), cmd.ErrOrStderr()); code != 0 {
				return fmt.Errorf("step %s failed", args[0])
			}
			return nil
		},
	}
}

// doStep carries out a step on the model of the shell.
func doStep(ctx context.Context, cluster *agent.Cluster, words []string, stdout, stderr io.Writer) int {
	steps, err := script.Parse("step", strings.NewReader(quote(words)))
	var said bytes.Buffer
	if err == nil {
		err = script.Run(ctx, cluster, steps, ".", &said)
	}
	for line := range strings.Lines(said.String()) {
		if !strings.HasPrefix(line, "> ") { // the step itself
			_, _ = io.WriteString(stdout, line)
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "ERROR %v\n", err)
		return exitFailed
	}
	return exitOK
}

// quote writes words as a line of a script.
func quote(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if strings.ContainsAny(word, " \t\n\"'\\#") || word == "" {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
