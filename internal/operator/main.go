// Package operator is the program juju-rolling-ops: it shows an application's
// rolling-ops lock and rollouts, and drives them.
//
// It reads with the user's own juju, status and one show-unit, so it works
// while agents are dead and for users who may only read; it writes by running the
// charm's actions. The rules of rollouts are the charm's: nothing is decided
// here.
package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/internal/operator/juju"
)

// The exit codes.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitStands     = 3 // the rollout is paused, or nobody answers
	exitIncomplete = 4 // it has ended, some units are not done
	exitTimeout    = 5 // no longer waited for; it goes on
)

// exitError ends the program with a code. Its text, if it has one, is shown.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// description is what juju's help says of its plugin.
const description = "Show and drive rollouts of an application's units"

// Main runs the program and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	return Run(ctx, juju.Client{}, args, stdout, stderr, time.Now)
}

// Run runs the program with a juju of the caller's, and a clock.
func Run(ctx context.Context, client juju.Client, args []string, stdout, stderr io.Writer, now func() time.Time) int {
	s := &session{name: filepath.Base(args[0]), client: client, out: stdout, err: stderr, now: now}
	root := s.command()
	root.SetArgs(args[1:])
	root.SetOut(stdout)
	root.SetErr(stderr)
	called, err := root.ExecuteContextC(ctx)
	s.called = called.CommandPath()
	return s.exitCode(err)
}

func (s *session) exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var exit *exitError
	var pending *juju.PendingError
	switch {
	case errors.As(err, &exit):
		code = exit.code
	case errors.As(err, &pending) && pending.Canceled:
		code = exitStands
	case errors.As(err, &pending):
		code = exitTimeout
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	var refused *juju.FailedError
	text := err.Error()
	if errors.As(err, &refused) {
		text = s.style().InVerbs(text)
	}
	if text != "" {
		fmt.Fprintf(s.err, "ERROR %s\n", text)
	}
	if code == exitUsage {
		fmt.Fprintf(s.err, "See %s --help.\n", s.called)
	}
	return code
}

// session is one run of the program.
type session struct {
	name     string // as it was called
	called   string // the same with the verb
	out, err io.Writer
	now      func() time.Time

	client   juju.Client
	app      string
	options  string // that name the model and the application as the user did, for commands to type
	format   string
	all      bool
	waits    bool // run shows the rollout until it ends or needs a person
	interval time.Duration
	timeout  time.Duration
}

func (s *session) command() *cobra.Command {
	root := &cobra.Command{
		Use:   s.name,
		Short: description,
		Long: `Show and drive rollouts: one operation over all units of an application, one at a
time, in order, stopping where it must.

It runs your own juju, so it sees what you see with juju status. Reading works
while agents are dead and without the right to write.

Exit codes: 0 done; 1 error; 2 usage; 3 the rollout is paused, or nobody answers;
4 it has ended and some units are not done; 5 time is up, and it goes on.`,
		Example:       s.examples("plan", "run --pause-after first --wait", "status --watch", "resume"),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no %q%s", args[0], similar(cmd, args[0]))
			}
			return nil
		},
	}
	about := root.Flags().Bool("description", false, "print one line about this program, for juju")
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *about {
			_, err := fmt.Fprintln(s.out, description)
			return err
		}
		return cmd.Help()
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage("%v", err) })
	flags := root.PersistentFlags()
	flags.StringVarP(&s.client.Model, "model", "m", s.client.Model, "the model, as `[CONTROLLER:]MODEL` (default the current one, or JUJU_MODEL)")
	flags.StringVarP(&s.app, "app", "a", "", "the `application` (default the only one that rolls)")
	_ = root.RegisterFlagCompletionFunc("app", s.completeApps)
	root.AddCommand(s.planCommand(), s.runCommand(), s.statusCommand(), s.pauseCommand(), s.resumeCommand(), s.abortCommand(),
		s.historyCommand(), s.releaseCommand(), s.clearCommand(), s.metricsCommand())
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error { return s.check() }
	return root
}

// similar names verbs that somebody may have meant.
func similar(cmd *cobra.Command, word string) string {
	if verbs := cmd.SuggestionsFor(word); len(verbs) > 0 {
		return "; did you mean " + strings.Join(verbs, " or ") + "?"
	}
	return ""
}

// check looks at the options that all verbs have.
func (s *session) check() error {
	switch {
	case s.app != "" && !juju.ValidApp(s.app):
		return usage("%q can't be an application", s.app)
	case s.client.Model != "" && !juju.ValidModel(s.client.Model):
		return usage("%q can't be a model", s.client.Model)
	case s.format != "" && s.format != "table" && s.format != "json":
		return usage("--format is table or json, not %q", s.format)
	case s.timeout < 0:
		return usage("--timeout is negative")
	}
	if s.client.Model != "" {
		s.options += " -m " + s.client.Model
	}
	if s.app != "" {
		s.options += " --app " + s.app
	}
	return nil
}

// examples are command lines of this program.
func (s *session) examples(lines ...string) string {
	return "  " + s.name + " " + strings.Join(lines, "\n  "+s.name+" ")
}

func (s *session) formatFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.format, "format", "table", "table or json")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s does not take %q", cmd.Name(), args[0])
	}
	return nil
}
