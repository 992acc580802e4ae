package agent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Every process that a model starts gets these in its environment, and what
// it starts in turn inherits them: so the model finds its own again, whatever
// session they moved to.
const (
	idVariable  = "JUJUSIM_ID"  // MODEL:UNIT
	dirVariable = "JUJUSIM_DIR" // the model's directory, where juju-exec finds the agents
)

// Process is one that a hook left behind, or that runs as part of one.
type Process struct {
	PID     int    `json:"pid"`
	PGID    int    `json:"pgid"`
	Unit    string `json:"unit"`
	Command string `json:"command"`
}

func (p Process) String() string {
	return fmt.Sprintf("%s: %s (pid %d)", p.Unit, p.Command, p.PID)
}

// findProcesses returns the live processes marked with the model's id, by pid.
func findProcesses(id string) ([]Process, error) {
	found, err := scan(id)
	if err == nil && len(found) == 0 {
		// One may have handed over to a child of a lower pid, that the first scan
		// had passed already.
		found, err = scan(id)
	}
	return found, err
}

func scan(id string) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if p, ok := inspect(pid, id); ok {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found, nil
}

// inspect reads one process. It may be gone, a zombie or another user's: then
// its environment can't be read and it is not ours.
func inspect(pid int, id string) (Process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	prefix := []byte(idVariable + "=" + id + ":")
	for entry := range bytes.SplitSeq(environ(dir), []byte{0}) {
		if unit, ok := bytes.CutPrefix(entry, prefix); ok {
			command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			pgid, _ := syscall.Getpgid(pid)
			return Process{
				PID:     pid,
				PGID:    pgid,
				Unit:    string(unit),
				Command: strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " ")),
			}, true
		}
	}
	return Process{}, false
}

// environ reads the environment of the process at dir in /proc. For a moment in
// the middle of an exec it is empty, as that of a kernel thread always is,
// which has no program either.
func environ(dir string) []byte {
	const tries = 10
	for range tries {
		data, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || len(data) > 0 {
			return data
		}
		if _, err := os.Readlink(filepath.Join(dir, "exe")); err != nil {
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil
}

// signal sends sig to p, or does nothing if it is gone. The process is looked at
// again once it is held through a pidfd, so that a pid that was used anew
// meanwhile is left alone.
func (p Process) signal(id string, sig os.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return nil // gone
	}
	defer handle.Release()
	if _, ok := inspect(p.PID, id); !ok {
		return nil
	}
	if err := handle.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot signal %v: %w", p, err)
	}
	return nil
}
