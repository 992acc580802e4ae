// Package guide runs the commands on the pages of docs/ and holds the pages to what
// they print.
//
// A block fenced as console is a session: a line that begins with "$ " is a command,
// and what follows it, up to the next one, is what it prints. A comment
//
//	<!-- model: -n 3 --config health-check=true -->
//
// starts a new simulated model, with the flags of jujusim shell, for the blocks that
// follow; <!-- run: COMMAND --> runs a command that the page does not show; {charm} in it
// is the charm's directory. Times, spans, task numbers and what a watch sees on its way
// differ from run to run: Same does not look at them.
package guide

import (
	"fmt"
	"regexp"
	"strings"
)

// Page is a page that has been read, in pieces.
type Page struct{ pieces []piece }

// piece is lines of a page: text, a command with what it prints, or a directive.
type piece struct {
	line    int
	text    string // as it stands on the page, for all but commands
	command string
	output  string
	hidden  bool   // a command that the page does not show
	model   string // the flags of a new model
	isModel bool
}

var (
	modelComment = regexp.MustCompile(`^<!-- model:(.*)-->$`)
	runComment   = regexp.MustCompile(`^<!-- run:(.*)-->$`)
)

// Parse reads a page.
func Parse(text string) (*Page, error) {
	p := &Page{}
	inside := false
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		last := len(p.pieces) - 1
		switch {
		case !inside && line == "```console":
			inside = true
			p.add(piece{line: i + 1, text: line + "\n"})
		case inside && line == "```":
			inside = false
			p.add(piece{line: i + 1, text: line + "\n"})
		case inside && strings.HasPrefix(line, "$ "):
			p.add(piece{line: i + 1, command: line[2:]})
		case inside && last >= 0 && p.pieces[last].command != "":
			p.pieces[last].output += line + "\n"
		case inside:
			return nil, fmt.Errorf("line %d: a console block begins with a command", i+1)
		default:
			next := piece{line: i + 1, text: line}
			if i < len(lines)-1 {
				next.text += "\n"
			}
			if m := modelComment.FindStringSubmatch(line); m != nil {
				next.model, next.isModel = strings.TrimSpace(m[1]), true
			} else if m := runComment.FindStringSubmatch(line); m != nil {
				next.command, next.hidden = strings.TrimSpace(m[1]), true
			}
			p.add(next)
		}
	}
	if inside {
		return nil, fmt.Errorf("a console block is not closed")
	}
	return p, nil
}

func (p *Page) add(next piece) { p.pieces = append(p.pieces, next) }

// String is the page as it was read, or as it is after Play.
func (p *Page) String() string {
	var b strings.Builder
	for _, piece := range p.pieces {
		if piece.command != "" && !piece.hidden {
			b.WriteString("$ " + piece.command + "\n" + piece.output)
		} else {
			b.WriteString(piece.text)
		}
	}
	return b.String()
}

// Play runs the commands of the page, in the order in which they stand there, and
// puts what they print in the place of what is there. start begins a new model with
// flags of jujusim shell and returns what runs a command on it.
func (p *Page) Play(start func(flags string) (run func(command string) (string, error), err error)) error {
	var run func(string) (string, error)
	for i := range p.pieces {
		piece := &p.pieces[i]
		var err error
		switch {
		case piece.isModel:
			run, err = start(piece.model)
		case piece.command != "" && run == nil:
			err = fmt.Errorf("there is no model yet")
		case piece.command != "":
			piece.output, err = run(piece.command)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", piece.line, err)
		}
	}
	return nil
}

// varying is what differs from run to run.
var varying = []struct {
	what *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d`), "DATE"},
	{regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d+)?`), "TIME"},
	{regexp.MustCompile(`\b(\d+d\d\dh|\d+h\d\dm|\d+m\d\ds|\d+s)\b`), "SPAN"},
	{regexp.MustCompile(`task \d+`), "task N"},
	{regexp.MustCompile(`\b(idle|executing)\b`), "AGENT"}, // whether a hook runs just then is chance
	{regexp.MustCompile(`\n  \b`), " "},                   // where a line is broken depends on the span in it
	{regexp.MustCompile(`[ \t]+`), " "},
	{regexp.MustCompile(`(?m) +$`), ""},
}

// seen are lines that a watch prints, one after the other. What it sees between two
// looks is by chance; what it sees at last is not.
var seen = regexp.MustCompile(`(?m)(^\d\d:\d\d:\d\d  .*\n)*(?P<last>^\d\d:\d\d:\d\d  .*\n)`)

// Same reports whether two texts of a page differ only in what differs from run to
// run.
func Same(a, b string) bool { return Normal(a) == Normal(b) }

// Normal is a text without what differs from run to run.
func Normal(text string) string {
	text = seen.ReplaceAllString(text, "${last}")
	for _, v := range varying {
		text = v.what.ReplaceAllString(text, v.name)
	}
	return text
}
