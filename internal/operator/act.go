package operator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// answerWithin is how long an action may take to end. An agent that lives takes
// it up within seconds, unless it is in the middle of an operation of its own.
const answerWithin = time.Minute

// result is what an action of the rollouts has answered.
type result struct {
	Schema      int    `json:"schema"`
	Application string `json:"application"`
	Action      string `json:"action"`
	Unit        string `json:"unit"`
	Task        string `json:"task"`
	Changed     bool   `json:"changed"`
	Rollout     int    `json:"rollout,omitempty"`
	Token       string `json:"token,omitempty"`
	State       string `json:"state,omitempty"`
	Message     string `json:"message,omitempty"`
	Next        string `json:"next,omitempty"` // in words of the charm, which names its actions
}

// act runs an action on the leader and prints what it answers. p is what was read
// before.
func (s *session) act(ctx context.Context, p *picture.Picture, action string, params ...juju.Param) error {
	unit := s.app + "/leader"
	task, err := s.client.Run(ctx, unit, action, s.within(), params...)
	if err != nil {
		return s.explain(err, params)
	}
	id, _ := strconv.Atoi(task.Results[rollout.ResultRollout])
	r := result{
		Schema: picture.Schema, Application: s.app, Action: action, Unit: task.Unit, Task: task.ID,
		Changed: task.Results[rollout.ResultChanged] == "true", Rollout: id,
		Token: juju.Clean(task.Results[rollout.ResultToken]), State: juju.Clean(task.Results[rollout.ResultState]),
		Message: juju.Clean(task.Results[rollout.ResultMessage]), Next: juju.Clean(task.Results[rollout.ResultNext]),
	}
	if s.format == "json" {
		return s.printJSON(r)
	}
	message := r.Message
	if message == "" {
		message = action + " succeeded"
	}
	if r.Token != "" {
		message += " (token " + r.Token + ")"
	}
	style := s.style()
	if _, err := fmt.Fprintln(s.out, style.InVerbs(message)); err != nil || s.waits {
		return err
	}
	if leader := p.Unit(task.Unit); leader != nil && leader.Status == "error" {
		return style.Note(s.out, "Warning: ", fmt.Sprintf("a hook of the leader fails, and until that is mended it hears nobody: look with juju debug-log --include %s", leader.Name))
	}
	if r.Next == "" {
		return nil
	}
	return style.Note(s.out, "Next: ", r.Next)
}

func (s *session) within() time.Duration {
	if s.timeout > 0 {
		return min(s.timeout, answerWithin)
	}
	return answerWithin
}

// explain adds what an operator may not know to an error.
func (s *session) explain(err error, params []juju.Param) error {
	var pending *juju.PendingError
	expects := slices.ContainsFunc(params, func(p juju.Param) bool { return p.Name == rollout.ParamExpect })
	if errors.As(err, &pending) && !pending.Canceled && expects {
		return fmt.Errorf("%w\nIf it runs late it is refused, unless the rollout still is as it is now", err)
	}
	return err
}

// expecting is the token that the rollout has, or else a given one, as a parameter:
// an action that runs late does nothing to a rollout that has changed since.
func expecting(p *picture.Picture, expect string) []juju.Param {
	if expect == "" && p.Rollout != nil {
		expect = p.Rollout.Token
	}
	if expect == "" {
		return nil
	}
	return []juju.Param{juju.Text(rollout.ParamExpect, expect)}
}

