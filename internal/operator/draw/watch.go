package draw

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"rolling-ops/internal/operator/picture"
)

// Watch is what a terminal of so many lines shows of a rollout: the head, a
// lane a unit, and warnings.
func Watch(p *picture.Picture, lanes *Lanes, s Style, height int) string {
	var top, bottom bytes.Buffer
	head(&top, p, s, p.Outcome() != picture.GoesOn)
	warnings(&bottom, p, s)
	room := height - bytes.Count(top.Bytes(), []byte("\n")) - 3 // a blank line, the scale, and how many more
	below := min(bytes.Count(bottom.Bytes(), []byte("\n")), room/2)
	body := lanes.Text(s, max(3, room-below))
	if body == "" {
		var b bytes.Buffer
		units(&b, p, s)
		body = strings.TrimPrefix(b.String(), "\n")
	}
	text := top.String() + "\n" + body
	for i, line := range strings.SplitAfter(bottom.String(), "\n") {
		if i < below {
			text += line
		}
	}
	return text
}

// Changes are lines of what is new in a picture since the one before, which is
// nil at first.
func Changes(before, p *picture.Picture, s Style) []string {
	var lines []string
	say := func(who, text string) {
		lines = append(lines, fmt.Sprintf("%s  %-16s %s", p.Taken.Format(time.TimeOnly), who, text))
	}
	if before == nil || rolloutID(before) != rolloutID(p) {
		before = &picture.Picture{}
	}
	known := make(map[string]string)
	for i := range before.Units {
		known[before.Units[i].Name] = tells(&before.Units[i])
	}
	for _, u := range ordered(p, places(p)) {
		if text := tells(u); text != known[u.Name] && !waits(u) {
			say(u.Label(), text)
		}
	}
	changed := summary(p) != summary(before)
	if text := summary(p); changed && text != "" {
		say(fmt.Sprintf("rollout %d", rolloutID(p)), text)
	} else if p.Rollout == nil && len(before.Units) == 0 {
		say("rollout", p.Says())
	}
	warned := make(map[picture.Warning]bool)
	for _, w := range before.Warnings {
		warned[picture.Warning{Code: w.Code, Unit: w.Unit}] = true
	}
	for _, w := range p.Warnings {
		if !warned[picture.Warning{Code: w.Code, Unit: w.Unit}] {
			who := p.Label(w.Unit)
			if who == "" {
				who = p.Application
			}
			say(who, "warning: "+s.InVerbs(w.Text))
		}
	}
	if command, why := s.next(p); changed && p.Outcome() != picture.GoesOn && command != "" {
		lines = append(lines, "Next: "+command+"   ("+why+")")
	}
	return lines
}

func rolloutID(p *picture.Picture) int { return idOf(p) }

// summary is how the rollout stands, without what units tell of themselves.
func summary(p *picture.Picture) string {
	if p.Rollout == nil {
		return ""
	}
	text := fmt.Sprintf("%d of %d done", p.Rollout.Done, p.Rollout.Total)
	if outcome := p.Outcome(); outcome != picture.GoesOn && outcome != picture.Complete {
		text += "; " + p.Says()
	}
	return text
}

// waits reports whether there is nothing to tell of a unit yet.
func waits(u *picture.Unit) bool { return u.Step == "" || u.Step == "waiting" || u.Step == "ready" }

// tells is what a unit does, in a few words.
func tells(u *picture.Unit) string {
	text := string(u.Step)
	if u.Attempts > 1 && u.Step != picture.Running {
		text += fmt.Sprintf(" (attempt %d)", u.Attempts)
	}
	if u.Error != "" && u.Step != "done" {
		text += ": " + u.Error
	}
	return text
}
