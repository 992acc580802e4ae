package draw

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/operator/picture"
)

// Plan writes in which order the units would have their turns, and what comes next:
// a command and why, "" for none.
func Plan(w io.Writer, plan *picture.Plan, p *picture.Picture, command, why string, s Style) error {
	var b bytes.Buffer
	field := func(name, text string) { paragraph(&b, fmt.Sprintf("%-9s ", name), text, s.width()) }
	field("Model", p.Controller+":"+p.Model)
	leader := "none now"
	if p.Leader != "" {
		leader = p.Label(p.Leader)
	}
	field("Leader", leader)
	labels := make([]string, len(plan.Order))
	for i, name := range plan.Order {
		labels[i] = p.Label(name)
	}
	field("Order", fmt.Sprintf("%s (%s)", strings.Join(abridged(labels, s.All), ", "), plural(len(labels), "unit")))
	switch {
	case plan.Primary != "":
		field("Primary", p.Label(plan.Primary)+" goes last, as its primary-check said when it was asked last; it is asked again")
	case plan.PrimaryCheck:
		field("Primary", "not known: whose primary-check succeeds when it answers goes last")
	}
	if pace := plan.Pace; pace != nil {
		field("Pace", fmt.Sprintf("%s a unit in rollout %d (%s): %s for %s", about(pace.Of(1)), pace.Rollout, operation(pace.Operation),
			about(pace.Of(len(labels))), plural(len(labels), "unit")))
	}
	if plan.Window != nil {
		field("Window", opens(plan.Window))
	}
	if len(plan.Warnings) == 0 {
		field("Warnings", "none")
	}
	if command != "" {
		fmt.Fprintf(&b, "%-9s %s\n", "Next", s.paint(bold, command))
	}
	if why != "" {
		field("", why)
	}
	told := *p
	told.Warnings = plan.Warnings
	warnings(&b, &told, s)
	_, err := w.Write(b.Bytes())
	return err
}

// about is a span of which less than a second is nothing to speak of.
func about(d time.Duration) string {
	if d < time.Second {
		return "1s"
	}
	return picture.Span(d.Round(time.Second))
}

// opens tells when units may begin.
func opens(w *picture.Window) string {
	text := w.Text + ": it is open"
	if w.Opens != nil {
		text = w.Text + ": opens " + w.Opens.Format("2006-01-02 15:04 UTC")
	}
	if w.Closes == nil {
		return text
	}
	return text + " until " + w.Closes.Format("2006-01-02 15:04 UTC")
}

// abridged keeps the first and the last of many.
func abridged(names []string, all bool) []string {
	if all || len(names) <= few {
		return names
	}
	return slices.Concat(names[:few/2], []string{"..."}, names[len(names)-3:])
}