// changeCommand is a verb that changes the rollout that is under way.
func (s *session) changeCommand(verb, action, short, long string, more func(*cobra.Command) func(*picture.Picture) ([]juju.Param, error), examples ...string) *cobra.Command {
	var expect string
	cmd := &cobra.Command{Use: verb, Short: short, Long: long, Example: s.examples(examples...), Args: noArgs}
	extra := func(*picture.Picture) ([]juju.Param, error) { return nil, nil }
	if more != nil {
		extra = more(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := rollout.ParseToken(expect); err != nil {
			return usage("--expect: %v", err)
		}
		p, err := s.picture(cmd.Context())
		if err != nil {
			return err
		}
		params, err := extra(p)
		if err != nil {
			return err
		}
		return s.act(cmd.Context(), p, action, append(expecting(p, expect), params...)...)
	}
	cmd.Flags().StringVar(&expect, "expect", "", "only if this is the rollout's `token` (default what it is now)")
	cmd.Flags().DurationVar(&s.timeout, "timeout", answerWithin, "how long to wait for the leader's answer, at most 1m")
	s.formatFlag(cmd)
	return cmd
}

func (s *session) pauseCommand() *cobra.Command {
	return s.changeCommand("pause", rollout.ActionPause, "Stop the rollout before its next unit",
		"Stop the rollout before its next unit. A unit that runs ends its attempt.", nil, "pause")
}

func (s *session) abortCommand() *cobra.Command {
	return s.changeCommand("abort", rollout.ActionAbort, "End the rollout for good",
		"End the rollout for good: no further unit has its turn, and nothing is tried again.\nA unit that runs ends its attempt. It also takes away a record that can't be read.", nil, "abort")
}

func (s *session) resumeCommand() *cobra.Command {
	return s.changeCommand("resume", rollout.ActionResume, "Go on with a rollout that is paused or waits",
		`Go on with a rollout that is paused: units that have failed are tried again. With
--skip the units named are left out; that also ends waiting for one that can't answer.`,
		func(cmd *cobra.Command) func(*picture.Picture) ([]juju.Param, error) {
			skip := cmd.Flags().String("skip", "", "leave out the units with these `numbers`, as 2 or 2,3, or names")
			_ = cmd.RegisterFlagCompletionFunc("skip", s.completeNumbers)
			return func(p *picture.Picture) ([]juju.Param, error) {
				units, err := parseUnits(p, "--skip", *skip)
				if err != nil || units == nil {
					return nil, err
				}
				return []juju.Param{juju.Text(rollout.ParamSkip, units.String())}, nil
			}
		}, "resume", "resume --skip 2")
}

// runOptions are the flags of run.
type runOptions struct {
	units, pauseAfter, reason string
	maxFailures, retries      int
	svg                       string
}

func (s *session) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [OPERATION] [NAME=VALUE ...]",
		Short: "Start a rollout",
		Long: `Start a rollout: the operation, restart unless another one is named, runs on one unit
after the other. NAME=VALUE are parameters of the operation.

With --wait it shows the rollout until it ends or needs a person, and its exit code
says which. Ctrl-C stops only the showing.`,
		Example: s.examples("run", "run --pause-after first --wait", "run restart delay=5 --units 4,2,0 --reason 'rotate CA'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(s.waits); err != nil {
				return err
			}
			words, err := operationOf(args)
			if err != nil {
				return err
			}
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			params, err := o.params(cmd, p)
			if err != nil {
				return err
			}
			if err := s.act(cmd.Context(), p, rollout.ActionStart, append(words, params...)...); err != nil || !s.waits {
				return err
			}
			return s.watch(cmd.Context(), o.svg)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.units, "units", "", unitsHelp)
	_ = cmd.RegisterFlagCompletionFunc("units", s.completeNumbers)
	flags.StringVar(&o.pauseAfter, "pause-after", "none", "pause after the `first` unit that is done, after each, or none")
	_ = cmd.RegisterFlagCompletionFunc("pause-after", cobra.FixedCompletions([]string{"none", "first", "each"}, cobra.ShellCompDirectiveNoFileComp))
	flags.IntVar(&o.maxFailures, "max-failures", 0, "go on while no more than this `number` of units have failed")
	flags.IntVar(&o.retries, "retries", 2, "`number` of further attempts of a unit that fails")
	flags.StringVar(&o.reason, "reason", "", "a `text` for those who see the rollout; everybody who may read the model does")
	flags.BoolVar(&s.waits, "wait", false, "show the rollout until it ends or needs a person")
	s.waitFlags(cmd, "how long to wait; 0 for as long as it takes", 0)
	flags.StringVar(&o.svg, "svg", "", "with --wait, draw the rollout into this `file`")
	s.formatFlag(cmd)
	return cmd
}

var paramName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// operationOf are the operation and its parameters, as start-rollout takes them.
func operationOf(args []string) ([]juju.Param, error) {
	var params []juju.Param
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		params, args = append(params, juju.Text(rollout.ParamOperation, args[0])), args[1:]
	}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || !paramName.MatchString(name) {
			return nil, usage("%q is no parameter of an operation: one looks like delay=5", arg)
		}
		params = append(params, juju.Param{Name: name, Value: value})
	}
	return params, nil
}

