package script

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"rolling-ops/internal/unitname"
	"rolling-ops/jujusim/agent"
)

// command is a kind of step.
type command struct {
	name  string
	args  string // usage, without the name
	help  string
	flags []string
	min   int // words
	max   int // words; -1 for any number
	// prepare checks the arguments and returns what carries the step out.
	prepare func(arguments) (func(*run) error, error)
}

func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

// The steps, by subject. Filled by init since help refers to it.
var commands []command

func init() {
	commands = []command{
		{"deploy", "[N]", "add the first N units (1)", nil, 0, 1, deploy},
		{"principals", "APP[=N]...", "of a subordinate charm, in place of deploy: N units (1) of each application that it is integrated with, and one of its own beside each", nil, 1, -1, principals},
		{"add-unit", "[N] | APP [N]", "add N units (1); of a subordinate charm: to the application APP, one of its own beside each", nil, 0, 2, addUnits},
		{"remove-unit", "UNIT [--force] [--no-departed]", "remove a unit, of a subordinate charm a principal's with the one beside it; by force at once, with all its processes; no-departed: the others do not hear of it until their agents restart", []string{"--force", "--no-departed"}, 1, 1, removeUnit},
		{"remove-relation", "APP", "end the integration with a principal application: the units beside its units leave", nil, 1, 1, removeRelation},
		{"run", "UNITS ACTION [KEY=VALUE...] [&]", "run an action on units at once and wait for it; with & do not wait", nil, 2, -1, runAction},
		{"juju-exec", "UNIT COMMAND", "run a shell command in a unit's hook context", nil, 2, 2, execCommand},
		{"config", "KEY=VALUE...", "set options of the application", nil, 1, -1, setConfig},
		{"refresh", "DIR", "upgrade to the charm in a directory", nil, 1, 1, refresh},
		{"resolve", "UNIT", "run the hook in error again at once", nil, 1, 1, onAgent((*agent.Cluster).Resolve)},
		{"update-status", "UNITS", "have units run update-status", nil, 1, 1, onUnits(func(r *run, unit string) error { return r.cluster.UpdateStatus(unit) })},
		{"set-databag", "UNIT KEY VALUE", "write a unit's databag behind the charm's back; '' deletes", nil, 3, 3, setDatabag},

		{"wait", "idle [TIME] [--ignore-background]", "wait until nothing runs or waits to run, background processes included", []string{"--ignore-background"}, 1, -1, wait},
		{"wait", "actions [TIME]", "wait for the actions run with &, none of which may fail", nil, 1, -1, nil},
		{"wait", "CONDITION [TIME]", "wait until a condition holds", nil, 1, -1, nil},
		{"expect", "CONDITION", "fail unless a condition holds; conditions:", nil, 1, -1, expect},
		{"", "status UNITS STATUS [MESSAGE]", "workload status, and message, a regular expression", nil, 0, 0, nil},
		{"", "databag UNIT|app KEY VALUE", "value in a databag; '' for none", nil, 0, 0, nil},
		{"", "leader UNIT", "who leads", nil, 0, 0, nil},
		{"", "units N", "how many units there are", nil, 0, 0, nil},
		{"", "running UNIT [HOOK]", "the unit runs something, or a hook or action of that name", nil, 0, 0, nil},
		{"", "no-overlap", "no two units ran an operation at the same time so far, see the timeline; it says of which units no run is known", nil, 0, 0, nil},
		{"status", "", "print the table of units", nil, 0, 0, simple((*run).showStatus)},
		{"show-unit", "UNIT", "print a unit with its databags, in YAML", nil, 1, 1, onUnit((*run).showUnit)},
		{"sleep", "TIME", "do nothing", nil, 1, 1, sleep},
		{"help", "", "print this list", nil, 0, 0, simple(func(r *run) error { return Help(r.out) })},

		{"elect", "UNIT [--now]", "move leadership once no hook relies on it; now: in mid-hook", []string{"--now"}, 1, 1, elect},
		{"reboot", "UNIT [--stay-down]", "reboot a unit's machine: all that runs there ends, the boot id changes, the start hook runs; stay-down: not before boot", []string{"--stay-down"}, 1, 1, reboot},
		{"stay-down", "UNIT", "have a unit's machine stay down when it next reboots, by juju-reboot too, until boot", nil, 1, 1, onAgent((*agent.Cluster).StayDown)},
		{"boot", "UNIT", "boot a machine that stayed down", nil, 1, 1, onAgent((*agent.Cluster).Boot)},
		{"kill-hook", "UNIT", "SIGKILL to what a unit runs", nil, 1, 1, onAgent((*agent.Cluster).KillHook)},
		{"hang", "UNIT", "SIGSTOP to what a unit runs", nil, 1, 1, onAgent((*agent.Cluster).Hang)},
		{"resume", "UNIT", "let it go on", nil, 1, 1, onAgent((*agent.Cluster).Resume)},
		{"kill-worker", "UNIT", "kill the processes that a unit's hooks left in the background", nil, 1, 1, onUnit((*run).killWorker)},
		{"agent-stop", "UNIT", "stop a unit's agent: what it runs and what hooks left in the background is killed, juju-exec fails", nil, 1, 1, onAgent((*agent.Cluster).StopAgent)},
		{"agent-start", "UNIT", "start it again", nil, 1, 1, onAgent((*agent.Cluster).StartAgent)},
		{"agent-restart", "UNIT", "both", nil, 1, 1, onAgent((*agent.Cluster).RestartAgent)},
	}
}

