// Package integration_test runs the scripts in testdata/scripts with the charm's
// real programs on a simulated Juju model. How to write and run them is in
// docs/testing.md, what they can say in package steps.
package integration_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

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
	if sim.IsProgram(os.Args[0]) {
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(sim.ProgramMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	flag.Parse()
	code := m.Run()
	if err := os.RemoveAll(charms.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestScripts runs the scripts that hold on every Juju model, and those of
// testdata/scripts/sim, for which it takes a simulated one.
func TestScripts(t *testing.T) {
	dirs, err := charms.build()
	if err != nil {
		t.Fatal(err)
	}
	suite := steps.Suite{
		Open:  func(*testscript.Env) (steps.Backend, error) { return sim.New(dirs) },
		Limit: limit,
	}
	for _, dir := range []string{"testdata/scripts", "testdata/scripts/sim"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, suite.Params(dir))
		})
	}
}
