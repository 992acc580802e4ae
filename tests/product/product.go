// Package product gives tests the project's charm and programs as they are
// shipped, to be run as processes.
//
// go test takes a test's result from its cache unless something has changed that
// the test is compiled from or has read itself. What a test has the go command
// build or list is neither, so [Watch] reads the source tree in the test's name.
package product

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Charm makes the charm, as a directory like a unit's.
func Charm(dir string) error { return charm("rolling-ops", dir) }

// Subordinate makes the charm for the machines of other applications in the same way.
func Subordinate(dir string) error { return charm("rolling-ops-subordinate", dir) }

func charm(name, dir string) error {
	root, err := Watch()
	if err != nil {
		return err
	}
	return run("run", "rolling-ops/internal/pack", "-root", root, "-charm", name, "-dir", dir)
}

// Program builds the program of a package into a file, as those of the charm are
// built.
func Program(file, pkg string) error {
	if _, err := Watch(); err != nil {
		return err
	}
	return run("build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, pkg)
}

func run(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// inputs are the files, besides the Go code, on which it depends what the charm does.
var inputs = []string{"go.mod", "go.sum", "actions.yaml", "config.yaml", "metadata.yaml", "charms/subordinate/metadata.yaml"}

// Watch makes those and all of the project's Go code an input of the test that calls
// it: go test runs that again when any of it has changed. It returns the project's
// directory.
func Watch() (root string, err error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the project's directory: %w", err)
	}
	root = filepath.Dir(strings.TrimSpace(string(out)))
	for _, name := range inputs {
		_, missing := os.Stat(filepath.Join(root, name))
		err = errors.Join(err, missing)
	}
	for _, dir := range []string{"cmd", "examples", "hooktool", "internal", "jujusim", "roll", "tests"} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(root, dir), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "testdata" {
				return fs.SkipDir
			}
			return err // reading a directory was all: go test looks at the files in it
		}))
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the project's directory: %w", err)
	}
	return root, nil
}
