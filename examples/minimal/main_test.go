package main

import (
	"os/exec"
	"testing"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/simtest"
)

func TestMain(m *testing.M) { simtest.Main(m) }

// Three units touch their files, one at a time.
func TestRoll(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "rolling-ops/cmd/charmpack", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	simtest.Run(t, agent.Options{CharmDir: dir}, 3, `
		run all touch
		wait idle
		expect status all active
		expect databag app granted_unit ''
		juju-exec minimal/0 "test -s touched"
		juju-exec minimal/1 "test -s touched"
		juju-exec minimal/2 "test -s touched"
	`)
}
