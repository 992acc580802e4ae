package sim

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rolling-ops/jujusim/simtest"
	"rolling-ops/tests/integration/steps"
)

func TestMain(m *testing.M) { simtest.Main(m) }

// charm is the least that a subordinate charm can be.
var charm = map[string]string{
	"metadata.yaml": `
name: rolling-ops
subordinate: true
peers: {restart: {interface: rolling_op}}
requires: {host: {interface: juju-info, scope: container}}
`,
	"dispatch": `#!/bin/sh
case $JUJU_DISPATCH_PATH in hooks/start) status-set active ;; esac
`,
}

// TestSteps plays the steps that a subordinate charm and reboots need, without the
// charm of this project.
func TestSteps(t *testing.T) {
	dir := t.TempDir()
	for name, text := range charm {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	suite := steps.Suite{
		Open:  func(*testscript.Env) (steps.Backend, error) { return New(Charms{steps.RollingOps: dir}) },
		Limit: time.Minute,
	}
	testscript.Run(t, suite.Params("testdata"))
}
