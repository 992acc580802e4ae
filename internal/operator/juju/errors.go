package juju

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
)

// Kind is what kind of failure an Error is, as far as juju's words tell.
type Kind int

const (
	Other Kind = iota
	NotInstalled
	NotLoggedIn
	NoModel
	Unreachable
	NotAllowed
	NoAction // the charm has no such action
	NoUnit
	NoLeader
	TimedOut // juju no longer waits for a task
)

// Error is a failure of a call of juju.
type Error struct {
	Verb string // of juju
	Text string // what juju said, one line
	Kind Kind
}

func (e *Error) Error() string {
	text := "juju " + e.Verb + ": " + e.Text
	if hint := hints[e.Kind]; hint != "" {
		text += "\n" + hint
	}
	return text
}

// hints say what to do next.
var hints = map[Kind]string{
	NotInstalled: "Install the juju client, or put the folder that has it on PATH.",
	NotLoggedIn:  "Log in first: juju login; juju controllers lists the controllers that are known here.",
	NoModel:      "Name a model with -m CONTROLLER:MODEL; juju models lists them.",
	Unreachable: "The controller can't be reached. Nothing is known and nothing was changed; a rollout stands still\n" +
		"while the units can't reach the controller either, and goes on by itself afterwards.",
	NotAllowed: "You may only read this model: status, plan and history work. Its owner can grant more:\n" +
		"juju grant USER write MODEL (admin for release and clear if the model is so restricted).",
	NoAction: "The application's charm has no such action: it is older than this program. Upgrade it with juju refresh;\n" +
		"until then ask unit by unit: juju run UNIT restart.",
	NoLeader: "The application has no leader now. Juju elects one within a minute: try again.",
}

// What juju 3 and 4 say, most special first.
var kinds = []struct {
	kind Kind
	says *regexp.Regexp
}{
	{NoAction, regexp.MustCompile(`action "?[^"]*"? not defined|actions? not defined|no actions defined`)},
	{TimedOut, regexp.MustCompile(`timed out waiting for results|timeout reached`)},
	{NoLeader, regexp.MustCompile(`could not determine leader|no leader|leader (unit )?not found`)},
	{NotLoggedIn, regexp.MustCompile(`(?i)no controllers registered|not logged|please enter password|invalid entity name or password|` +
		`no credentials provided|login (is )?required|use .?juju login|no selected controller|no current controller`)},
	{NoModel, regexp.MustCompile(`model .*not found|no model (selected|in focus)|No selected model|controller .* not found`)},
	{NotAllowed, regexp.MustCompile(`permission denied|unauthorized access`)},
	{NoUnit, regexp.MustCompile(`unit .* not found`)},
	{Unreachable, regexp.MustCompile(`unable to connect to API|cannot connect to|connection refused|i/o timeout|no route to host|network is unreachable|` +
		`no such host|connection (is )?shut down|handshake|opening API connection|connection reset|broken pipe`)},
}

func newError(verb, stderr string, err error) *Error {
	if errors.Is(err, exec.ErrNotFound) {
		return &Error{Verb: verb, Text: "there is no program juju", Kind: NotInstalled}
	}
	e := &Error{Verb: verb, Text: said(stderr)}
	if e.Text == "" {
		e.Text = err.Error()
	}
	for _, k := range kinds {
		if k.says.MatchString(e.Text) {
			e.Kind = k.kind
			break
		}
	}
	return e
}

// said is the last thing that juju called an error, or else the last line.
func said(stderr string) string {
	text, last := "", ""
	for line := range strings.Lines(stderr) {
		line = Clean(line)
		if line != "" {
			last = line
		}
		if after, ok := strings.CutPrefix(line, "ERROR "); ok {
			text = after
		}
	}
	if text == "" {
		text = last
	}
	return text
}
