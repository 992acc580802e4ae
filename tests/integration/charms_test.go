package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"rolling-ops/tests/integration/sim"
	"rolling-ops/tests/integration/steps"
)

// charms are the charms that the scripts deploy, as directories like a unit's.
var charms builder

// builder builds the charms once, however often the tests run.
type builder struct {
	once sync.Once
	dir  string // to be removed in the end
	dirs sim.Charms
	err  error
}

func (b *builder) build() (sim.Charms, error) {
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "charms"); b.err != nil {
			return
		}
		b.dirs = sim.Charms{
			steps.RollingOps: filepath.Join(b.dir, "rolling-ops"),
			steps.Other:      filepath.Join(b.dir, "other"),
		}
		worker := filepath.Join(b.dir, "worker")
		if b.err = goBuild(worker, "rolling-ops/cmd/worker"); b.err != nil {
			return
		}
		b.err = assemble(b.dirs[steps.RollingOps], "rolling-ops/cmd/dispatch",
			worker, "../../metadata.yaml", "../../config.yaml", "../../actions.yaml")
		if b.err != nil {
			return
		}
		b.err = assemble(b.dirs[steps.Other], "rolling-ops/tests/integration/othercharm",
			worker, "othercharm/metadata.yaml", "othercharm/actions.yaml")
	})
	return b.dirs, b.err
}

// assemble makes a charm directory of a dispatch program and copies of files.
func assemble(dir, dispatch string, files ...string) error {
	if err := goBuild(filepath.Join(dir, "dispatch"), dispatch); err != nil {
		return err
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot assemble charm: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o755); err != nil {
			return fmt.Errorf("cannot assemble charm: %w", err)
		}
	}
	return nil
}

func goBuild(output, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", output, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
