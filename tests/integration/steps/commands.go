package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"

	"rolling-ops/internal/operator"
)

// call is one step of a script.
type call struct {
	*Script
	ts   *testscript.TestScript
	neg  bool // the step has to fail
	args []string
}

// command is what a step does. usage is what follows the name.
type command struct {
	usage   string
	min     int  // arguments
	max     int  // arguments; -1 for any number
	canFail bool // may have a ! in front
	run     func(ctx context.Context, c *call) error
}

func commands() map[string]func(*testscript.TestScript, bool, []string) {
	table := map[string]command{
		"deploy":          {"N [charm=NAME] [OPTION=VALUE...]", 1, -1, false, deploy},
		"run":             {"UNITS ACTION [PARAM=VALUE...] [&]", 2, -1, true, runAction},
		"juju-exec":       {"UNIT COMMAND", 2, 2, true, jujuExec},
		"config":          {"OPTION=VALUE...", 1, -1, false, config},
		"principals":      {"APP=N...", 1, -1, false, principals},
		"add-unit":        {"[N] | APP [N]", 0, 2, false, addUnit},
		"remove-unit":     {"UNIT [--force]", 1, 2, false, removeUnit},
		"remove-relation": {"APP", 1, 1, false, removeRelation},
		"refresh":         {"CHARM", 1, 1, false, refresh},
		"set-databag":     {"UNIT KEY VALUE", 3, 3, false, setDatabag},
		"attempt-ended":   {"UNIT", 1, 1, false, attemptHasEnded},

		"juju-rolling-ops": {"[exit=N] [ARGUMENT...]", 0, -1, true, rollingOps},

		"expect": {"CONDITION...", 1, -1, true, expect},
		"await":  {"CONDITION...", 1, -1, true, await},

		"elect":         {"UNIT [--now]", 1, 2, false, elect},
		"kill-hook":     {"UNIT", 1, 1, false, onUnit(HookKiller.KillHook)},
		"kill-worker":   {"UNIT", 1, 1, false, onUnit(WorkerKiller.KillWorker)},
		"reboot":        {"UNIT [--stay-down]", 1, 2, false, reboot},
		"stay-down":     {"UNIT", 1, 1, false, onUnit(Rebooter.StayDown)},
		"boot":          {"UNIT", 1, 1, false, onUnit(Rebooter.Boot)},
		"agent-stop":    {"UNIT", 1, 1, false, onUnit(AgentStopper.StopAgent)},
		"agent-start":   {"UNIT", 1, 1, false, onUnit(AgentStopper.StartAgent)},
		"update-status": {"UNIT", 1, 1, false, onUnit(Ticker.UpdateStatus)},
	}
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, cmd := range table {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			n := len(args)
			if n < cmd.min || cmd.max >= 0 && n > cmd.max {
				ts.Fatalf("usage: %s %s", name, cmd.usage)
			}
			if neg && !cmd.canFail {
				ts.Fatalf("there is no ! %s", name)
			}
			script := ScriptOf(ts)
			ctx, cancel := context.WithTimeout(context.Background(), script.limit)
			defer cancel()
			ts.Check(cmd.run(ctx, &call{Script: script, ts: ts, neg: neg, args: args}))
		}
	}
	return cmds
}

var errNoSuchStep = errors.New("the model that this script runs on has no such step")

// onUnit returns what a step does that needs more than a Backend, on a unit.
func onUnit[B any](do func(b B, ctx context.Context, unit string) error) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		backend, ok := c.backend.(B)
		if !ok {
			return errNoSuchStep
		}
		unit, err := c.Unit(c.args[0])
		if err != nil {
			return err
		}
		return do(backend, ctx, unit)
	}
}

