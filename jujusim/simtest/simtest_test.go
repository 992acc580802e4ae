package simtest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/simtest"
)

func TestMain(m *testing.M) { simtest.Main(m) }

// charm is one in shell. Its peer relation is called cluster.
var charm = agent.Options{
	CharmDir: "../agent/testdata/charm",
	Env:      []string{"GATE_STATE={unit-dir}/state"},
}

func TestRun(t *testing.T) {
	simtest.Run(t, charm, 2, `
		expect status all active
		run leader share note=hello
		wait idle
		expect databag leader note hello
	`)
}

func TestDeploy(t *testing.T) {
	model := simtest.Deploy(t, charm, 2)
	result, err := model.RunAction(context.Background(), "gate/1", "greet", map[string]any{"name": "you"})
	if err != nil || result.Results["reply"] != "hello you" {
		t.Errorf("got %+v, %v", result, err)
	}
}

// recorder is a test that must not fail the one it is in.
type recorder struct {
	testing.TB
	fatal, log string
	cleanups   []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Failed() bool      { return r.fatal != "" }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any) { r.fatal += fmt.Sprint(args...) }
func (r *recorder) Fatal(args ...any) { r.fatal = fmt.Sprint(args...); panic(r) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	panic(r)
}
func (r *recorder) Logf(format string, args ...any) { r.log += fmt.Sprintf(format, args...) }

// record runs what is expected to fail a test.
func record(test func(t testing.TB)) (r *recorder) {
	r = &recorder{}
	defer func() {
		if got := recover(); got != nil && got != any(r) {
			panic(got)
		}
		for i := len(r.cleanups) - 1; i >= 0; i-- {
			r.cleanups[i]()
		}
	}()
	test(r)
	return r
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name, script, fatal, log string
	}{
		{"a step that fails", "run gate/0 greet\nrun gate/0 refuse", "script:2: run gate/0 refuse: refuse on gate/0 failed: as asked\n> deploy 1", "unit-gate-0.log:\n"},
		{"a script that is none", "frobnicate", `script:1: cannot parse: no step is called "frobnicate"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := record(func(t testing.TB) { simtest.Run(t, charm, 1, test.script) })
			if !strings.HasPrefix(r.fatal, test.fatal) || !strings.Contains(r.log, test.log) {
				t.Errorf("got %q, %q", r.fatal, r.log)
			}
		})
	}
	r := record(func(t testing.TB) { simtest.Deploy(t, agent.Options{CharmDir: os.DevNull}, 1) })
	if !strings.Contains(r.fatal, "cannot use charm") {
		t.Errorf("got %q", r.fatal)
	}
}