// find returns the step of that name.
func find(name string) (*command, bool) {
	for i := range commands {
		if commands[i].name == name && commands[i].prepare != nil {
			return &commands[i], true
		}
	}
	return nil, false
}

// names lists the steps.
func names() []string {
	var all []string
	for _, c := range commands {
		if c.prepare != nil {
			all = append(all, c.name)
		}
	}
	return all
}

// Help writes the list of steps.
func Help(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands {
		indent := "  "
		if c.name == "" {
			indent = "    "
		}
		fmt.Fprintf(tw, "%s%s\t%s\n", indent, c.usage(), c.help)
	}
	fmt.Fprintf(tw, "  ! STEP\tthe step must fail\n")
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, `
UNIT is app/0, leader or follower (the first unit that does not lead). UNITS is
one of these, all, followers, or several with commas in between. TIME is like
30s or 1m30s. Values of actions are YAML, options plain text. # begins a comment.
`)
	return err
}

func simple(do func(*run) error) func(arguments) (func(*run) error, error) {
	return func(arguments) (func(*run) error, error) { return do, nil }
}

// unitWord checks a word that names a unit, or several.
func unitWord(word string, several bool) error {
	for _, w := range strings.Split(word, ",") {
		switch {
		case w == "leader" || w == "follower" || unitname.Valid(w):
		case several && (w == "all" || w == "followers"):
		default:
			return fmt.Errorf("%q is no unit: app/0, leader or follower%s", w, map[bool]string{true: ", all, followers"}[several])
		}
	}
	if !several && strings.Contains(word, ",") {
		return errors.New("only one unit can be given")
	}
	return nil
}

func onUnit(do func(r *run, unit string) error) func(arguments) (func(*run) error, error) {
	return func(args arguments) (func(*run) error, error) {
		return func(r *run) error {
			unit, err := r.unit(args.words[0])
			if err != nil {
				return err
			}
			return do(r, unit)
		}, unitWord(args.words[0], false)
	}
}

func onAgent(do func(c *agent.Cluster, unit string) error) func(arguments) (func(*run) error, error) {
	return onUnit(func(r *run, unit string) error { return do(r.cluster, unit) })
}

func onUnits(do func(r *run, unit string) error) func(arguments) (func(*run) error, error) {
	return func(args arguments) (func(*run) error, error) {
		return func(r *run) error {
			units, err := r.units(args.words[0])
			if err != nil {
				return err
			}
			for _, unit := range units {
				if err := do(r, unit); err != nil {
					return err
				}
			}
			return nil
		}, unitWord(args.words[0], true)
	}
}

func deploy(args arguments) (func(*run) error, error) {
	n := 1
	if len(args.words) > 0 {
		var err error
		if n, err = unitCount(args.words[0]); err != nil {
			return nil, err
		}
	}
	return func(r *run) error { return r.addUnits(n) }, nil
}

