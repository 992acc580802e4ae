package processfaults

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// testManyHooks has 50 juju-execs ask for the worker's hook at once, while all
// units ask for the lock, too, and one is in its operation.
func testManyHooks(t *testing.T) {
	const execs = 50
	units := 10
	if thorough() {
		units = execs
	}
	w := deploy(t, units, setup{})
	begun := make(chan struct{})
	w.plan(until(begun))
	w.restart(w.units...)
	var wait sync.WaitGroup
	for i := range execs {
		unit := w.units[i%len(w.units)]
		command := "JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted " + filepath.Join(w.UnitDir(unit), "charm", "dispatch")
		cmd := exec.Command(filepath.Join(w.Dir(), "tools", "juju-exec"), "-u", unit, command)
		cmd.Env = append(os.Environ(), markerVariable+"="+w.marker)
		if err := cmd.Start(); err != nil {
			t.Error(err)
			continue
		}
		wait.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("juju-exec on %s: %v", unit, err)
			}
		})
	}
	close(begun)
	wait.Wait()
	w.drain()
	served := map[string]int{}
	for _, s := range w.verify() {
		served[s.Unit]++
	}
	for _, unit := range w.units {
		if served[unit] != 1 {
			t.Errorf("%s was in an operation %d times", unit, served[unit])
		}
	}
}
