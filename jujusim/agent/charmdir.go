package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"rolling-ops/jujusim"
)

// installCharm puts a copy of the charm in source at dir, in the place of the
// one that is there: units have a charm directory each, as on machines of
// their own. Files are never written over, so that what still runs from the
// old one is not disturbed.
func installCharm(source, dir string) error {
	next := dir + ".new"
	if err := os.RemoveAll(next); err != nil {
		return fmt.Errorf("cannot install charm: %w", err)
	}
	if err := os.CopyFS(next, os.DirFS(source)); err != nil {
		return fmt.Errorf("cannot install charm: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("cannot install charm: %w", err)
	}
	if err := os.Rename(next, dir); err != nil {
		return fmt.Errorf("cannot install charm: %w", err)
	}
	return nil
}

// checkCharm says early what would otherwise fail in every hook.
func checkCharm(dir string) error {
	info, err := os.Stat(filepath.Join(dir, "dispatch"))
	if err != nil {
		return fmt.Errorf("cannot use charm: %s must be a directory with an executable dispatch in it: %w", dir, err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("cannot use charm: %s is not an executable file", filepath.Join(dir, "dispatch"))
	}
	return nil
}

// linkTools fills dir with one symbolic link to executable for each hook tool
// and each name of juju-exec.
func linkTools(dir, executable string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot make hook tools: %w", err)
	}
	for _, name := range slices.Concat(jujusim.Tools(), execNames) {
		if err := os.Symlink(executable, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("cannot make hook tools: %w", err)
		}
	}
	return nil
}