func (o *runOptions) check(waits bool) error {
	switch {
	case o.pauseAfter != "none" && o.pauseAfter != "first" && o.pauseAfter != "each":
		return usage("--pause-after is none, first or each, not %q", o.pauseAfter)
	case o.maxFailures < 0 || o.retries < 0:
		return usage("--max-failures and --retries can't be negative")
	case len(o.reason) > rollout.MaxReason:
		return usage("--reason has %d bytes, and may have %d", len(o.reason), rollout.MaxReason)
	case o.svg != "" && !waits:
		return usage("--svg needs --wait")
	}
	return nil
}

// params are those of start-rollout that flags say. What they do not is left to the
// charm.
func (o *runOptions) params(cmd *cobra.Command, p *picture.Picture) ([]juju.Param, error) {
	var params []juju.Param
	units, err := parseUnits(p, "--units", o.units)
	if err != nil {
		return nil, err
	}
	changed := cmd.Flags().Changed
	if changed("units") && units != nil {
		params = append(params, juju.Text(rollout.ParamUnits, units.String()))
	}
	if changed("pause-after") {
		params = append(params, juju.Text(rollout.ParamPauseAfter, o.pauseAfter))
	}
	if changed("max-failures") {
		params = append(params, juju.Number(rollout.ParamMaxFailures, o.maxFailures))
	}
	if changed("retries") {
		params = append(params, juju.Number(rollout.ParamRetries, o.retries))
	}
	if changed("reason") {
		params = append(params, juju.Text(rollout.ParamReason, o.reason))
	}
	return params, nil
}

func (s *session) releaseCommand() *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Take the lock from a unit that will not come back",
		Long: `Take the lock from the unit that holds it and that will not end on its own. If it
still works, the next unit starts at the same time: make sure that it does not.
A rollout is paused, and goes on without the unit when it is resumed.`,
		Example: s.examples("release --accept-two-at-once"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.picture(cmd.Context())
			switch {
			case err != nil:
				return err
			case p.Lock.Holder == "":
				_, err := fmt.Fprintln(s.out, "Nobody holds the lock: nothing to do.")
				return err
			case !accept:
				return usage("%s holds the lock. Make sure that it runs nothing, then add --accept-two-at-once", p.Lock.Holder)
			}
			task, err := s.client.Run(cmd.Context(), s.app+"/leader", "release-lock", s.within(), juju.Param{Name: "accept-two-at-once", Value: "true"})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "The lock was taken from %s (task %s).\n", juju.Clean(task.Results["released"]), task.ID)
			return err
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-two-at-once", false, "you have made sure that the holder runs nothing")
	cmd.Flags().DurationVar(&s.timeout, "timeout", answerWithin, "how long to wait for the leader's answer, at most 1m")
	return cmd
}

// dropped tells what clear-queue answers: a number, or that it could not be read.
func dropped(number, unit string) string {
	switch number {
	case "1":
		return "1 operation of " + unit + " was dropped"
	case "unknown":
		return "What was queued on " + unit + " could not be read, and was dropped"
	}
	return number + " operations of " + unit + " were dropped"
}

func (s *session) clearCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "clear UNIT",
		Short:   "Drop the operations that wait on a unit",
		Long:    "Drop all operations that wait on a unit, also when its queue can't be read. An attempt that runs is not interrupted.",
		Example: s.examples("clear rolling-ops/2"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !juju.ValidUnit(args[0]) || strings.HasSuffix(args[0], "/leader") {
				return usage("clear takes one unit, as rolling-ops/2")
			}
			return nil
		},
		ValidArgsFunction: s.completeUnits,
		RunE: func(cmd *cobra.Command, args []string) error {
			task, err := s.client.Run(cmd.Context(), args[0], "clear-queue", s.within())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "%s (task %s).\n", dropped(juju.Clean(task.Results["dropped"]), args[0]), task.ID)
			return err
		},
	}
	cmd.Flags().DurationVar(&s.timeout, "timeout", answerWithin, "how long to wait for the unit's answer, at most 1m")
	return cmd
}
