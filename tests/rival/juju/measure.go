package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rolling-ops/jujusim/charmfacts"
	"rolling-ops/tests/cost/bench"
	"rolling-ops/tests/rival/hookcost/cost"
)

// measured is an application and what was measured of it.
type measured struct {
	app, name string
	follower  times // relation-changed in which there was nothing to do
	leading   times // the leader's relation-changed
	handOvers bench.Samples
	retries   bench.Samples
	rolls     bench.Samples // CPU time of all hooks of a roll
}

type times struct{ wall, cpu bench.Samples }

func (t *times) add(h cost.Hook) {
	t.wall, t.cpu = append(t.wall, h.Wall), append(t.cpu, h.CPU)
}

// unit is a unit with what its machine has written down.
type unit struct {
	name        string
	leader      bool
	hooks       []cost.Hook
	transitions []transition
}

type transition struct {
	at    time.Time
	event string
}

// measure runs rolls, and retries of the leader's, one after the other.
func (m model) measure(ctx context.Context, a *measured) error {
	if err := m.settle(ctx, a.app); err != nil {
		return err
	}
	// A pause before a retry is a matter of taste, not of cost. Only some
	// charms have one.
	if _, err := m.juju(ctx, "config", "-m", m.name, a.app, "retry-delay=0s"); err == nil {
		if err := m.settle(ctx, a.app); err != nil {
			return err
		}
	}
	for range rolls {
		begin := time.Now()
		run := []string{"run", "-m", m.name}
		for i := range units {
			run = append(run, fmt.Sprintf("%s/%d", a.app, i))
		}
		if _, err := m.juju(ctx, append(run, "restart", "delay=0")...); err != nil {
			return err
		}
		all, err := m.await(ctx, a.app, begin, "_restart:done", units)
		if err != nil {
			return err
		}
		a.countRoll(all, begin)
	}
	return m.retry(ctx, a)
}

func (m model) retry(ctx context.Context, a *measured) error {
	all, err := m.units(ctx, a.app)
	if err != nil {
		return err
	}
	begin := time.Now()
	at := slices.IndexFunc(all, func(u unit) bool { return u.leader })
	if at < 0 {
		return fmt.Errorf("%s has no leader", a.app)
	}
	if _, err := m.juju(ctx, "run", "-m", m.name, all[at].name, "failed-restart", "delay=0", fmt.Sprintf("max-retry=%d", retries)); err != nil {
		return err
	}
	if all, err = m.await(ctx, a.app, begin, "_failed_restart:retry_release", retries+1); err != nil {
		return err
	}
	a.retries = gaps(all, begin, "_failed_restart:retry_release", "_failed_restart:start")
	return nil
}

// countRoll takes what has happened since begin.
func (a *measured) countRoll(all []unit, begin time.Time) {
	var total time.Duration
	for _, u := range all {
		for _, h := range u.hooks {
			if h.Begin.Before(begin) {
				continue
			}
			total += h.CPU
			switch {
			case h.Path != "hooks/restart-relation-changed" || u.ran(h):
			case u.leader:
				a.leading.add(h)
			default:
				a.follower.add(h)
			}
		}
	}
	a.rolls = append(a.rolls, total)
	a.handOvers = append(a.handOvers, gaps(all, begin, "_restart:done", "_restart:start")...)
}

// ran tells whether an operation ran in a hook.
func (u unit) ran(h cost.Hook) bool {
	return slices.ContainsFunc(u.transitions, func(t transition) bool {
		return strings.HasSuffix(t.event, ":start") && t.at.After(h.Begin) && t.at.Before(h.End())
	})
}

// gaps returns the times from each event of one kind to the next of another.
func gaps(all []unit, begin time.Time, from, to string) bench.Samples {
	var order []transition
	for _, u := range all {
		order = append(order, u.transitions...)
	}
	slices.SortFunc(order, func(a, b transition) int { return a.at.Compare(b.at) })
	var out bench.Samples
	var last time.Time
	for _, t := range order {
		switch {
		case t.at.Before(begin):
		case t.event == from:
			last = t.at
		case t.event == to && !last.IsZero():
			out = append(out, t.at.Sub(last))
		}
	}
	return out
}

// await waits until an event has happened so often and nothing happens any more.
// The units' logs are looked at only when they are idle, since a unit that runs
// a command for this program runs nothing else.
func (m model) await(ctx context.Context, app string, begin time.Time, event string, count int) ([]unit, error) {
	for deadline := time.Now().Add(patience); ; {
		if err := m.settle(ctx, app); err != nil {
			return nil, err
		}
		all, err := m.units(ctx, app)
		if err != nil {
			return nil, err
		}
		seen := 0
		for _, u := range all {
			for _, t := range u.transitions {
				if t.event == event && !t.at.Before(begin) {
					seen++
				}
			}
		}
		if seen >= count {
			return all, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s happened %d times instead of %d", event, seen, count)
		}
	}
}

// status is as much of juju status as is needed.
type status struct {
	Applications map[string]struct {
		Units map[string]struct {
			Leader bool
			Agent  struct{ Current string } `json:"juju-status"`
		}
	}
}

func (m model) status(ctx context.Context) (status, error) {
	var s status
	text, err := m.juju(ctx, "status", "-m", m.name, "--format", "json")
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	return s, err
}

// settle waits until all units' agents have been idle for some seconds.
func (m model) settle(ctx context.Context, app string) error {
	const quiet = 3
	for calm, deadline := 0, time.Now().Add(patience); calm < quiet; time.Sleep(2 * time.Second) {
		s, err := m.status(ctx)
		if err != nil {
			return err
		}
		idle := 0
		for _, u := range s.Applications[app].Units {
			if u.Agent.Current == "idle" {
				idle++
			}
		}
		if calm++; idle < units {
			calm = 0
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d units of %s are idle", idle, units, app)
		}
	}
	return nil
}

// units returns the units with their logs.
func (m model) units(ctx context.Context, app string) ([]unit, error) {
	s, err := m.status(ctx)
	if err != nil {
		return nil, err
	}
	var all []unit
	for name, info := range s.Applications[app].Units {
		u := unit{name: name, leader: info.Leader}
		text, err := m.juju(ctx, "exec", "-m", m.name, "--unit", name, "--",
			"cat "+cost.Log+" /var/lib/charm-rolling-ops*/transitions.log 2>/dev/null || true")
		if err == nil {
			err = u.read(text)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// read reads the lines of both logs.
func (u *unit) read(text string) error {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var either struct {
			cost.Hook
			TS string `json:"ts"`
		}
		if err := json.Unmarshal(lines.Bytes(), &either); err != nil {
			return fmt.Errorf("cannot read the logs of %s: %w", u.name, err)
		}
		if either.TS == "" {
			u.hooks = append(u.hooks, either.Hook)
			continue
		}
		t, err := charmfacts.ParseTransition(lines.Bytes())
		if err != nil {
			return fmt.Errorf("cannot read the logs of %s: %w", u.name, err)
		}
		u.transitions = append(u.transitions, transition{t.Time, t.Event})
	}
	return lines.Err()
}
