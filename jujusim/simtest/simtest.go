// Package simtest runs a charm on a simulated Juju model inside of go test.
//
// A charm's directory has an executable dispatch, in any language, and the YAML
// files that are packed with it. The test program itself is what the charm's hook
// tools and juju-exec are, so TestMain is Main's:
//
//	func TestMain(m *testing.M) { simtest.Main(m) }
//
//	func TestRoll(t *testing.T) {
//		simtest.Run(t, agent.Options{CharmDir: "../build/charm"}, 3, `
//			run all restart
//			wait idle
//			expect status all active
//			expect no-overlap
//		`)
//	}
//
// A script's steps are those of jujusim run: see [rolling-ops/jujusim/script].
// What a script can't say is done in Go on the model that [Deploy] returns:
//
//	model := simtest.Deploy(t, agent.Options{CharmDir: "../build/charm"}, 3)
//	result, err := model.RunAction(ctx, "my-charm/0", "restart", nil)
//
// Nothing needs Juju, LXD or root. When a test has failed, what the units printed
// and logged is in its output; whatever comes of it, no process is left.
package simtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
	"rolling-ops/jujusim/script"
)

// Limit is how long Run and Deploy take at most.
const Limit = 5 * time.Minute

// Main runs the tests and exits; it does not return. When the test program was
// started as one of a charm's hook tools it does that tool's work in place of
// the tests.
func Main(m *testing.M) {
	if agent.IsTool(os.Args[0]) {
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Deploy makes a model of the charm in opts.CharmDir, with so many units, and
// waits until they have settled. Of a subordinate charm units must be 0: see
// agent.Cluster.AddPrincipalUnit. The model lives as long as the test. If opts.Dir
// is empty it is a temporary directory.
func Deploy(t testing.TB, opts agent.Options, units int) *agent.Cluster {
	t.Helper()
	cluster := start(t, opts)
	play(t, cluster, script.Deployment(units), ".")
	return cluster
}

// Run deploys units as Deploy does and carries out the steps of a script: one a
// line. The test fails at the first that fails, with the output of all that went
// before it.
func Run(t testing.TB, opts agent.Options, units int, text string) {
	t.Helper()
	steps, err := script.Parse("script", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	play(t, start(t, opts), append(script.Deployment(units), steps...), ".")
}

// start makes a model without units, which ends with the test.
func start(t testing.TB, opts agent.Options) *agent.Cluster {
	t.Helper()
	if opts.Dir == "" {
		// Not t.TempDir, whose paths are too long for the sockets in there.
		dir, err := os.MkdirTemp("", "sim")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		opts.Dir = dir
	}
	// A program built for the race detector takes a second to exit unless told not
	// to, and hook tools may be such programs here.
	opts.Env = slices.Concat(charmfacts.Env(), []string{"GORACE=atexit_sleep_ms=0"}, opts.Env)
	cluster, err := agent.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := cluster.Close(); err != nil && !errors.Is(err, agent.ErrClosed) {
			t.Error(err)
		}
		if t.Failed() {
			showLogs(t, cluster.Dir())
		}
	})
	return cluster
}

func play(t testing.TB, cluster *agent.Cluster, steps []script.Step, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	var out strings.Builder
	if err := script.Run(ctx, cluster, steps, dir, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}

func showLogs(t testing.TB, dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	for _, path := range paths {
		log, err := os.ReadFile(path)
		if err != nil {
			log = []byte(err.Error())
		}
		t.Logf("%s:\n%s", filepath.Base(path), log)
	}
}
