package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// Measures of the drawing, in pixels.
const (
	svgWidth   = 960
	svgMargin  = 24
	svgTop     = 84
	svgLane    = 26
	svgBar     = 16
	svgRight   = 150 // for the words behind a lane
	svgMost    = 200 // lanes
	svgLetter  = 7.3 // about the width of a letter of 13 pixels
	svgLegend  = 64
	svgMinTick = 90 // between two times of the axis
)

// SVG writes the lanes as a drawing for a ticket. It needs no other files, and
// is the same for the same pictures.
func SVG(w io.Writer, l *Lanes) error {
	if l.last == nil || l.last.Rollout == nil {
		return errors.New("there is no rollout to draw")
	}
	d := &svg{l: l}
	d.names, d.more = l.units(svgMost)
	longest := 0
	for _, name := range d.names {
		longest = max(longest, utf8.RuneCountInString(l.last.Label(name))+1)
	}
	d.left = svgMargin + float64(min(longest, 34))*svgLetter + 14
	d.right = svgWidth - svgMargin - svgRight
	d.from, d.to = l.bounds()
	d.bottom = float64(svgTop + len(d.names)*svgLane)
	d.draw()
	_, err := w.Write(d.b.Bytes())
	return err
}

type svg struct {
	b                   bytes.Buffer
	l                   *Lanes
	names               []string
	more                int
	left, right, bottom float64
	from, to            time.Time
}