func deploy(ctx context.Context, c *call) error {
	n, err := strconv.Atoi(c.args[0])
	if err != nil || n < 1 {
		return fmt.Errorf("cannot deploy %q units", c.args[0])
	}
	d := Deployment{Charm: RollingOps, Units: n}
	if d.Config, err = assignments(c.args[1:]); err != nil {
		return err
	}
	if name, ok := d.Config["charm"]; ok {
		d.Charm = Charm(name)
		delete(d.Config, "charm")
	}
	sum := 0
	for _, p := range c.principals {
		sum += p.Units
	}
	if d.Principals = c.principals; len(d.Principals) > 0 && sum != n {
		return fmt.Errorf("cannot deploy %d units beside %d of principals", n, sum)
	}
	if err := c.backend.Deploy(ctx, d); err != nil {
		return err
	}
	c.wanted = n
	if err := c.await(ctx, c.ready, false); err != nil {
		return err
	}
	c.nameUnits()
	return nil
}

// nameUnits lets the script write $leader, $follower1 and so on for the units'
// names, where it can't write them for themselves: in the parameters of actions.
func (c *call) nameUnits() {
	for _, n := range c.names {
		c.ts.Setenv(n.role, n.unit)
	}
}

func config(ctx context.Context, c *call) error {
	options, err := assignments(c.args)
	if err != nil {
		return err
	}
	return c.backend.SetConfig(ctx, options)
}

// principals says what the next deployment is integrated with.
func principals(_ context.Context, c *call) error {
	if _, ok := c.backend.(Subordinator); !ok {
		return errNoSuchStep
	}
	for _, arg := range c.args {
		app, count, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not APP=N", arg)
		}
		c.principals = append(c.principals, Principal{App: app, Units: n})
	}
	return nil
}

func addUnit(ctx context.Context, c *call) error {
	args, app := c.args, ""
	if len(c.principals) > 0 {
		if len(args) == 0 {
			return errors.New("usage: add-unit APP [N], of a subordinate charm")
		}
		app, args = args[0], args[1:]
	}
	n := 1
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil || n < 1 || len(args) > 1 {
			return fmt.Errorf("cannot add %q units", args)
		}
	}
	c.wanted += n
	var err error
	if app != "" {
		err = c.backend.(Subordinator).AddPrincipalUnits(ctx, app, n)
	} else {
		err = c.backend.AddUnits(ctx, n)
	}
	if err != nil {
		return err
	}
	err = c.await(ctx, func(seen snapshot) error {
		return same("units", strconv.Itoa(len(seen.Units)), strconv.Itoa(c.wanted))
	}, false)
	c.nameUnits()
	return err
}

func removeUnit(ctx context.Context, c *call) error {
	name, force, err := c.nameAnd("--force")
	if err != nil {
		return err
	}
	if app, _, ok := strings.Cut(name, "/"); ok && app != Application && len(c.principals) > 0 {
		c.wanted--
		return c.backend.(Subordinator).RemovePrincipalUnit(ctx, name, force)
	}
	unit, err := c.Unit(name)
	if err != nil {
		return err
	}
	c.wanted--
	return c.backend.RemoveUnit(ctx, unit, force)
}

func removeRelation(ctx context.Context, c *call) error {
	backend, ok := c.backend.(Subordinator)
	if !ok {
		return errNoSuchStep
	}
	seen, err := c.look(ctx, false)
	if err != nil {
		return err
	}
	for _, u := range seen.Units {
		if strings.HasPrefix(u.Principal, c.args[0]+"/") {
			c.wanted--
		}
	}
	return backend.RemoveRelation(ctx, c.args[0])
}

func reboot(ctx context.Context, c *call) error {
	backend, ok := c.backend.(Rebooter)
	if !ok {
		return errNoSuchStep
	}
	unit, stayDown, err := c.unitAnd("--stay-down")
	if err == nil && stayDown {
		err = backend.StayDown(ctx, unit)
	}
	if err != nil {
		return err
	}
	return backend.Reboot(ctx, unit)
}

