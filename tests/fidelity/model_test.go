package fidelity_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/simtest"
	"rolling-ops/tests/fidelity"
	"rolling-ops/tests/integration/steps"
)

// limit is how long all scenarios may take: long enough for a busy machine.
const limit = 10 * time.Minute

func TestMain(m *testing.M) { simtest.Main(m) }

var rewrite = flag.Bool("rewrite", false, "rewrite the golden transcripts of the probe")

// TestProbe plays the probe's scenarios on the simulated model. What a charm sees
// there is in the golden files; that it is what a real one sees is checked by the
// test of the same name in tests/integration/juju.
func TestProbe(t *testing.T) {
	t.Parallel()
	// Units run side by side. On a busy machine one may hear of something before
	// or after it is given an action, and Juju allows both: in its events, and in
	// nothing else, the golden transcript of a scenario is one of the possible
	// runs, which has to come up in a few.
	const runs = 3
	left := probeOnce(t)
	for run := 1; len(left) > 0 && !t.Failed(); run++ {
		if run == runs {
			t.Fatalf("none of %d runs had the events of testdata in %v", runs, slices.Collect(maps.Keys(left)))
		}
		differs := probeOnce(t)
		maps.DeleteFunc(left, func(scenario string, _ bool) bool { return !differs[scenario] })
	}
}

// probeOnce runs the probe on a new model and returns the scenarios whose
// transcripts differ from the golden ones in their events. Other differences are
// errors.
func probeOnce(t *testing.T) (differ map[string]bool) {
	t.Helper()
	differ = map[string]bool{}
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		t.Fatal(err)
	}
	model := &probed{dir: filepath.Join(dir, "m")}
	t.Cleanup(func() {
		_, err := model.Close()
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	fidelity.Run(ctx, t, model, func(transcript fidelity.Transcript) {
		golden := filepath.Join("testdata", transcript.Name+".golden")
		if *rewrite {
			if err := os.WriteFile(golden, []byte(transcript.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fidelity.WithoutEvents(string(want)), fidelity.WithoutEvents(transcript.Text)); diff != "" {
			t.Errorf("%s, without events (-want +got):\n%s", golden, diff)
		}
		if diff := cmp.Diff(string(want), transcript.Text); diff != "" {
			t.Logf("%s (-want +got):\n%s", golden, diff)
			differ[transcript.Name] = true
		}
	})
	return differ
}

// retryDelay leaves time for an action between the attempts of a hook.
const retryDelay = 2 * time.Second

const probeCharm = "testdata/charm"

// probed is a simulated model with the probe on it.
type probed struct {
	*agent.Cluster
	dir string
}

func (p *probed) Deploy(ctx context.Context, d steps.Deployment) error {
	cluster, err := agent.New(agent.Options{
		CharmDir: probeCharm, Dir: p.dir, App: steps.Application, RetryDelay: retryDelay,
	})
	if err != nil {
		return err
	}
	p.Cluster = cluster
	return p.AddUnits(ctx, d.Units)
}

func (p *probed) AddUnits(_ context.Context, n int) error {
	for range n {
		if _, err := p.AddUnit(); err != nil {
			return err
		}
	}
	return nil
}

func (p *probed) RemoveUnit(_ context.Context, unit string, force bool) error {
	return p.Cluster.RemoveUnit(unit, force)
}

func (p *probed) SetConfig(_ context.Context, options map[string]string) error {
	return p.Cluster.SetConfig(options)
}

func (p *probed) Refresh(context.Context, steps.Charm) error { return p.Cluster.Refresh(probeCharm) }

func (p *probed) RunAction(ctx context.Context, unit, action string, params map[string]any) (steps.ActionResult, error) {
	result, err := p.Cluster.RunAction(ctx, unit, action, params)
	return steps.ActionResult{
		Status: result.Status, Message: result.Message, Results: result.Results, Log: result.Log,
	}, err
}

func (p *probed) State(context.Context) (steps.State, error) {
	status := p.Status()
	var state steps.State
	for _, u := range status.Units {
		state.Units = append(state.Units, steps.Unit{
			Name: u.Name, Leader: u.Leader, Status: u.Status, Message: u.Message, Idle: u.Idle(),
		})
	}
	return state, nil
}

// Machine runs a command outside of all hooks.
func (p *probed) Machine(ctx context.Context, _, command string) (steps.ExecResult, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(p.dir, "tools")+":"+os.Getenv("PATH"))
	stdout, err := cmd.Output()
	result := steps.ExecResult{Stdout: string(stdout)}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		result.Code, result.Stderr, err = exit.ExitCode(), string(exit.Stderr), nil
	}
	return result, err
}

func (p *probed) Leisure() time.Duration { return 2 * time.Second }

func (p *probed) Settle(context.Context) error { return nil }

func (p *probed) AwaitCommand(ctx context.Context, unit string) error {
	for {
		changed := p.Changed()
		if p.Commands(unit) > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *probed) UpdateStatus(_ context.Context, unit string, ran func()) error {
	if err := p.Cluster.UpdateStatus(unit); err != nil {
		return err
	}
	ran()
	return nil
}

func (p *probed) RestartAgent(_ context.Context, unit string) error {
	return p.Cluster.RestartAgent(unit)
}
