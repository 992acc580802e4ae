// Package draw shows pictures of rollouts: as a table, as lanes of a timeline
// on a terminal or in SVG, and as metrics.
package draw

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// Style is how text is drawn.
type Style struct {
	Color   bool
	Width   int    // columns; 80 if 0
	All     bool   // every unit, however many
	Program string // as its user calls it, for commands to type
	Options string // those that the user has to give to all verbs, with a space in front
}

// command is what a person types to have a verb done.
func (s Style) command(verb string) string { return s.Program + " " + verb + s.Options }

// next is the command that a person types next, and why.
func (s Style) next(p *picture.Picture) (command, why string) {
	verb, command, why := p.Next()
	if verb != "" {
		command = s.command(verb)
	}
	return command, why
}

// actions are those of the charm that have a verb here.
var actions = regexp.MustCompile(`(?:juju run \S+/leader )?\b(start-rollout|pause-rollout|resume-rollout|abort-rollout|show-rollout|release-lock|clear-queue)\b`)

var verbs = map[string]string{
	rollout.ActionStart: "run", rollout.ActionPause: "pause", rollout.ActionResume: "resume", rollout.ActionAbort: "abort",
	rollout.ActionShow: "status", "release-lock": "release", "clear-queue": "clear UNIT",
}

// InVerbs is a text of the charm's with verbs of this program in the place of the
// actions that it names: who reads it has the program in hand.
func (s Style) InVerbs(text string) string {
	return actions.ReplaceAllStringFunc(text, func(found string) string {
		return s.command(verbs[found[strings.LastIndexByte(found, ' ')+1:]])
	})
}

// Note writes a text of the charm's under a label.
func (s Style) Note(w io.Writer, label, text string) error {
	var b bytes.Buffer
	paragraph(&b, label, s.InVerbs(text), s.width())
	_, err := w.Write(b.Bytes())
	return err
}

// operation is the name of an operation as a person gives it: the charm's callbacks
// have an underscore in front.
func operation(callback string) string { return strings.TrimPrefix(callback, "_") }

func (s Style) width() int {
	if s.Width <= 0 {
		return 80
	}
	return s.Width
}

// Escape sequences of the colours.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	blue   = "\x1b[34m"
	gray   = "\x1b[90m"
	plain  = "\x1b[0m"
)

func (s Style) paint(color, text string) string {
	if !s.Color || color == "" || text == "" {
		return text
	}
	return color + text + plain
}

// stepColor is the colour of a step.
func stepColor(step picture.Step) string {
	switch step {
	case picture.Running:
		return blue
	case rollout.PhaseDone:
		return green
	case rollout.PhaseFailing:
		return yellow
	case rollout.PhaseFailed:
		return red
	case rollout.PhaseSkipped, rollout.PhaseGone, rollout.PhaseWaiting:
		return gray
	}
	return ""
}

// clip cuts a text to so many columns. Texts are taken to have one column a
// rune.
func clip(text string, columns int) string {
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	runes := []rune(text)
	if columns < 4 {
		return string(runes[:max(columns, 0)])
	}
	return string(runes[:columns-3]) + "..."
}

// pad fills a text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-utf8.RuneCountInString(text)))
}

// clock is a time of day, with the date if it is another day than now.
func clock(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2006-01-02 15:04")
}
