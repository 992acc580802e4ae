package processfaults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"rolling-ops/jujusim/agent"
)

// What may be wrong with a hook tool, or with the agent that answers it.
const (
	fails   = "fails"   // at once, having done nothing
	loses   = "loses"   // does it, and then fails
	hangs   = "hangs"   // until gate.open, and then does it
	garbles = "garbles" // does it, and says nonsense
)

var toolFaults = []string{fails, loses, hangs, garbles}

// nonsense is neither an answer in gob nor one in JSON.
var nonsense = append([]byte("\x05\xff\x00{\"}[\xc3("), bytes.Repeat([]byte{0xfe, 7}, 100)...)

const (
	faultsVariable = "PROCESS_FAULTS_DIR" // the unit's directory of faults
	anyTool        = "any"
)

// toolMain is the main function of hook tools and juju-exec. If a fault is in
// the unit's directory for the tool, it is this call that it befalls.
func toolMain(args []string) int {
	fault, gate, _ := strings.Cut(takeFault(os.Getenv(faultsVariable), filepath.Base(args[0])), " ")
	switch fault {
	case fails:
		fmt.Fprintln(os.Stderr, "ERROR out of order")
		return 1
	case garbles:
		code := agent.ToolMain(args, os.Stdin, io.Discard, os.Stderr)
		os.Stdout.Write(nonsense)
		return code
	case loses:
		agent.ToolMain(args, os.Stdin, os.Stdout, os.Stderr)
		return 1
	case hangs:
		waitAt(gate)
	}
	return agent.ToolMain(args, os.Stdin, os.Stdout, os.Stderr)
}

// takeFault returns the fault for a tool, "" for none. It is another's no more.
func takeFault(dir, tool string) string {
	for _, name := range []string{tool, anyTool} {
		path := filepath.Join(dir, name)
		fault, err := os.ReadFile(path)
		if err == nil && os.Remove(path) == nil {
			return string(fault)
		}
	}
	return ""
}

// setFault has a fault befall the unit's next call of a hook tool, or of
// juju-exec.
func (w *world) setFault(unit, tool, fault string) {
	w.t.Helper()
	if p := w.proxies[unit]; p != nil && tool != "juju-exec" {
		p.setFault(tool, fault)
		return
	}
	if fault == hangs {
		fault += " " + w.gate.file.Name()
	}
	dir := w.faultsDir(unit)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		next := filepath.Join(w.dir, "fault") // so that nobody reads half a fault
		if err = os.WriteFile(next, []byte(fault), 0o600); err == nil {
			err = os.Rename(next, filepath.Join(dir, tool))
		}
	}
	w.check(err)
}

// hasFault tells whether a fault has befallen nobody yet.
func (w *world) hasFault(unit, tool string) bool {
	if p := w.proxies[unit]; p != nil && tool != "juju-exec" {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.fault != ""
	}
	_, err := os.Stat(filepath.Join(w.faultsDir(unit), tool))
	return err == nil
}

// awaitCall waits until a fault has befallen a call.
func (w *world) awaitCall(unit, tool string) {
	w.t.Helper()
	w.await(tool+" of "+unit+" is not called", func() bool { return !w.hasFault(unit, tool) })
}

func (w *world) faultsDir(unit string) string { return filepath.Join(w.dir, "faults", unit) }

// clearFaults takes back all faults that have befallen nobody yet.
func (w *world) clearFaults() {
	w.t.Helper()
	w.check(os.RemoveAll(filepath.Join(w.dir, "faults")))
	for _, p := range w.proxies {
		p.setFault("", "")
	}
}

// gate is a file that programs wait at: they wait until this process, which has
// it locked, closes it.
type gate struct{ file *os.File }

func newGate(dir string) (gate, error) {
	file, err := os.CreateTemp(dir, "gate")
	if err != nil {
		return gate{}, err
	}
	return gate{file}, flock(file, unix.LOCK_EX)
}

// openGates lets all calls go on that hang, or that are to hang.
func (w *world) openGates() {
	w.t.Helper()
	w.check(w.gate.file.Close())
	var err error
	w.gate, err = newGate(w.dir)
	w.check(err)
	for _, p := range w.proxies {
		p.open()
	}
}

// waitAt waits until the gate is opened.
func waitAt(path string) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	_ = flock(file, unix.LOCK_SH)
}

func flock(file *os.File, how int) error {
	for {
		if err := unix.Flock(int(file.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