// addUnits reads [N], or APP [N] for units of a principal application.
func addUnits(args arguments) (func(*run) error, error) {
	words, app := args.words, ""
	if len(words) > 0 && appPattern.MatchString(words[0]) {
		app, words = words[0], words[1:]
	}
	switch {
	case app == "" && len(words) > 1:
		return nil, fmt.Errorf("%q is no name of an application", words[0])
	case app == "":
		return deploy(args)
	case len(words) == 0:
		words = []string{"1"}
	}
	n, err := unitCount(words[0])
	return func(r *run) error { return r.addPrincipalUnits(app, n) }, err
}

func unitCount(word string) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > MaxUnits {
		return 0, fmt.Errorf("%q is no number of units from 1 to %d", word, MaxUnits)
	}
	return n, nil
}

var appPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func principals(args arguments) (func(*run) error, error) {
	counts := make([]int, len(args.words))
	apps := make([]string, len(args.words))
	for i, word := range args.words {
		app, count, given := strings.Cut(word, "=")
		if !appPattern.MatchString(app) {
			return nil, fmt.Errorf("%q is no name of an application", app)
		}
		apps[i], counts[i] = app, 1
		var err error
		if given {
			if counts[i], err = unitCount(count); err != nil {
				return nil, err
			}
		}
	}
	return func(r *run) error {
		for _, app := range apps {
			if err := r.cluster.Integrate(app); err != nil {
				return err
			}
		}
		for i, app := range apps {
			if err := r.addPrincipalUnits(app, counts[i]); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func removeRelation(args arguments) (func(*run) error, error) {
	app := args.words[0]
	if !appPattern.MatchString(app) {
		return nil, fmt.Errorf("%q is no name of an application", app)
	}
	return func(r *run) error { return r.cluster.RemoveRelation(app) }, nil
}

func reboot(args arguments) (func(*run) error, error) {
	return onUnit(func(r *run, unit string) error {
		if args.flags["--stay-down"] {
			if err := r.cluster.StayDown(unit); err != nil {
				return err
			}
		}
		return r.cluster.Reboot(r.ctx, unit)
	})(args)
}

// MaxUnits is how many units can be added at a time.
const MaxUnits = 1000

func removeUnit(args arguments) (func(*run) error, error) {
	return func(r *run) error {
		name := args.words[0]
		unit := r.besides(name)
		if unit == "" {
			var err error
			if unit, err = r.unit(name); err != nil {
				return err
			}
			name = unit
		}
		if args.flags["--no-departed"] {
			if err := r.cluster.LoseDeparture(unit); err != nil {
				return err
			}
		}
		return r.cluster.RemoveUnit(name, args.flags["--force"])
	}, unitWord(args.words[0], false)
}

func elect(args arguments) (func(*run) error, error) {
	return onUnit(func(r *run, unit string) error {
		if args.flags["--now"] {
			return r.cluster.ElectNow(unit)
		}
		return r.cluster.Elect(r.ctx, unit)
	})(args)
}

func runAction(args arguments) (func(*run) error, error) {
	words := args.words
	background := words[len(words)-1] == "&"
	if background {
		words = words[:len(words)-1]
	}
	if len(words) < 2 {
		return nil, errors.New("run is not complete")
	}
	params, err := actionParams(words[2:])
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		units, err := r.units(words[0])
		if err != nil {
			return err
		}
		return r.runActions(units, words[1], params, background)
	}, unitWord(words[0], true)
}

func execCommand(args arguments) (func(*run) error, error) {
	return onUnit(func(r *run, unit string) error { return r.exec(unit, args.words[1]) })(args)
}

func setConfig(args arguments) (func(*run) error, error) {
	values := map[string]string{}
	for _, word := range args.words {
		key, value, err := pair(word)
		if err != nil {
			return nil, err
		}
		values[key] = value
	}
	return func(r *run) error { return r.cluster.SetConfig(values) }, nil
}

func refresh(args arguments) (func(*run) error, error) {
	return func(r *run) error { return r.cluster.Refresh(r.path(args.words[0])) }, nil
}

func setDatabag(args arguments) (func(*run) error, error) {
	return onUnit(func(r *run, unit string) error {
		return r.cluster.SetDatabag(unit, map[string]string{args.words[1]: args.words[2]})
	})(args)
}

func sleep(args arguments) (func(*run) error, error) {
	d, err := duration(args.words[0])
	return func(r *run) error {
		select {
		case <-time.After(d):
			return nil
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}, err
}

func duration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time such as 30s or 1m30s", word)
	}
	return d, nil
}
