package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Suite runs scripts on models of one kind.
type Suite struct {
	// Open makes the backend of one script: a model without an application.
	Open func(env *testscript.Env) (Backend, error)
	// Limit is how long a step may take, waiting included.
	Limit time.Duration
}

// Params returns what testscript needs to run the scripts in a directory. To
// its Cmds a test can add steps of its own, which find the script's backend
// through [ScriptOf].
func (s Suite) Params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                dir,
		Setup:              s.setup,
		Cmds:               commands(),
		RequireUniqueNames: true,
	}
}

type scriptKey struct{}

// ScriptOf returns the script that a step runs for.
func ScriptOf(ts *testscript.TestScript) *Script {
	return ts.Value(scriptKey{}).(*Script)
}

// Script is a script while it runs.
type Script struct {
	backend Backend
	limit   time.Duration
	wanted  int // units that there should be
	// principals are for the next deployment.
	principals []Principal
	names      []unitName   // in the order in which the units were first seen
	running    []*actionRun // in the background
	ended      []Transition // attempts that the script says have ended
}

type unitName struct{ role, unit string }

func (s Suite) setup(env *testscript.Env) error {
	backend, err := s.Open(env)
	if err != nil {
		return fmt.Errorf("cannot make a model: %w", err)
	}
	script := &Script{backend: backend, limit: s.Limit}
	env.Values[scriptKey{}] = script
	env.Defer(func() {
		t := env.T().(interface{ Failed() bool })
		if err := script.end(t.Failed()); err != nil {
			env.T().Fatal(err)
		}
	})
	return nil
}

// Backend returns the script's model.
func (s *Script) Backend() Backend { return s.backend }

// end makes the checks that every script ends with, unless it has failed
// already, and takes the model down. It returns what the test has to report.
func (s *Script) end(failed bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.limit)
	defer cancel()
	var err error
	if !failed && s.wanted > 0 {
		if err = s.checkEnd(ctx); err != nil {
			err = fmt.Errorf("the script is through, but %w", err)
		}
	}
	if failed || err != nil {
		err = errors.Join(err, errors.New(s.logs(ctx)))
	}
	if destroyErr := s.backend.Destroy(ctx); destroyErr != nil {
		err = errors.Join(err, fmt.Errorf("cannot take the model down: %w", destroyErr))
	}
	return err
}

func (s *Script) checkEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	for _, run := range s.running {
		if err := run.wait(ctx); err != nil {
			return err
		}
	}
	if err := s.await(ctx, s.idle, false); err != nil {
		return err
	}
	if settler, ok := s.backend.(Settler); ok {
		if err := settler.Settle(ctx); err != nil {
			return fmt.Errorf("something goes on: %w", err)
		}
	}
	seen, err := s.look(ctx, true)
	if err != nil {
		return err
	}
	// Whatever ran last must have left the model idle, too.
	if err := errors.Join(s.idle(seen), checkOneAtATime(seen.attempts()), checkMutex(seen.history(), seen.has)); err != nil {
		return s.report(err, seen)
	}
	return nil
}

// logs returns what the units have logged, if the backend can tell.
func (s *Script) logs(ctx context.Context) string {
	logger, ok := s.backend.(Logger)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, name := range s.names {
		text, err := logger.Log(ctx, name.unit)
		if err != nil {
			text = err.Error()
		}
		fmt.Fprintf(&b, "log of %s (%s):\n%s\n", name.role, name.unit, text)
	}
	return b.String()
}

// look returns the model as it is now. The transitions, which cost a command on
// each machine, are part of it if past is true.
func (s *Script) look(ctx context.Context, past bool) (snapshot, error) {
	state, err := s.backend.State(ctx)
	if err != nil {
		return snapshot{}, fmt.Errorf("cannot look at the model: %w", err)
	}
	s.name(state)
	seen := snapshot{State: state, ended: s.ended}
	if past {
		err = s.readTransitions(ctx, &seen)
	}
	return seen, err
}

func (s *Script) readTransitions(ctx context.Context, seen *snapshot) (err error) {
	if seen.transitions, err = s.backend.Transitions(ctx); err != nil {
		return fmt.Errorf("cannot read the transitions: %w", err)
	}
	return nil
}

// report adds to an error what was seen, for the reader of a failed script.
func (s *Script) report(err error, seen snapshot) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	if seen.transitions == nil {
		err = errors.Join(err, s.readTransitions(ctx, &seen))
	}
	return fmt.Errorf("%w\n%v", err, seen)
}

// name gives units that were not seen before the names that scripts call them
// by. Before there is a leader they get none.
func (s *Script) name(state State) {
	leader := state.leader()
	if len(s.names) == 0 && leader == "" {
		return
	}
	if len(s.names) == 0 {
		s.names = append(s.names, unitName{role: "leader", unit: leader})
	}
	for _, u := range state.Units {
		if !slices.ContainsFunc(s.names, func(n unitName) bool { return n.unit == u.Name }) {
			s.names = append(s.names, unitName{role: fmt.Sprintf("follower%d", len(s.names)), unit: u.Name})
		}
	}
}

// Unit returns the name of the unit that a script calls by the name given.
func (s *Script) Unit(name string) (string, error) {
	for _, n := range s.names {
		if n.role == name || n.unit == name {
			return n.unit, nil
		}
	}
	return "", fmt.Errorf("there was never a unit called %s", name)
}

// selection returns a function for the units that a script means by a list of
// names, given the state of the model.
func (s *Script) selection(list string) (func(State) []string, error) {
	switch list {
	case "all", "followers":
		return func(state State) []string {
			var units []string
			for _, u := range state.Units {
				if list == "all" || len(s.names) == 0 || u.Name != s.names[0].unit {
					units = append(units, u.Name)
				}
			}
			return units
		}, nil
	}
	units, err := s.units(splitList(list))
	return func(State) []string { return units }, err
}

// units returns the names of the units that a script calls by the names given.
func (s *Script) units(names []string) ([]string, error) {
	var units []string
	for _, name := range names {
		unit, err := s.Unit(name)
		if err != nil {
			return nil, err
		}
		units = append(units, unit)
	}
	return units, nil
}

// await waits until check returns nil. It looks at the transitions if past is
// true.
func (s *Script) await(ctx context.Context, check func(snapshot) error, past bool) error {
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := s.backend.Changes(watch)
	for {
		seen, err := s.look(ctx, past)
		if err != nil {
			return err
		}
		if err = check(seen); err == nil {
			return nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return s.report(fmt.Errorf("in the end %w", err), seen)
		}
	}
}