func elect(ctx context.Context, c *call) error {
	backend, ok := c.backend.(Elector)
	if !ok {
		return errNoSuchStep
	}
	unit, now, err := c.unitAnd("--now")
	if err != nil {
		return err
	}
	return backend.Elect(ctx, unit, now)
}

// nameAnd reads the arguments NAME [FLAG], in either order.
func (c *call) nameAnd(flag string) (name string, given bool, err error) {
	args := slices.DeleteFunc(slices.Clone(c.args), func(arg string) bool { return arg == flag })
	if len(args) != 1 {
		return "", false, fmt.Errorf("expected UNIT [%s], got %q", flag, c.args)
	}
	return args[0], len(c.args) > 1, nil
}

// unitAnd reads the arguments UNIT [FLAG], in either order.
func (c *call) unitAnd(flag string) (unit string, given bool, err error) {
	name, given, err := c.nameAnd(flag)
	if err == nil {
		unit, err = c.Unit(name)
	}
	return unit, given, err
}

func refresh(ctx context.Context, c *call) error {
	return c.backend.Refresh(ctx, Charm(c.args[0]))
}

func setDatabag(ctx context.Context, c *call) error {
	unit, err := c.Unit(c.args[0])
	if err != nil {
		return err
	}
	command := fmt.Sprintf(`relation-set -r "$(relation-ids restart)" %s`, shellQuote(c.args[1]+"="+c.args[2]))
	result, err := c.backend.Exec(ctx, unit, command)
	if err != nil {
		return err
	}
	if result.Code != 0 {
		return fmt.Errorf("relation-set on %s exited with %d: %s", unit, result.Code, result.Stderr)
	}
	return nil
}

func attemptHasEnded(_ context.Context, c *call) error {
	unit, err := c.Unit(c.args[0])
	c.ended = append(c.ended, Transition{Time: time.Now(), Unit: unit, Event: attemptEnded})
	return err
}

func jujuExec(ctx context.Context, c *call) error {
	unit, err := c.Unit(c.args[0])
	if err != nil {
		return err
	}
	result, err := c.backend.Exec(ctx, unit, c.args[1])
	if err != nil {
		return err
	}
	fmt.Fprint(c.ts.Stdout(), result.Stdout)
	fmt.Fprint(c.ts.Stderr(), result.Stderr)
	if failed := result.Code != 0; failed != c.neg {
		return fmt.Errorf("the command exited with %d on %s", result.Code, unit)
	}
	return nil
}

// rollingOps runs the operators' program on the model.
func rollingOps(ctx context.Context, c *call) error {
	backend, ok := c.backend.(Operated)
	if !ok {
		return errNoSuchStep
	}
	args, want := c.args, -1
	if len(args) > 0 && strings.HasPrefix(args[0], "exit=") {
		n, err := strconv.Atoi(strings.TrimPrefix(args[0], "exit="))
		if err != nil {
			return fmt.Errorf("%s is no exit code", args[0])
		}
		args, want = args[1:], n
	}
	args = append([]string{"juju-rolling-ops"}, args...)
	code := operator.Run(ctx, backend.Juju(), args, c.ts.Stdout(), c.ts.Stderr(), time.Now)
	if want >= 0 && code != want || want < 0 && (code != 0) != c.neg {
		return fmt.Errorf("juju-rolling-ops exited with %d", code)
	}
	return nil
}

// assignments reads KEY=VALUE arguments.
func assignments(args []string) (map[string]string, error) {
	values := map[string]string{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is not KEY=VALUE", arg)
		}
		if _, ok := values[key]; ok {
			return nil, fmt.Errorf("%s is given twice", key)
		}
		values[key] = value
	}
	return values, nil
}

// params reads the parameters of an action.
func params(args []string) (map[string]any, error) {
	texts, err := assignments(args)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for key, text := range texts {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("cannot read parameter %s: %w", key, err)
		}
		values[key] = value
	}
	return values, nil
}

func splitList(list string) []string { return strings.Split(list, ",") }

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
