// Package integration_test runs the scripts in testdata/scripts with the charm's
// real programs on a simulated Juju model. How to write and run them is in
// docs/testing.md, what they can say in package steps.
package integration_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rolling-ops/internal/jujusim/agent"
	"rolling-ops/tests/integration/sim"
	"rolling-ops/tests/integration/steps"
)

// limit is how long a step may take: long enough for a busy machine, as only a
// script that fails ever waits for so long.
const limit = 60 * time.Second

// parallel is how many scripts run at the same time if the command line does not
// say so: they spend most of their time waiting for delays.
const parallel = "4"

func TestMain(m *testing.M) {
	if agent.IsTool(os.Args[0]) {
		os.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestScripts runs the scripts that hold on every Juju model, and those of
// testdata/scripts/sim, for which it takes a simulated one.
func TestScripts(t *testing.T) {
	charms := buildCharms(t)
	suite := steps.Suite{
		Open:  func(*testscript.Env) (steps.Backend, error) { return sim.New(charms) },
		Limit: limit,
	}
	for _, dir := range []string{"testdata/scripts", "testdata/scripts/sim"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, suite.Params(dir))
		})
	}
}

// buildCharms builds the charms that the scripts deploy, as unpacked charm
// directories.
func buildCharms(t *testing.T) sim.Charms {
	t.Helper()
	dir := t.TempDir()
	const root = "../.."
	charms := sim.Charms{
		steps.RollingOps: filepath.Join(dir, "rolling-ops"),
		steps.Other:      filepath.Join(dir, "other"),
	}
	build(t, charms[steps.RollingOps], root, "rolling-ops/cmd/dispatch", "metadata.yaml", "config.yaml", "actions.yaml")
	build(t, charms[steps.Other], "othercharm", "rolling-ops/tests/integration/othercharm", "metadata.yaml", "actions.yaml")
	return charms
}

// build makes a charm directory of a dispatch program, the worker and files from
// the directory source.
func build(t *testing.T, dir, source, dispatch string, files ...string) {
	t.Helper()
	goBuild(t, filepath.Join(dir, "dispatch"), dispatch)
	goBuild(t, filepath.Join(dir, "worker"), "rolling-ops/cmd/worker")
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func goBuild(t *testing.T, output, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", output, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", pkg, err, out)
	}
}
