package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// actionRun is an action on one or more units at once.
type actionRun struct {
	title   string
	units   []string
	neg     bool // it has to fail on all of them
	results []ActionResult
	errs    []error
	done    chan struct{}
}

func runAction(ctx context.Context, c *call) error {
	args := c.args
	background := args[len(args)-1] == "&"
	if background {
		args = args[:len(args)-1]
	}
	run, err := c.newRun(ctx, args)
	if err != nil {
		return err
	}
	run.neg = c.neg
	values, err := params(args[2:])
	if err != nil {
		return err
	}
	if background {
		ctx, cancel := context.WithTimeout(context.Background(), c.limit)
		c.running = append(c.running, run)
		go func() {
			defer cancel()
			run.start(ctx, c.backend, args[1], values)
		}()
		return nil
	}
	run.start(ctx, c.backend, args[1], values)
	return run.report(c.ts.Stdout(), c.ts.Stderr())
}

func (c *call) newRun(ctx context.Context, args []string) (*actionRun, error) {
	if len(args) < 2 {
		return nil, errors.New("usage: run UNITS ACTION")
	}
	selected, err := c.selection(args[0])
	if err != nil {
		return nil, err
	}
	state, err := c.backend.State(ctx)
	if err != nil {
		return nil, err
	}
	run := &actionRun{title: strings.Join(args, " "), units: selected(state), done: make(chan struct{})}
	if len(run.units) == 0 {
		return nil, fmt.Errorf("there are no units %s", args[0])
	}
	run.results = make([]ActionResult, len(run.units))
	run.errs = make([]error, len(run.units))
	return run, nil
}

// start runs the action on all units at once and returns when it has ended on
// all of them.
func (r *actionRun) start(ctx context.Context, backend Backend, action string, params map[string]any) {
	var wait sync.WaitGroup
	for i, unit := range r.units {
		wait.Go(func() {
			r.results[i], r.errs[i] = backend.RunAction(ctx, unit, action, params)
		})
	}
	wait.Wait()
	close(r.done)
}

// wait waits until the action has ended and reports whether it did as expected.
func (r *actionRun) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.report(io.Discard, io.Discard)
	case <-ctx.Done():
		return fmt.Errorf("run %s goes on", r.title)
	}
}

// report writes the results of the units, and returns an error unless they all
// are as expected.
func (r *actionRun) report(stdout, stderr io.Writer) error {
	var errs []error
	for i, unit := range r.units {
		result, err := r.results[i], r.errs[i]
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot run %s on %s: %w", r.title, unit, err))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(result.Results)) {
			fmt.Fprintf(stdout, "%s: %s: %v\n", unit, key, result.Results[key])
		}
		for _, line := range result.Log {
			fmt.Fprintf(stdout, "%s: log: %s\n", unit, line)
		}
		completed := result.Status == "completed"
		if !completed {
			fmt.Fprintf(stderr, "%s: %s: %s\n", unit, result.Status, result.Message)
		}
		if completed == r.neg {
			errs = append(errs, fmt.Errorf("run %s: %s on %s: %s", r.title, result.Status, unit, result.Message))
		}
	}
	return errors.Join(errs...)
}

// awaitRuns waits for what runs in the background and reports it.
func (c *call) awaitRuns(ctx context.Context) error {
	for _, run := range c.running {
		if err := run.wait(ctx); err != nil {
			return err
		}
		if err := run.report(c.ts.Stdout(), c.ts.Stderr()); err != nil {
			return err
		}
	}
	c.running = nil
	return nil
}
