package main

import (
	"os/exec"
	"testing"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/simtest"
)

func TestMain(m *testing.M) { simtest.Main(m) }

// The roll stops at the unit that is not well, and goes on when that is mended.
func TestRoll(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "rolling-ops/cmd/charmpack", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	simtest.Run(t, agent.Options{CharmDir: dir}, 3, `
		juju-exec config/1 "touch well"
		juju-exec config/2 "touch well"
		config "restart-command=touch restarted" "health-check=test -e well"
		wait status config/0 waiting "Awaiting restart: attempt [0-9]+ failed, others wait"
		config health-check=true
		wait idle
		expect status all active
		expect databag app granted_unit ''
		juju-exec config/0 "test -e restarted"
		juju-exec config/1 "test -e restarted"
		juju-exec config/2 "test -e restarted"
	`)
}
