package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/view"
)

// run is a script that runs.
type run struct {
	ctx     context.Context
	cluster *agent.Cluster
	out     io.Writer
	dir     string   // relative paths start here
	actions []string // ids of those that nobody has waited for yet
}

// Run carries out steps one after the other on a model until one fails, and
// writes what they have to tell to out. Relative paths in the script are
// relative to dir.
func Run(ctx context.Context, cluster *agent.Cluster, steps []Step, dir string, out io.Writer) error {
	r := &run{ctx: ctx, cluster: cluster, out: out, dir: dir}
	for _, step := range steps {
		fmt.Fprintf(out, "> %s\n", step.Text)
		cluster.Note("%s", step.Text)
		err := step.run(r)
		if ctx.Err() != nil {
			err = ctx.Err() // not what "!" is about
		} else if step.Fail && err == nil {
			err = errors.New("this had to fail and did not")
		} else if step.Fail {
			r.sayf("fails as it should: %v", err)
			err = nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %s: %w", step.File, step.Line, step.Text, err)
		}
	}
	return nil
}

// Deployment returns the steps that deploy n units and wait until they have
// settled: none if n is 0.
func Deployment(n int) []Step {
	if n == 0 {
		return nil
	}
	deploy := fmt.Sprintf("deploy %d", n)
	return []Step{
		{File: "-n", Text: deploy, run: func(r *run) error { return r.addUnits(n) }},
		{File: "-n", Text: "wait idle", run: func(r *run) error {
			ctx, cancel := context.WithTimeout(r.ctx, defaultLimit)
			defer cancel()
			return r.cluster.WaitIdle(ctx, false)
		}},
	}
}

// sayf prints a line below a step.
func (r *run) sayf(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(r.out, "  %s\n", line)
	}
}

// units resolves a word that names units.
func (r *run) units(word string) ([]string, error) {
	all, leader := r.cluster.Units(), r.cluster.Leader()
	var units []string
	for _, w := range strings.Split(word, ",") {
		switch w {
		case "all":
			units = append(units, all...)
		case "leader":
			if leader == "" {
				return nil, errors.New("nobody leads")
			}
			units = append(units, leader)
		case "follower", "followers":
			followers := slices.DeleteFunc(slices.Clone(all), func(u string) bool { return u == leader })
			if len(followers) == 0 {
				return nil, errors.New("there is no follower")
			}
			if w == "follower" {
				followers = followers[:1]
			}
			units = append(units, followers...)
		default:
			if !slices.Contains(all, w) {
				return nil, fmt.Errorf("there is no unit %s; there are: %s", w, strings.Join(all, ", "))
			}
			units = append(units, w)
		}
	}
	if len(units) == 0 {
		return nil, errors.New("there are no units: deploy some first")
	}
	return units, nil
}

func (r *run) unit(word string) (string, error) {
	units, err := r.units(word)
	if err != nil {
		return "", err
	}
	return units[0], nil
}

func (r *run) path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

func (r *run) addUnits(n int) error {
	for range n {
		if _, err := r.cluster.AddUnit(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) addPrincipalUnits(app string, n int) error {
	for range n {
		principal, unit, err := r.cluster.AddPrincipalUnit(app)
		if err != nil {
			return err
		}
		r.sayf("%s with %s", principal, unit)
	}
	return nil
}

// besides returns the unit beside a principal's, or "" if there is none.
func (r *run) besides(principal string) string {
	for _, p := range r.cluster.Principals() {
		if p.Name == principal {
			return p.Unit
		}
	}
	return ""
}

// actionParams reads KEY=VALUE words whose values are YAML.
func actionParams(words []string) (map[string]any, error) {
	params := map[string]any{}
	for _, word := range words {
		key, text, err := pair(word)
		if err != nil {
			return nil, err
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("value of %s: %w", key, err)
		}
		params[key] = value
	}
	return params, nil
}

func (r *run) runActions(units []string, action string, params map[string]any, background bool) error {
	ids := make([]string, len(units))
	for i, unit := range units {
		var err error
		if ids[i], err = r.cluster.StartAction(unit, action, params); err != nil {
			return err
		}
	}
	if background {
		r.actions = append(r.actions, ids...)
		return nil
	}
	return r.results(r.ctx, ids)
}

// waitActions waits for all actions that nobody has waited for yet.
func (r *run) waitActions(ctx context.Context) error {
	ids := r.actions
	r.actions = nil
	return r.results(ctx, ids)
}

// results waits for actions and prints what they answer. It is an error if
// one failed.
func (r *run) results(ctx context.Context, ids []string) error {
	var failed []error
	for _, id := range ids {
		result, err := r.cluster.WaitAction(ctx, id)
		if err != nil {
			return err
		}
		r.sayf("%s %s: %s", result.Unit, result.Name, result.Status)
		for _, line := range result.Log {
			r.sayf("  %s", line)
		}
		if len(result.Results) > 0 {
			text, err := yaml.Marshal(result.Results)
			if err != nil {
				return fmt.Errorf("cannot show results: %w", err)
			}
			r.sayf("  %s", strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  "))
		}
		if result.Status != jujusim.ActionCompleted {
			failed = append(failed, fmt.Errorf("%s on %s %s: %s", result.Name, result.Unit, result.Status, result.Message))
		}
	}
	return errors.Join(failed...)
}

func (r *run) exec(unit, command string) error {
	result, err := r.cluster.Exec(r.ctx, unit, command)
	if err != nil {
		return err
	}
	if out := string(result.Stdout) + string(result.Stderr); out != "" {
		r.sayf("%s", out)
	}
	if result.Code != 0 {
		return fmt.Errorf("exit code %d", result.Code)
	}
	return nil
}

// databagValue reads a key from the first peer relation that has it.
func (r *run) databagValue(s agent.Status, owner, key string) (string, error) {
	var databags []map[string]string
	if owner == "app" {
		for _, relation := range s.Relations {
			databags = append(databags, relation.Databag)
		}
	} else {
		unit, err := r.unit(owner)
		if err != nil {
			return "", err
		}
		for _, u := range s.Units {
			for _, relation := range s.Relations {
				if u.Name == unit {
					databags = append(databags, u.Databags[relation.ID])
				}
			}
		}
	}
	for _, databag := range databags {
		if value, ok := databag[key]; ok {
			return value, nil
		}
	}
	return "", nil
}

func (r *run) showStatus() error {
	var table strings.Builder
	if err := view.WriteTable(&table, view.Rows(r.cluster.Status())); err != nil {
		return err
	}
	r.sayf("%s", table.String())
	return nil
}

func (r *run) showUnit(unit string) error {
	show, err := r.cluster.ShowUnit(unit)
	if err != nil {
		return err
	}
	var text strings.Builder
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(show); err != nil {
		return fmt.Errorf("cannot show unit: %w", err)
	}
	r.sayf("%s", text.String())
	return nil
}

func (r *run) killWorker(unit string) error {
	killed, err := r.cluster.KillBackground(unit)
	for _, p := range killed {
		r.sayf("killed %v", p)
	}
	return err
}
