package steps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/jujusim/charmfacts"
)

// condition reads the arguments of a condition. The check that it returns says
// what is not as it should be, or nil if the condition holds.
type condition struct {
	usage string
	min   int  // arguments
	max   int  // arguments; -1 for any number
	past  bool // about what was, too: the transitions
	parse func(s *Script, args []string) (check, error)
}

type check func(snapshot) error

var conditions = map[string]condition{
	"ready":   {"", 0, 0, false, func(s *Script, _ []string) (check, error) { return s.ready, nil }},
	"idle":    {"", 0, 0, false, func(s *Script, _ []string) (check, error) { return s.idle, nil }},
	"quiet":   {"UNITS", 1, 1, false, quietCondition},
	"units":   {"N", 1, 1, true, unitsCondition}, // what a unit has written goes with it
	"leader":  {"UNIT", 1, 1, false, leaderCondition},
	"holder":  {"UNIT|none", 1, 1, false, holderCondition},
	"queue":   {"UNIT N", 2, 2, false, queueCondition},
	"status":  {"UNIT STATUS [MESSAGE]", 2, 3, false, statusCondition},
	"databag": {"UNIT|app KEY VALUE", 3, 3, false, databagCondition},
	"event":   {"UNITS EVENT [N]", 2, 3, true, eventCondition},
	"events":  {"UNITS EVENT...", 1, -1, true, eventsCondition},
	"starts":  {"UNIT...", 0, -1, true, startsCondition(false)},
	"turns":   {"UNIT...", 0, -1, true, startsCondition(true)},
}

func expect(ctx context.Context, c *call) error {
	check, past, err := c.condition()
	if err != nil {
		return err
	}
	seen, err := c.look(ctx, past)
	if err != nil {
		return err
	}
	if err := check(seen); err != nil {
		return c.report(err, seen)
	}
	return nil
}

func await(ctx context.Context, c *call) error {
	if len(c.args) == 1 && c.args[0] == "actions" && !c.neg {
		return c.awaitRuns(ctx)
	}
	check, past, err := c.condition()
	if err != nil {
		return err
	}
	return c.await(ctx, check, past)
}

// condition returns the check that the step asks for, and whether that looks at
// the transitions.
func (c *call) condition() (_ check, past bool, _ error) {
	name, args := c.args[0], c.args[1:]
	cond, ok := conditions[name]
	if !ok {
		return nil, false, fmt.Errorf("there is no condition %q", name)
	}
	if len(args) < cond.min || cond.max >= 0 && len(args) > cond.max {
		return nil, false, fmt.Errorf("usage: %s %s", name, cond.usage)
	}
	check, err := cond.parse(c.Script, args)
	if err != nil || !c.neg {
		return check, cond.past, err
	}
	return func(seen snapshot) error {
		if check(seen) == nil {
			return fmt.Errorf("%s holds", strings.Join(c.args, " "))
		}
		return nil
	}, cond.past, nil
}

// ready: there are as many units as were asked for, one leads, all are active
// and have nothing to run.
func (s *Script) ready(seen snapshot) error {
	if len(seen.Units) != s.wanted {
		return fmt.Errorf("there are %d units, and not %d", len(seen.Units), s.wanted)
	}
	if seen.leader() == "" {
		return errors.New("no unit leads")
	}
	for _, u := range seen.Units {
		if u.Status != "active" || !u.Idle {
			return fmt.Errorf("%s is not ready", u.Name)
		}
	}
	return nil
}

// idle: there are as many units as were asked for, and nothing goes on.
func (s *Script) idle(seen snapshot) error {
	if len(seen.Units) != s.wanted {
		return fmt.Errorf("there are %d units, and not %d", len(seen.Units), s.wanted)
	}
	if why := seen.busy(); why != "" {
		return errors.New(why)
	}
	return nil
}

func quietCondition(s *Script, args []string) (check, error) {
	selected, err := s.selection(args[0])
	return func(seen snapshot) error {
		for _, name := range selected(seen.State) {
			if u, ok := seen.unit(name); ok && !u.Idle {
				return fmt.Errorf("%s has something to run", name)
			}
		}
		return nil
	}, err
}

