package charm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTransitionLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "transitions.log")
	log := TransitionLog(path)
	at := time.Date(2026, 5, 4, 12, 0, 0, 5000, time.UTC)
	for _, transition := range []Transition{
		{at, "a/0", "action:restart", map[string]any{"delay": int64(1), "max-retry": 2}},
		{at.Add(time.Second), "a/1", "_restart:start", map[string]any{}},
	} {
		if err := log.Record(transition); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ts":"2026-05-04T12:00:00.000005+00:00","unit":"a/0","event":"action:restart","parameters":{"delay":1,"max-retry":2}}
{"ts":"2026-05-04T12:00:01.000005+00:00","unit":"a/1","event":"_restart:start","parameters":{}}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode&^0o640 != 0 {
		t.Errorf("mode %v", mode)
	}
}

func TestTransitionLogErrors(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "target"), link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	linked := filepath.Join(dir, "linked")
	open := filepath.Join(dir, "open")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Symlink(t.TempDir(), linked),
		os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]TransitionLog{
		"directory":        TransitionLog(dir),
		"link":             TransitionLog(link),
		"no parent":        "/dev/null/state/transitions.log",
		"FIFO":             TransitionLog(fifo), // must not wait for a reader
		"linked directory": TransitionLog(filepath.Join(linked, "transitions.log")),
		"open to all":      TransitionLog(filepath.Join(open, "transitions.log")),
	} {
		if err := log.Record(Transition{Event: "_restart:start"}); err == nil || !strings.HasPrefix(err.Error(), "cannot record _restart:start: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "target")); err == nil {
		t.Error("a link was followed")
	}
	if _, err := os.Stat(filepath.Join(linked, "transitions.log")); err == nil {
		t.Error("a linked directory was written to")
	}
}

func TestTransitionLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transitions.log")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxTransitions+1); err != nil {
		t.Fatal(err)
	}
	if err := TransitionLog(path).Record(Transition{Event: "_restart:start"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{path: true, path + ".1": false} {
		if info, err := os.Stat(name); err != nil || info.Size() < 1000 != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
