package draw

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// few is how many units are all shown, whatever they do.
const few = 20

// Table writes a picture as text: the lock, the rollout, a line a unit, and
// warnings.
func Table(w io.Writer, p *picture.Picture, s Style) error {
	var b bytes.Buffer
	head(&b, p, s, true)
	units(&b, p, s)
	warnings(&b, p, s)
	_, err := w.Write(b.Bytes())
	return err
}

// head writes all but the units, and what to type next if it is asked for.
func head(b *bytes.Buffer, p *picture.Picture, s Style, next bool) {
	field := func(name, text string) { paragraph(b, fmt.Sprintf("%-9s ", name), text, s.width()) }
	field("Model", p.Controller+":"+p.Model+", "+p.Taken.Format("2006-01-02 15:04:05 UTC"))
	switch {
	case p.Lock.Holder == "":
		field("Lock", "free")
	case p.Lock.Since == nil:
		field("Lock", p.Label(p.Lock.Holder)+" holds it")
	default:
		text := fmt.Sprintf("%s holds it since %s, for %s", p.Label(p.Lock.Holder), clock(p.Lock.Since, p.Taken), picture.Span(p.Taken.Sub(*p.Lock.Since)))
		if p.Lock.Stalled {
			text += ": stalled"
		}
		field("Lock", text)
	}
	r := p.Rollout
	if r == nil {
		field("Rollout", p.Says())
	} else {
		field("Rollout", fmt.Sprintf("%d, %s %s, token %s, started %s", r.ID, operation(r.Operation), r.State, r.Token, clock(&r.Started, p.Taken)))
		if r.Reason != "" {
			field("Reason", r.Reason)
		}
		fmt.Fprintf(b, "%-9s %s\n", "Progress", s.paint(progressColor(r), bar(r, min(40, s.width()-30)))+
			fmt.Sprintf(" %d of %d done", r.Done, r.Total))
		field("State", p.Says())
	}
	if command, why := s.next(p); next && command != "" {
		fmt.Fprintf(b, "%-9s %s\n", "Next", s.paint(bold, command))
		paragraph(b, strings.Repeat(" ", 10), why, s.width())
	}
}

func progressColor(r *picture.Rollout) string {
	switch r.State {
	case rollout.Paused:
		return yellow
	case rollout.Aborted:
		return red
	}
	return green
}

// bar is a progress bar: done, skipped, failed, to come.
func bar(r *picture.Rollout, columns int) string {
	if r.Total == 0 {
		return "[" + strings.Repeat("-", columns) + "]"
	}
	share := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, n*columns/r.Total)
	}
	text := strings.Repeat("#", share(r.Done)) + strings.Repeat("!", share(len(r.Failed)+len(r.Failing))) +
		strings.Repeat("/", share(len(r.Skipped)))
	if r.Done < r.Total && len(text) > columns {
		text = text[len(text)-columns:]
	}
	return "[" + pad(clip(text, columns), columns) + "]"
}

// units writes a line a unit.
func units(b *bytes.Buffer, p *picture.Picture, s Style) {
	shown, rest := choose(p, s)
	if len(shown) == 0 && len(rest) == 0 {
		return
	}
	b.WriteByte('\n')
	name := len("Unit")
	for _, u := range shown {
		name = max(name, len(u.Label())+1)
	}
	name = min(name, s.width()*2/5)
	format := func(unit, step, tries, ended, agent string) string {
		return fmt.Sprintf("%s %-8s %5s  %-8s %-10s", pad(clip(unit, name), name), step, tries, ended, agent)
	}
	title := strings.TrimRight(format("Unit", "Step", "Tries", "Ended", "Agent")+" Note", " ")
	fmt.Fprintln(b, s.paint(bold, clip(title, s.width())))
	for _, u := range shown {
		star := u.Label()
		if u.Leader {
			star += "*"
		}
		tries := ""
		if u.Attempts > 0 {
			tries = strconv.Itoa(u.Attempts)
		}
		ended := ""
		if u.Ended != nil {
			ended = u.Ended.Format("15:04:05")
		}
		line := format(star, string(u.Step), tries, ended, clip(u.Agent, 10)) + " " + note(p, u)
		fmt.Fprintln(b, s.paint(stepColor(u.Step), clip(strings.TrimRight(line, " "), s.width())))
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "and %s; --all shows them\n", count(rest))
	}
}

// choose picks the units that matter, in the order of their turns, and the
// rest.
func choose(p *picture.Picture, s Style) (shown, rest []*picture.Unit) {
	warned := make(map[string]bool)
	for _, w := range p.Warnings {
		warned[w.Unit] = true
	}
	all := s.All || len(p.Units) <= few
	next := 0 // units whose turn comes soon
	for _, u := range ordered(p, places(p)) {
		matters := all || warned[u.Name] || u.Name == p.Lock.Holder || u.Step == rollout.PhaseFailing || u.Step == rollout.PhaseFailed ||
			p.Rollout != nil && u.Name == p.Rollout.WaitsFor
		if (u.Step == rollout.PhaseWaiting || u.Step == rollout.PhaseReady) && !matters && next < 3 {
			next++
			matters = true
		}
		if matters && (all || len(shown) < 3*few) {
			shown = append(shown, u)
		} else {
			rest = append(rest, u)
		}
	}
	return shown, rest
}