func unitsCondition(_ *Script, args []string) (check, error) {
	n, err := strconv.Atoi(args[0])
	return func(seen snapshot) error {
		return same("units", strconv.Itoa(len(seen.Units)), strconv.Itoa(n))
	}, err
}

func leaderCondition(s *Script, args []string) (check, error) {
	unit, err := s.Unit(args[0])
	return func(seen snapshot) error { return same("leader", seen.leader(), unit) }, err
}

func holderCondition(s *Script, args []string) (check, error) {
	unit := ""
	var err error
	if args[0] != "none" {
		unit, err = s.Unit(args[0])
	}
	return func(seen snapshot) error { return same("holder", seen.App[charmfacts.GrantedKey], unit) }, err
}

func queueCondition(s *Script, args []string) (check, error) {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, err
	}
	return s.aboutUnit(args[0], func(u Unit) error {
		operations, err := u.queue()
		if err != nil {
			return err
		}
		return same("queue of "+u.Name, strconv.Itoa(len(operations)), strconv.Itoa(n))
	})
}

func statusCondition(s *Script, args []string) (check, error) {
	message := ".*"
	if len(args) > 2 {
		message = args[2]
	}
	pattern, err := wholeMatch(message)
	if err != nil {
		return nil, err
	}
	return s.aboutUnit(args[0], func(u Unit) error {
		if u.Status != args[1] || !pattern.MatchString(u.Message) {
			return fmt.Errorf("the status of %s is %s %q, not %s %q", u.Name, u.Status, u.Message, args[1], message)
		}
		return nil
	})
}

func databagCondition(s *Script, args []string) (check, error) {
	key := args[1]
	pattern, err := wholeMatch(args[2])
	if err != nil {
		return nil, err
	}
	look := func(whose string, databag map[string]string) error {
		if value := databag[key]; !pattern.MatchString(value) {
			return fmt.Errorf("the databag of %s has %s=%q, not %q", whose, key, shorten(value), args[2])
		}
		return nil
	}
	if args[0] == "app" {
		return func(seen snapshot) error { return look("the application", seen.App) }, nil
	}
	return s.aboutUnit(args[0], func(u Unit) error { return look(u.Name, u.Databag) })
}

func eventCondition(s *Script, args []string) (check, error) {
	n := 1
	if len(args) > 2 {
		var err error
		if n, err = strconv.Atoi(args[2]); err != nil {
			return nil, err
		}
	}
	selected, err := s.selection(args[0])
	return func(seen snapshot) error {
		for _, unit := range selected(seen.State) {
			found := 0
			for _, event := range eventsOf(seen.transitions, unit) {
				if event == args[1] {
					found++
				}
			}
			if found < n {
				return fmt.Errorf("%s has written %s %d times, not %d", unit, args[1], found, n)
			}
		}
		return nil
	}, err
}

func eventsCondition(s *Script, args []string) (check, error) {
	selected, err := s.selection(args[0])
	return func(seen snapshot) error {
		for _, unit := range selected(seen.State) {
			if err := sameList("events of "+unit, eventsOf(seen.transitions, unit), args[1:]); err != nil {
				return err
			}
		}
		return nil
	}, err
}

func startsCondition(turns bool) func(s *Script, args []string) (check, error) {
	return func(s *Script, args []string) (check, error) {
		units, err := s.units(args)
		return func(seen snapshot) error {
			return sameList("order of the attempts", starts(seen.presentAttempts(), turns), units)
		}, err
	}
}

// aboutUnit returns a check of a unit that has to be there.
func (s *Script) aboutUnit(name string, look func(Unit) error) (check, error) {
	unit, err := s.Unit(name)
	return func(seen snapshot) error {
		u, ok := seen.unit(unit)
		if !ok {
			return fmt.Errorf("there is no unit %s", unit)
		}
		return look(u)
	}, err
}

func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: %q, not %q", what, got, want)
	}
	return nil
}

func sameList(what string, got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s:\n    %s\nnot\n    %s", what, strings.Join(got, " "), strings.Join(want, " "))
	}
	return nil
}

func wholeMatch(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile("(?s)^(?:" + pattern + ")$")
	if err != nil {
		return nil, fmt.Errorf("cannot read pattern: %w", err)
	}
	return re, nil
}
