package juju

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/juju/juju/api/client/action"

	"rolling-ops/tests/fidelity"
	"rolling-ops/tests/integration/steps"
)

// probeLimit is how long all scenarios of the probe may take.
const probeLimit = 30 * time.Minute

// TestProbe plays the probe's scenarios, and compares what a charm sees here
// with what it sees on the simulated model. PROBE_TRANSCRIPTS names a directory
// to write the transcripts to.
func TestProbe(t *testing.T) {
	t.Parallel() // to the scripts: it waits most of its time
	setup := suite.setup
	setup.Logf = t.Logf
	setup.Charms = maps.Clone(setup.Charms)
	setup.Charms[fidelity.Charm] = filepath.Join(t.TempDir(), "probe.charm")
	if err := packProbe(setup.Charms[fidelity.Charm], setup.Arch); err != nil {
		t.Fatal(err)
	}
	table := differences(t)
	left := probeOnce(t, setup, "rolling-ops-probe", table)
	if len(left) > 0 && !t.Failed() {
		// Juju leaves open when a unit hears of what happens elsewhere.
		t.Logf("once more, for the events of %v", slices.Collect(maps.Keys(left)))
		differ := probeOnce(t, setup, "rolling-ops-probe-again", table)
		maps.DeleteFunc(left, func(scenario, _ string) bool { return differ[scenario] == "" })
		for scenario, report := range left {
			t.Errorf("%s differs twice in its events from the simulated model; the first time:\n%s", scenario, report)
		}
	}
	for _, row := range table.Unmet() {
		t.Logf("not met this time: %+v", row)
	}
}

// probeOnce runs the probe on a new model, and reports the scenarios that differ
// from the simulated model in their events. Other differences are errors.
func probeOnce(t *testing.T, setup Setup, name string, table *fidelity.Table) (differ map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	model, err := NewModel(ctx, suite.controller, name, setup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := model.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	differ = map[string]string{}
	fidelity.Run(ctx, t, probed{model}, func(transcript fidelity.Transcript) {
		golden, err := os.ReadFile("../../fidelity/testdata/" + transcript.Name + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if report := table.Compare(transcript.Name, fidelity.WithoutEvents(string(golden)), fidelity.WithoutEvents(transcript.Text)); report != "" {
			t.Errorf("%s differs from the simulated model in what docs/simulated-model.md does not list:\n%s", transcript.Name, report)
		}
		if report := table.Compare(transcript.Name, string(golden), transcript.Text); report != "" {
			t.Logf("%s, with its events:\n%s", transcript.Name, report)
			differ[transcript.Name] = report
		}
		if dir := os.Getenv("PROBE_TRANSCRIPTS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, transcript.Name+".txt"), []byte(transcript.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
	return differ
}

// differences returns those that may be.
func differences(t *testing.T) *fidelity.Table {
	t.Helper()
	document, err := os.ReadFile("../../../docs/simulated-model.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := fidelity.Differences(string(document))
	if err != nil {
		t.Fatal(err)
	}
	return fidelity.NewTable(rows)
}

func packProbe(path, arch string) error {
	cannot := func(err error) error { return fmt.Errorf("cannot pack the probe: %w", err) }
	extra := filepath.Join(filepath.Dir(path), "manifest.yaml")
	if err := os.WriteFile(extra, fmt.Appendf(nil, manifest, arch), 0o600); err != nil {
		return cannot(err)
	}
	archive, err := os.Create(path)
	if err != nil {
		return cannot(err)
	}
	defer archive.Close()
	if err := zipFiles(archive, extra, "../../fidelity/testdata/charm/*"); err != nil {
		return cannot(err)
	}
	return nil
}

// probed is a model with the probe on it.
type probed struct{ *Model }

// Machine runs a command as root, by the agent of the unit's machine.
func (p probed) Machine(ctx context.Context, unit, command string) (steps.ExecResult, error) {
	for pause := range backoff(ctx, maxPause) {
		machines, err := p.machines(ctx)
		if err != nil {
			return steps.ExecResult{}, err
		}
		machine, ok := machines[unit]
		if !ok {
			pause()
			continue
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(command))
		return p.execOn(ctx, action.RunParams{Machines: []string{machine}},
			"sudo -n sh -c \"$(echo "+encoded+" | base64 -d)\"")
	}
	return steps.ExecResult{}, context.Cause(ctx)
}

// UnitDir is where Juju keeps what is a unit's.
func (p probed) UnitDir(unit string) string {
	return "/var/lib/juju/agents/unit-" + strings.ReplaceAll(unit, "/", "-")
}

// Leisure is enough for an action, or two.
func (p probed) Leisure() time.Duration { return 30 * time.Second }

// UpdateStatus has update-status come as often as Juju allows for a while.
func (p probed) UpdateStatus(ctx context.Context, _ string, ran func()) error {
	if err := p.Configure(ctx, map[string]any{updateStatusInterval: "1m"}); err != nil {
		return err
	}
	ran()
	if err := p.Configure(ctx, map[string]any{updateStatusInterval: longestInterval}); err != nil {
		return err
	}
	return p.Settle(ctx)
}

// Settle waits until units have surely heard what was asked of them.
func (p probed) Settle(ctx context.Context) error {
	pause(ctx, settle)
	return ctx.Err()
}

// AwaitCommand waits until a command has surely reached the unit's agent.
func (p probed) AwaitCommand(ctx context.Context, _ string) error { return p.Settle(ctx) }

// RestartAgent restarts a unit's agent, and waits until it is there again.
func (p probed) RestartAgent(ctx context.Context, unit string) error {
	if err := p.Model.RestartAgent(ctx, unit); err != nil {
		return err
	}
	pause(ctx, settle)
	_, err := p.Machine(ctx, unit, "true")
	return err
}
