package script

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/view"
)

// condition is what expect and wait look at: it returns "" when it holds, and
// what is the case otherwise.
type condition func(r *run, s agent.Status) (string, error)

// conditionKinds name the conditions, with the number of their words.
var conditionKinds = map[string]struct {
	min, max int
	parse    func(words []string) (condition, error)
}{
	"status":  {2, 3, statusCondition},
	"databag": {3, 3, databagCondition},
	"leader":  {1, 1, leaderCondition},
	"units":   {1, 1, unitsCondition},
	"running": {1, 2, runningCondition},

	"no-overlap": {0, 0, noOverlapCondition},
}

// parseCondition reads a condition and returns the words that follow it.
func parseCondition(words []string) (condition, []string, error) {
	kind, ok := conditionKinds[words[0]]
	if !ok {
		return nil, nil, fmt.Errorf("no condition is called %q; there are: databag, leader, no-overlap, running, status, units", words[0])
	}
	words = words[1:]
	if len(words) < kind.min {
		return nil, nil, errors.New("the condition is not complete")
	}
	n := min(len(words), kind.max)
	if n > kind.min {
		// A time at the end of the shorter form is not the optional word.
		if _, err := duration(words[n-1]); err == nil && n == len(words) {
			n--
		}
	}
	cond, err := kind.parse(words[:n])
	return cond, words[n:], err
}

func expect(args arguments) (func(*run) error, error) {
	cond, rest, err := parseCondition(args.words)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("expect does not take %q", rest[0])
	}
	return func(r *run) error {
		is, err := cond(r, r.cluster.Status())
		if err == nil && is != "" {
			err = errors.New(is)
		}
		return err
	}, err
}

func wait(args arguments) (func(*run) error, error) {
	words := args.words
	switch words[0] {
	case "idle":
		return waiting(words[1:], func(ctx context.Context, r *run) error {
			return r.cluster.WaitIdle(ctx, args.flags["--ignore-background"])
		})
	case "actions":
		return waiting(words[1:], func(ctx context.Context, r *run) error { return r.waitActions(ctx) })
	}
	cond, rest, err := parseCondition(words)
	if err != nil {
		return nil, err
	}
	return waiting(rest, func(ctx context.Context, r *run) error { return r.await(ctx, cond) })
}

// waiting reads the time that is left as the last word of a wait.
func waiting(words []string, do func(context.Context, *run) error) (func(*run) error, error) {
	limit := defaultLimit
	if len(words) > 1 {
		return nil, fmt.Errorf("wait does not take %q", words[1])
	}
	if len(words) == 1 {
		var err error
		if limit, err = duration(words[0]); err != nil {
			return nil, err
		}
	}
	return func(r *run) error {
		ctx, cancel := context.WithTimeout(r.ctx, limit)
		defer cancel()
		return do(ctx, r)
	}, nil
}

// defaultLimit is how long a wait waits if it says nothing else.
const defaultLimit = 2 * time.Minute

// await waits until a condition holds; if it never does, the error says what
// is the case instead.
func (r *run) await(ctx context.Context, cond condition) error {
	var is string
	var failed error
	err := r.cluster.Wait(ctx, func(s agent.Status) bool {
		is, failed = cond(r, s)
		return failed == nil && is == ""
	})
	switch {
	case err == nil:
		return nil
	case failed != nil:
		return failed
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("time is up: %s", is)
	}
	return err
}

func statusCondition(words []string) (condition, error) {
	var message *regexp.Regexp
	if len(words) > 2 {
		var err error
		if message, err = regexp.Compile(words[2]); err != nil {
			return nil, fmt.Errorf("%q is no regular expression: %w", words[2], err)
		}
	}
	return func(r *run, s agent.Status) (string, error) {
		units, err := r.units(words[0])
		if err != nil {
			return "", err
		}
		for _, u := range s.Units {
			if !slices.Contains(units, u.Name) {
				continue
			}
			if u.Status != words[1] || message != nil && !message.MatchString(u.Message) {
				return fmt.Sprintf("%s is %s: %q", u.Name, u.Status, u.Message), nil
			}
		}
		return "", nil
	}, unitWord(words[0], true)
}

func databagCondition(words []string) (condition, error) {
	var err error
	if words[0] != "app" {
		err = unitWord(words[0], false)
	}
	return func(r *run, s agent.Status) (string, error) {
		value, err := r.databagValue(s, words[0], words[1])
		if err != nil || value == words[2] {
			return "", err
		}
		return fmt.Sprintf("%s of %s is %q", words[1], words[0], value), nil
	}, err
}

func leaderCondition(words []string) (condition, error) {
	return func(r *run, s agent.Status) (string, error) {
		for _, u := range s.Units {
			if u.Leader && u.Name != words[0] {
				return u.Name + " leads", nil
			} else if u.Leader {
				return "", nil
			}
		}
		return "nobody leads", nil
	}, unitWord(words[0], false)
}

func unitsCondition(words []string) (condition, error) {
	n, err := strconv.Atoi(words[0])
	if err != nil {
		return nil, fmt.Errorf("%q is no number", words[0])
	}
	return func(r *run, s agent.Status) (string, error) {
		if len(s.Units) != n {
			return fmt.Sprintf("there are %d units", len(s.Units)), nil
		}
		return "", nil
	}, nil
}

func runningCondition(words []string) (condition, error) {
	return func(r *run, s agent.Status) (string, error) {
		unit, err := r.unit(words[0])
		if err != nil {
			return "", err
		}
		for _, u := range s.Units {
			if u.Name != unit {
				continue
			}
			if u.Hook == "" || len(words) > 1 && u.Hook != words[1] {
				return fmt.Sprintf("%s runs %q", unit, u.Hook), nil
			}
		}
		return "", nil
	}, unitWord(words[0], false)
}

func noOverlapCondition([]string) (condition, error) {
	return func(r *run, _ agent.Status) (string, error) {
		timeline := view.NewTimeline(r.cluster.Trace(), r.cluster.UnitDir)
		for _, pair := range timeline.Overlaps() {
			return fmt.Sprintf("%s on %s and %s on %s ran at the same time",
				pair[0].Label, pair[0].Unit, pair[1].Label, pair[1].Unit), nil
		}
		if note := timeline.Blind(); note != "" {
			r.sayf("%s", note)
		}
		return "", nil
	}, nil
}