func (d *svg) draw() {
	height := int(d.bottom) + 30 + svgLegend
	if d.more > 0 {
		height += 20
	}
	p := d.l.last
	d.f(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13" fill="#24292f">`,
		svgWidth, height, svgWidth, height)
	d.f(`<title>%s</title>`, esc(fmt.Sprintf("%s: rollout %d, %s", p.Application, p.Rollout.ID, p.Says())))
	d.f(`<defs><pattern id="pause" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
		`<rect width="8" height="8" fill="#fff8e1"/><rect width="3" height="8" fill="#ffe7a3"/></pattern></defs>`)
	d.f(`<rect width="%d" height="%d" fill="#ffffff"/>`, svgWidth, height)
	d.heading(p)
	d.axis()
	for i, name := range d.names {
		d.lane(i, name)
	}
	if d.more > 0 {
		d.text(svgMargin, d.bottom+44, "", "and "+plural(d.more, "more unit"))
	}
	d.legend(float64(height) - 26)
	d.f(`</svg>`)
}

func (d *svg) heading(p *picture.Picture) {
	r := p.Rollout
	d.text(svgMargin, 32, `font-size="18" font-weight="bold"`, clip(fmt.Sprintf("%s: rollout %d, %s", p.Application, r.ID, operation(r.Operation)), 80))
	said := fmt.Sprintf("%d of %d done; %s", r.Done, r.Total, p.Says())
	if r.Reason != "" {
		said += "; reason: " + r.Reason
	}
	d.text(svgMargin, 52, `fill="#57606a"`, clip(said, 122))
	d.text(svgWidth-svgMargin, 32, `fill="#57606a" text-anchor="end" font-size="11"`,
		p.Controller+":"+p.Model+", "+p.Taken.Format("2006-01-02 15:04:05 UTC"))
}

// axis draws times as lines through all lanes, and pauses behind them.
func (d *svg) axis() {
	for _, pause := range d.l.pauses {
		x, width := d.x(pause.from), d.x(pause.to)-d.x(pause.from)
		d.f(`<rect x="%s" y="%d" width="%s" height="%s" fill="url(#pause)"><title>paused: %s, until %s</title></rect>`,
			px(x), svgTop-4, px(max(width, 2)), px(d.bottom-svgTop+4), esc(pause.text), pause.to.Format(time.TimeOnly))
		if width > 8*svgLetter*float64(utf8.RuneCountInString(pause.text)+8)/8 {
			d.text(x+width/2, svgTop-8, `fill="#9a6700" text-anchor="middle" font-size="11"`, "paused: "+pause.text)
		}
	}
	step := tick(d.to.Sub(d.from), int((d.right-d.left)/svgMinTick))
	for t := d.from.Truncate(step).Add(step); !t.After(d.to); t = t.Add(step) {
		d.f(`<line x1="%s" y1="%d" x2="%s" y2="%s" stroke="#d8dee4"/>`, px(d.x(t)), svgTop-4, px(d.x(t)), px(d.bottom))
		layout := time.TimeOnly
		if step >= time.Hour {
			layout = "01-02 15:04"
		}
		d.text(d.x(t), d.bottom+18, `fill="#57606a" text-anchor="middle" font-size="11"`, t.Format(layout))
	}
	d.f(`<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="#8c959f"/>`, px(d.left), px(d.bottom), px(d.right), px(d.bottom))
}

// tick is a round length of time of which there are at most so many.
func tick(all time.Duration, most int) time.Duration {
	steps := []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	for _, step := range steps {
		if all/step <= time.Duration(most) {
			return step
		}
	}
	day := 24 * time.Hour
	return day * (all/day/time.Duration(most) + 1)
}

func (d *svg) lane(i int, name string) {
	y := float64(svgTop + i*svgLane)
	middle := y + svgLane/2 + 4
	u := d.l.last.Unit(name)
	label := d.l.last.Label(name)
	if u != nil && u.Leader {
		label += "*"
	}
	if i%2 == 0 {
		d.f(`<rect x="%d" y="%s" width="%d" height="%d" fill="#8c959f" fill-opacity="0.07"/>`, svgMargin-6, px(y), svgWidth-2*svgMargin+12, svgLane)
	}
	d.text(svgMargin, middle, "", clip(label, 34))
	for _, s := range d.l.lanes[name] {
		d.attempt(y, name, s)
	}
	if u == nil {
		d.text(d.right+10, middle, `fill="#57606a"`, "gone")
		return
	}
	said := string(u.Step)
	if u.Attempts > 1 {
		said += ", " + ordinal(u.Attempts) + " attempt"
	}
	if d.l.last.Lock.Holder == name {
		said = "holds the lock"
	}
	d.text(d.right+10, middle, `fill="`+stepFill(u.Step)+`"`, said)
}

func (d *svg) attempt(y float64, unit string, s span) {
	x, end := d.x(s.from), d.x(s.to)
	d.f(`<rect x="%s" y="%s" width="%s" height="%d" rx="2" fill="%s"><title>%s</title></rect>`,
		px(x), px(y+(svgLane-svgBar)/2), px(max(end-x, 3)), svgBar, stepFill(s.step), esc(d.tells(unit, s)))
	if s.attempt > 1 && end-x > 14 {
		d.text((x+end)/2, y+svgLane/2+4, `fill="#ffffff" text-anchor="middle" font-size="11"`, strconv.Itoa(s.attempt))
	}
}

// tells is what a reader of the drawing sees of an attempt when he points at
// it.
func (d *svg) tells(unit string, s span) string {
	what := string(s.step)
	if what == "" {
		what = "single operation"
	}
	text := fmt.Sprintf("%s: %s, %s to %s (%s)", unit, what, s.from.Format(time.TimeOnly), s.to.Format(time.TimeOnly), picture.Span(s.to.Sub(s.from)))
	if s.attempt > 0 {
		text += ", attempt " + strconv.Itoa(s.attempt)
	}
	if s.text != "" {
		text += ": " + s.text
	}
	return text
}

func (d *svg) legend(y float64) {
	x := float64(svgMargin)
	for _, entry := range []struct {
		name string
		fill string
	}{
		{"done", stepFill(rollout.PhaseDone)}, {"runs", stepFill(picture.Running)}, {"failed, tried again", stepFill(rollout.PhaseFailing)},
		{"failed", stepFill(rollout.PhaseFailed)}, {"single operation", stepFill("")}, {"paused", "url(#pause)"},
	} {
		d.f(`<rect x="%s" y="%s" width="14" height="14" rx="2" fill="%s"/>`, px(x), px(y-12), entry.fill)
		d.text(x+20, y, `font-size="12"`, entry.name)
		x += 20 + float64(len(entry.name))*6.6 + 24
	}
	d.text(svgWidth-svgMargin, y, `fill="#57606a" text-anchor="end" font-size="11"`, "* leader; times are UTC")
}

// stepFill is the colour of an attempt.
func stepFill(step picture.Step) string {
	switch step {
	case picture.Running:
		return "#0969da"
	case rollout.PhaseDone:
		return "#1a7f37"
	case rollout.PhaseFailing:
		return "#bf8700"
	case rollout.PhaseFailed:
		return "#cf222e"
	}
	return "#6e7781"
}

func (d *svg) x(t time.Time) float64 {
	return d.left + (d.right-d.left)*float64(t.Sub(d.from))/float64(d.to.Sub(d.from))
}

func (d *svg) f(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *svg) text(x, y float64, attributes, text string) {
	if attributes != "" {
		attributes = " " + attributes
	}
	d.f(`<text x="%s" y="%s"%s>%s</text>`, px(x), px(y), attributes, esc(text))
}

func px(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

func esc(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer does not fail
	return b.String()
}

func ordinal(n int) string {
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		return strconv.Itoa(n) + "st"
	case n%10 == 2:
		return strconv.Itoa(n) + "nd"
	case n%10 == 3:
		return strconv.Itoa(n) + "rd"
	}
	return strconv.Itoa(n) + "th"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
