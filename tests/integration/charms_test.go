package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"rolling-ops/tests/integration/sim"
	"rolling-ops/tests/integration/steps"
	"rolling-ops/tests/product"
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
			steps.RollingOps:  filepath.Join(b.dir, "rolling-ops"),
			steps.Subordinate: filepath.Join(b.dir, "subordinate"),
			steps.Other:       filepath.Join(b.dir, "other"),
		}
		if b.err = product.Charm(b.dirs[steps.RollingOps]); b.err != nil {
			return
		}
		if b.err = product.Subordinate(b.dirs[steps.Subordinate]); b.err != nil {
			return
		}
		b.err = otherCharm(b.dirs[steps.Other])
	})
	return b.dirs, b.err
}

// otherCharm makes the other charm's directory.
func otherCharm(dir string) error {
	if err := product.Program(filepath.Join(dir, "dispatch"), "rolling-ops/tests/integration/othercharm"); err != nil {
		return err
	}
	for _, path := range []string{"othercharm/metadata.yaml", "othercharm/actions.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot make the other charm: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o755); err != nil {
			return fmt.Errorf("cannot make the other charm: %w", err)
		}
	}
	return nil
}
