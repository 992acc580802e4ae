package processfaults

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rolling-ops/jujusim/agent"
)

// processes returns the unit's live processes of a program, that of the first
// word of their command line.
func (w *world) processes(unit, program string) []agent.Process {
	w.t.Helper()
	all, err := w.Processes()
	if err != nil {
		w.t.Error(err)
	}
	var found []agent.Process
	for _, p := range all {
		path, _, _ := strings.Cut(p.Command, " ")
		if p.Unit == unit && filepath.Base(path) == program {
			found = append(found, p)
		}
	}
	return found
}

// signal waits for a process of the unit's that runs a program, and signals it.
func (w *world) signal(unit, program string, sig syscall.Signal) {
	w.t.Helper()
	w.await(fmt.Sprintf("no %s of %s to be sent %v", program, unit, sig), func() bool {
		return w.trySignal(unit, program, sig)
	})
}

func (w *world) trySignal(unit, program string, sig syscall.Signal) bool {
	w.t.Helper()
	found := w.processes(unit, program)
	for _, p := range found {
		if err := w.Signal(p, sig); err != nil {
			w.t.Error(err)
		}
	}
	return len(found) > 0
}

// marked lists the processes with the world's marker in their environment,
// whoever started them.
func (w *world) marked() []string {
	w.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.t.Error(err)
	}
	var found []string
	for _, entry := range entries {
		env, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err == nil && bytes.Contains(env, []byte(markerVariable+"="+w.marker)) {
			command, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
			found = append(found, entry.Name()+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// close ends the world. No process may have been left: a test waits for all of
// them.
func (w *world) close() {
	w.t.Helper()
	if w.t.Failed() {
		w.report()
	}
	var left []agent.Process
	var err error
	if w.Cluster != nil {
		if !w.t.Failed() {
			if processes := w.marked(); len(processes) > 0 {
				w.t.Errorf("processes left behind: %q", processes)
			}
		}
		left, err = w.Close()
	}
	if err != nil || !w.t.Failed() && len(left) > 0 {
		w.t.Errorf("processes left behind: %v, %v", left, err)
	}
	if processes := w.marked(); len(processes) > 0 {
		w.t.Errorf("processes outlived the model: %q", processes)
	}
	for _, p := range w.proxies {
		p.close()
	}
	if w.witnesses != nil {
		if err := w.witnesses.close(); err != nil {
			w.t.Error(err)
		}
	}
	if w.gate.file != nil {
		w.gate.file.Close()
	}
}

// report shows how it came to a failure.
func (w *world) report() {
	w.t.Helper()
	if w.Cluster == nil {
		return
	}
	var out strings.Builder
	for _, u := range w.Status().Units {
		fmt.Fprintf(&out, "%s leader=%v %s %q agent=%s doing=%q pending=%q %v\n", u.Name, u.Leader, u.Status, u.Message,
			u.Agent, u.Doing, u.Pending, u.Databags)
	}
	fmt.Fprintf(&out, "application: %v\nprocesses: %q\n", w.Status().Relations[0].Databag, w.marked())
	const lines = 150
	trace := w.Trace()
	for _, e := range trace[max(0, len(trace)-lines):] {
		fmt.Fprintf(&out, "%s %-13s %-14s %s %s %d %s %v\n", e.Time.Format(clock), e.Kind, e.Unit, e.Hook, e.Remote, e.Code, e.Text, e.Writes)
	}
	for _, unit := range w.units {
		name := strings.ReplaceAll(unit, "/", "-")
		log, _ := os.ReadFile(w.stateOf(unit, name+".log"))
		fmt.Fprintf(&out, "worker of %s:\n%s", unit, log[max(0, len(log)-4000):])
	}
	w.t.Log(out.String())
}
