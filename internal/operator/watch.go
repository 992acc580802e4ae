package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"rolling-ops/internal/operator/draw"
	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/operator/picture"
)

// watch shows the rollout until it ends or needs a person. The error says
// which, as an exit code. The lanes go to the file svg, if it is named.
func (s *session) watch(ctx context.Context, svg string) error {
	var deadline <-chan time.Time
	if s.timeout > 0 {
		timer := time.NewTimer(s.timeout)
		defer timer.Stop()
		deadline = timer.C
	}
	ticker := time.NewTicker(max(s.interval, 10*time.Millisecond))
	defer ticker.Stop()
	screen := s.newScreen()
	for {
		p, err := s.picture(ctx)
		switch {
		case ctx.Err() != nil:
			return s.left("interrupted")
		case err != nil && !(screen.seen() && unreachable(err)):
			return err
		case err != nil:
			screen.trouble(err)
		default:
			screen.show(p)
			if svg != "" && p.Rollout != nil {
				if err := writeSVG(svg, &screen.lanes); err != nil {
					return err
				}
			}
			if p.Outcome() != picture.GoesOn {
				return s.outcome(p)
			}
		}
		select {
		case <-ticker.C:
		case <-deadline:
			return s.left("time is up")
		case <-ctx.Done():
			return s.left("interrupted")
		}
	}
}

func unreachable(err error) bool {
	var failed *juju.Error
	return errors.As(err, &failed) && failed.Kind == juju.Unreachable
}

// left says that the rollout goes on without a spectator.
func (s *session) left(why string) error {
	return &exitError{exitTimeout, fmt.Sprintf("%s; the rollout goes on: look with %s status%s, stop it with %s pause%s", why, s.name, s.options, s.name, s.options)}
}

// outcome is the exit code for how a rollout stands.
func (s *session) outcome(p *picture.Picture) error {
	switch p.Outcome() {
	case picture.Stands, picture.Unreadable:
		return &exitError{code: exitStands}
	case picture.Incomplete:
		return &exitError{code: exitIncomplete}
	}
	return nil
}

// screen shows one picture after the other: on a terminal in place, as JSON a
// line a change, and else as lines of what has changed.
type screen struct {
	s        *session
	style    draw.Style
	terminal *os.File // nil if it is none
	lanes    draw.Lanes
	last     *picture.Picture
	lines    int // on the terminal, to be drawn over
	lastLine []byte
}

func (s *session) newScreen() *screen {
	c := &screen{s: s, style: s.style()}
	if file, ok := s.out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && s.format != "json" && os.Getenv("TERM") != "dumb" {
		c.terminal = file
	}
	return c
}

func (c *screen) seen() bool { return c.last != nil }

func (c *screen) show(p *picture.Picture) {
	c.lanes.Add(p)
	switch {
	case c.s.format == "json":
		c.json(p)
	case c.terminal != nil:
		c.redraw(p)
	default:
		for _, line := range draw.Changes(c.last, p, c.style) {
			fmt.Fprintln(c.s.out, line)
		}
	}
	c.last = p
}

// json prints the picture if more than the time has changed.
func (c *screen) json(p *picture.Picture) {
	same := *p
	same.Taken = time.Time{}
	line, err := json.Marshal(same)
	if err != nil || bytes.Equal(line, c.lastLine) {
		return
	}
	c.lastLine = line
	if line, err = json.Marshal(p); err == nil {
		fmt.Fprintf(c.s.out, "%s\n", line)
	}
}

func (c *screen) redraw(p *picture.Picture) {
	height := 24
	if w, h, err := term.GetSize(int(c.terminal.Fd())); err == nil && h > 0 {
		height, c.style.Width = h, w
	}
	text := draw.Watch(p, &c.lanes, c.style, height-1)
	if c.lines > 0 {
		text = fmt.Sprintf("\x1b[%dA\x1b[J", c.lines) + text
	}
	c.lines = strings.Count(text, "\n")
	fmt.Fprint(c.terminal, text)
}

// trouble says that a look failed; the next one may not.
func (c *screen) trouble(err error) {
	text, _, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintf(c.s.err, "%s  %s; trying again\n", c.s.now().UTC().Format(time.TimeOnly), text)
	c.lines = 0
}
