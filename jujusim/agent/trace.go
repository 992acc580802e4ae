package agent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"rolling-ops/jujusim"
)

// Kind says what an Event tells of.
type Kind string

// The kinds of events that the model does not know of; the others are named
// after jujusim's: hook-began, unit-added, leader-changed ...
const (
	Fault Kind = "fault" // Text: what was done to the unit
	Said  Kind = "said"  // Text: a step of a script, or what it had to tell
)

// Event is one line of a model's trace.
type Event struct {
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	Unit string    `json:"unit,omitempty"`
	// Hook is the dispatch path of what began or ended; "juju-exec" is in front
	// of it, or of the command, if it came that way. Remote is the unit that a
	// relation hook is about.
	Hook   string `json:"hook,omitempty"`
	Remote string `json:"remote,omitempty"`
	Code   int    `json:"code,omitempty"` // the exit code; -1 if killed
	Status string `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
	// Writes are the databag changes that a hook committed.
	Writes []jujusim.Write `json:"writes,omitempty"`
	Cost   *Cost           `json:"cost,omitempty"` // of what ended
}

// Cost is what one hook took, with all the processes that it waited for.
type Cost struct {
	Wall      time.Duration `json:"wall_ns"`
	CPU       time.Duration `json:"cpu_ns"`
	ToolCalls int           `json:"tool_calls"`
	ToolBytes int           `json:"tool_bytes"` // arguments, stdin and output of the hook tools
}

// trace keeps what happened and passes each event on.
type trace struct {
	notify func(Event)

	mu     sync.Mutex
	events []Event
}

func (t *trace) add(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Time = time.Now()
	t.events = append(t.events, e)
	if t.notify != nil {
		t.notify(e)
	}
}

func (t *trace) all() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.events)
}

// convert puts an event of the model in the trace's form.
func convert(e jujusim.Event) Event {
	out := Event{Kind: Kind(e.Kind.String()), Unit: e.Unit, Code: e.Exit, Writes: e.Writes}
	switch e.Kind {
	case jujusim.HookBegan, jujusim.HookEnded, jujusim.HookKilled, jujusim.ActionQueued, jujusim.ExecLost:
		out.Hook = hookName(e.Run)
		out.Remote = e.Run.RemoteUnit
	case jujusim.StatusSet, jujusim.AppStatusSet:
		out.Status, out.Text = e.Status.Status, e.Status.Message
	case jujusim.Logged:
		out.Status, out.Text = e.Level, e.Message
	case jujusim.ActionLogged:
		out.Text = e.Message
	case jujusim.ActionEnded:
		out.Hook = "actions/" + e.Action.Name
		out.Status, out.Text = e.Action.Status, e.Action.Message
	case jujusim.Refreshed:
		out.Text = fmt.Sprintf("revision %d", e.Revision)
	}
	if e.Err != nil {
		out.Text = e.Err.Error()
	}
	return out
}

var dispatchPattern = regexp.MustCompile(`(?:^|\s)JUJU_DISPATCH_PATH=(\S+)`)

// hookName is what a run is called in traces and logs: its dispatch path. A
// juju-exec command is called by the one that it sets, or else by itself.
func hookName(run jujusim.Run) string {
	if run.Kind != jujusim.ExecRun {
		return run.DispatchPath()
	}
	if m := dispatchPattern.FindStringSubmatch(run.Command); m != nil {
		return "juju-exec " + m[1]
	}
	return "juju-exec " + run.Command
}

// fullName is hookName with what the hook is about.
func fullName(run jujusim.Run) string {
	return strings.TrimSpace(hookName(run) + " " + run.RemoteUnit)
}
