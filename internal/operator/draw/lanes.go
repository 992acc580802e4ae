package draw

import (
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// Lanes are who held the lock when, in one rollout: a lane a unit. Databags
// tell the last attempt of each unit and the one that runs; pictures taken one after
// the other tell the rest. The zero Lanes are empty.
type Lanes struct {
	last   *picture.Picture
	lanes  map[string][]span
	pauses []span
}

// span is an attempt, or a pause.
type span struct {
	from, to time.Time
	step     picture.Step // as the attempt ended; Running if it has not; "" for a single operation
	attempt  int          // 0 if unknown
	text     string       // the error, or why the rollout paused
}

// Add takes note of a picture. One of another rollout begins anew.
func (l *Lanes) Add(p *picture.Picture) {
	if l.last == nil || l.id() != idOf(p) {
		*l = Lanes{lanes: make(map[string][]span)}
	}
	l.last = p
	for i := range p.Units {
		if u := &p.Units[i]; u.Granted != nil && u.Ended != nil && u.Attempts > 0 && p.Rollout != nil {
			l.put(u.Name, span{from: *u.Granted, to: *u.Ended, step: u.Step, attempt: u.Attempts, text: u.Error})
		}
	}
	l.holder(p)
	l.pause(p)
}

func (l *Lanes) id() int { return idOf(l.last) }

func idOf(p *picture.Picture) int {
	if p.Rollout == nil {
		return 0
	}
	return p.Rollout.ID
}

// holder notes that a unit holds the lock until now.
func (l *Lanes) holder(p *picture.Picture) {
	if p.Lock.Since == nil || p.Rollout == nil {
		return
	}
	s := span{from: *p.Lock.Since, to: p.Taken}
	if u := p.Unit(p.Lock.Holder); u != nil && (u.Step == picture.Running || u.Step == rollout.PhaseFailing) {
		s.step, s.attempt = picture.Running, u.Attempts+1
	}
	l.put(p.Lock.Holder, s)
}

// put adds an attempt, or replaces what was known of it: attempts are told
// apart by when they were granted.
func (l *Lanes) put(unit string, s span) {
	if s.to.Before(s.from) {
		s.to = s.from
	}
	spans := l.lanes[unit]
	i := slices.IndexFunc(spans, func(o span) bool { return o.from.Equal(s.from) })
	if i < 0 {
		l.lanes[unit] = append(spans, s)
		return
	}
	spans[i] = s
}

// pause notes that the rollout is paused until now. When it began is not
// stored: not before the last attempt ended.
func (l *Lanes) pause(p *picture.Picture) {
	if p.Rollout == nil || p.Rollout.State != rollout.Paused {
		return
	}
	why := string(p.Rollout.Why)
	from := p.Rollout.Started
	for _, spans := range l.lanes {
		for _, s := range spans {
			if s.to.After(from) && s.step != picture.Running {
				from = s.to
			}
		}
	}
	if n := len(l.pauses); n > 0 && l.pauses[n-1].text == why && !from.After(l.pauses[n-1].to) {
		l.pauses[n-1].to = p.Taken
		return
	}
	l.pauses = append(l.pauses, span{from: from, to: later(p.Taken, from), text: why})
}

// bounds are the first and the last moment to show; not the same.
func (l *Lanes) bounds() (from, to time.Time) {
	from, to = l.last.Rollout.Started, l.last.Taken
	if ended := l.last.Rollout.Ended; ended != nil {
		to = *ended
	}
	for _, spans := range l.lanes {
		for _, s := range spans {
			to = later(to, s.to)
			if s.from.Before(from) {
				from = s.from
			}
		}
	}
	return from, later(to, from.Add(time.Second))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// units are the rollout's that are to be shown in so many lanes, in order: at
// first those that have had a turn. more is how many are left out.
func (l *Lanes) units(most int) (names []string, more int) {
	order := l.last.Rollout.Order
	for unit := range l.lanes {
		if !slices.Contains(order, unit) {
			order = append(slices.Clip(order), unit) // a single operation between
		}
	}
	begun := slices.DeleteFunc(slices.Clone(order), func(name string) bool { return len(l.lanes[name]) == 0 })
	if len(order) <= most {
		return order, 0
	}
	if len(begun) > most {
		begun = begun[len(begun)-most:]
	}
	for _, name := range order {
		if len(begun) < most && len(l.lanes[name]) == 0 {
			begun = append(begun, name)
		}
	}
	return begun, len(order) - len(begun)
}

// Text draws the lanes in so many columns and lines.
func (l *Lanes) Text(s Style, lines int) string {
	if l.last == nil || l.last.Rollout == nil {
		return ""
	}
	names, more := l.units(max(1, lines))
	width := 0
	for _, name := range names {
		width = max(width, len(l.last.Label(name))+1)
	}
	width = min(width, s.width()*2/5)
	const right = 9 // the step
	columns := max(10, s.width()-width-2-right-1)
	from, to := l.bounds()
	at := func(t time.Time) int {
		return min(columns-1, max(0, int(float64(columns)*float64(t.Sub(from))/float64(to.Sub(from)))))
	}
	var b strings.Builder
	for _, name := range names {
		cells := make([]rune, columns)
		colors := make([]string, columns)
		fill := func(s span, r rune, color string) {
			for i := at(s.from); i <= at(s.to); i++ {
				cells[i], colors[i] = r, color
			}
		}
		for i := range cells {
			cells[i], colors[i] = '.', gray
		}
		for _, p := range l.pauses {
			fill(p, ':', gray)
		}
		for _, attempt := range l.lanes[name] {
			fill(attempt, cell(attempt.step), stepColor(attempt.step))
		}
		label, step := l.last.Label(name), picture.Step("")
		if u := l.last.Unit(name); u != nil {
			step = u.Step
			if u.Leader {
				label += "*"
			}
		}
		b.WriteString(pad(clip(label, width), width) + " |" + s.paintCells(cells, colors) + "|")
		if step != "" {
			b.WriteString(" " + s.paint(stepColor(step), string(step)))
		}
		b.WriteByte('\n')
	}
	b.WriteString(pad("", width) + "  " + scale(from, to, columns) + "\n")
	if more > 0 {
		b.WriteString(pad("", width) + "  and " + plural(more, "more unit") + "\n")
	}
	return b.String()
}

func cell(step picture.Step) rune {
	switch step {
	case picture.Running:
		return '>'
	case rollout.PhaseDone:
		return '='
	case rollout.PhaseFailing:
		return '!'
	case rollout.PhaseFailed:
		return 'x'
	}
	return '-'
}

// paintCells colours runs of cells.
func (s Style) paintCells(cells []rune, colors []string) string {
	var b strings.Builder
	for i := 0; i < len(cells); {
		end := i
		for end < len(cells) && colors[end] == colors[i] {
			end++
		}
		b.WriteString(s.paint(colors[i], string(cells[i:end])))
		i = end
	}
	return b.String()
}

// scale is the line of times below the lanes.
func scale(from, to time.Time, columns int) string {
	left, right := from.Format(time.TimeOnly), to.Format(time.TimeOnly)
	took := picture.Span(to.Sub(from))
	middle := columns - len(left) - len(right)
	if middle <= len(took)+2 {
		return clip(left+" "+took, columns)
	}
	side := (middle - len(took)) / 2
	return left + strings.Repeat(" ", side) + took + strings.Repeat(" ", middle-len(took)-side) + right
}
