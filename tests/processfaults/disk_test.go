package processfaults

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// testDisk has the units' state directories on disks that take nothing. A roll
// goes on without logs, and without the worker's lock if need be.
func testDisk(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"no bytes", testNoBytes},
		{"no directory", testNoDirectory},
		{"full file system", func(t *testing.T) { testFullDisk(t, "size=64k", true) }},
		{"no inodes", func(t *testing.T) { testFullDisk(t, "size=16k,nr_inodes=2", false) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// roll has both units restart, one of them at the second attempt. It takes a
// worker for the leader's.
func (w *world) roll() {
	w.t.Helper()
	before := len(w.sections())
	w.plan(failing)
	w.restart(w.units...)
	w.drain()
	if got := w.verify()[before:]; len(got) != 3 {
		w.t.Errorf("in operation were %s", inOrder(got))
	}
}

// testNoBytes needs no privileges: files can be made, but nothing written to
// them, since dispatch and the worker run with a limit of 0 on their size.
func testNoBytes(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(charmDir)); err != nil {
		t.Fatal(err)
	}
	dispatch := filepath.Join(dir, "dispatch")
	if err := os.Rename(dispatch, dispatch+".real"); err != nil {
		t.Fatal(err)
	}
	limited := "#!/bin/sh\nulimit -f 0\nexec \"$0.real\"\n"
	if err := os.WriteFile(dispatch, []byte(limited), 0o700); err != nil {
		t.Fatal(err)
	}
	w := deploy(t, 2, setup{charm: dir, torn: true})
	w.roll()
	for _, file := range []string{"transitions.log", "rolling-ops-0.log"} {
		if info, err := os.Stat(w.stateOf("rolling-ops/0", file)); err != nil || info.Size() > 0 {
			t.Errorf("%s was to be there and empty: %v", file, err)
		}
	}
}

// testNoDirectory needs no privileges either: there is a file in the place of
// the state directory.
func testNoDirectory(t *testing.T) {
	w := deploy(t, 2, setup{torn: true, stateDir: "{unit-dir}/charm/metadata.yaml"})
	w.roll()
}

// testFullDisk has the state directories on a file system with no space, and
// then with some, which may be enough for the units. Where this process may not mount one, the tests that need no
// privileges have to do.
func testFullDisk(t *testing.T, size string, enough bool) {
	disk := t.TempDir()
	switch err := unix.Mount("none", disk, "tmpfs", 0, size); {
	case errors.Is(err, unix.EPERM):
		t.Log("not allowed to mount a tmpfs, so this is left to the disks with no bytes and with no directory")
		return
	case err != nil:
		t.Fatalf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("cannot unmount %s: %v", disk, err)
		}
	})
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	w := deploy(t, 2, setup{torn: true, stateDir: disk + "/{unit}"})
	w.roll()
	told := len(w.told())
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.roll()
	if more := len(w.told()) - told; more != 2 && enough {
		t.Errorf("with space on the disk there were %d operations of 2: %v", more, w.told()[told:])
	}
}

// fill writes a file until there is no space left.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, endless{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