// places are the units' places in the order of their turns, from 1 on.
func places(p *picture.Picture) map[string]int {
	place := make(map[string]int)
	if p.Rollout != nil {
		for i, name := range p.Rollout.Order {
			place[name] = i + 1
		}
	}
	return place
}

// ordered are the units in the order of their turns, those without one last.
func ordered(p *picture.Picture, place map[string]int) []*picture.Unit {
	all := make([]*picture.Unit, len(p.Units))
	for i := range p.Units {
		all[i] = &p.Units[i]
	}
	slices.SortStableFunc(all, func(a, b *picture.Unit) int {
		x, y := place[a.Name], place[b.Name]
		switch {
		case x == 0 && y == 0:
			return 0
		case x == 0:
			return 1
		case y == 0:
			return -1
		}
		return x - y
	})
	return all
}

// count tells how many of which step there are.
func count(units []*picture.Unit) string {
	n := make(map[picture.Step]int)
	for _, u := range units {
		n[u.Step]++
	}
	var parts []string
	for _, step := range []picture.Step{rollout.PhaseDone, rollout.PhaseReady, rollout.PhaseWaiting, picture.Running,
		rollout.PhaseFailing, rollout.PhaseFailed, rollout.PhaseSkipped, ""} {
		if n[step] == 0 {
			continue
		}
		name := string(step)
		if name == "" {
			name = "not in a rollout"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n[step], name))
	}
	return fmt.Sprintf("%d more: %s", len(units), strings.Join(parts, ", "))
}

// note is what else there is to say of a unit.
func note(p *picture.Picture, u *picture.Unit) string {
	var parts []string
	if u.Name == p.Lock.Holder {
		parts = append(parts, "holds the lock")
	}
	if u.Error != "" && (u.Step == rollout.PhaseFailing || u.Step == rollout.PhaseFailed || u.Step == rollout.PhaseSkipped) {
		parts = append(parts, u.Error)
	}
	if u.Queued != nil && *u.Queued > 0 {
		parts = append(parts, fmt.Sprintf("%d queued", *u.Queued))
	}
	if u.Step == "" && u.Last != nil {
		parts = append(parts, "last "+operation(u.Last.Operation)+": "+u.Last.Outcome)
	}
	if u.Status != "" && u.Status != "active" {
		parts = append(parts, u.Status)
	}
	return strings.Join(parts, "; ")
}

func warnings(b *bytes.Buffer, p *picture.Picture, s Style) {
	if len(p.Warnings) == 0 {
		return
	}
	b.WriteByte('\n')
	for i, w := range p.Warnings {
		if i == 3*few && !s.All {
			fmt.Fprintf(b, "and %d more warnings; --all shows them\n", len(p.Warnings)-i)
			break
		}
		text := string(w.Code) + ": "
		if w.Unit != "" {
			text += p.Label(w.Unit) + ": "
		}
		paragraph(b, s.paint(yellow, "! "), text+s.InVerbs(w.Text), s.width())
	}
}

// paragraph writes a text under a label, broken into lines.
func paragraph(b *bytes.Buffer, label, text string, width int) {
	indent := utf8.RuneCountInString(strings.NewReplacer(yellow, "", plain, "").Replace(label))
	b.WriteString(label)
	column := indent
	for i, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		if i > 0 && column+1+size > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		} else if i > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += size
	}
	b.WriteByte('\n')
}

// History writes the rollouts that ended, the newest first.
func History(w io.Writer, p *picture.Picture, s Style) error {
	var b bytes.Buffer
	if len(p.History) == 0 {
		fmt.Fprintf(&b, "No rollout of %s has ended.\n", p.Application)
	} else {
		fmt.Fprintln(&b, s.paint(bold, "  ID State   Ended               Took    Done      Left out             Operation"))
	}
	for _, e := range p.History {
		took := ""
		if e.Started != nil && e.Ended != nil {
			took = picture.Span(e.Ended.Sub(*e.Started))
		}
		ended := ""
		if e.Ended != nil {
			ended = e.Ended.Format("2006-01-02 15:04:05")
		}
		var left []string
		done, name := "", operation(e.Operation)
		if e.Counts == nil {
			left = append(left, "record unreadable")
		} else {
			done = fmt.Sprintf("%d of %d", e.Done, e.Total)
			for _, part := range []struct {
				n    int
				what string
			}{{e.Failed, "failed"}, {e.Skipped, "skipped"}, {e.Gone, "gone"}} {
				if part.n > 0 {
					left = append(left, fmt.Sprintf("%d %s", part.n, part.what))
				}
			}
		}
		line := fmt.Sprintf("%4d %-7s %-19s %-7s %-9s %-20s %s", e.ID, e.State, ended, took, done, strings.Join(left, ", "), name)
		fmt.Fprintln(&b, clip(strings.TrimRight(line, " "), s.width()))
		if e.Reason != "" {
			paragraph(&b, "     ", e.Reason, s.width())
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
