package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Step is one line of a script, checked and ready to run.
type Step struct {
	File string
	Line int
	Text string // as written, without comment
	Fail bool   // "! step": it must fail

	run func(*run) error
}

// maxLine bounds a line of a script, in bytes.
const maxLine = 4 << 20

// Parse reads a script and checks every step's name and arguments, so that a
// mistake on the last line is found before the first one runs. file is the
// name that errors give.
func Parse(file string, r io.Reader) ([]Step, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var steps []Step
	var errs []error
	for number := 1; lines.Scan(); number++ {
		step, err := parseLine(lines.Text())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, number, err))
			continue
		}
		if step.run == nil {
			continue
		}
		step.File, step.Line = file, number
		steps = append(steps, step)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("cannot read %s: %w", file, err))
	}
	return steps, errors.Join(errs...)
}

// parseLine returns a step without run for an empty line.
func parseLine(line string) (Step, error) {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return Step{}, err
	}
	step := Step{Text: strings.TrimSpace(line)}
	if words[0] == "!" {
		step.Fail = true
		words = words[1:]
	}
	if len(words) == 0 {
		return Step{}, errors.New("cannot parse: no step after '!'")
	}
	command, ok := find(words[0])
	if !ok {
		return Step{}, fmt.Errorf("cannot parse: no step is called %q; there are: %s", words[0], strings.Join(names(), ", "))
	}
	args, err := command.arguments(words[1:])
	if err == nil {
		step.run, err = command.prepare(args)
	}
	if err != nil {
		return Step{}, fmt.Errorf("cannot parse: %w; usage: %s", err, command.usage())
	}
	return step, nil
}

// split takes a line apart into words. Quotes work as in a shell, and nothing
// else does: there is no expansion. A word that begins with # begins a comment.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quote == '\'' && r != '\'':
			word.WriteRune(r)
		case r == '\\':
			inWord, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			inWord, quote = true, r
		case r == ' ' || r == '\t' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		case r == '#' && !inWord:
			return words, nil
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("cannot parse: unfinished %s", unfinished(quote))
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func unfinished(quote rune) string {
	if quote == 0 {
		return "escape at the end of the line"
	}
	return fmt.Sprintf("quote %c", quote)
}

// arguments are a step's words, sorted out.
type arguments struct {
	words []string
	flags map[string]bool
}

// arguments sorts out the words after the step's name and counts them.
func (c *command) arguments(words []string) (arguments, error) {
	args := arguments{flags: map[string]bool{}}
	for i, word := range words {
		switch {
		case word == "--":
			args.words = append(args.words, words[i+1:]...)
			return args, c.count(args.words)
		case slices.Contains(c.flags, word):
			args.flags[word] = true
		case strings.HasPrefix(word, "--"):
			return args, fmt.Errorf("%s has no flag %s", c.name, word)
		default:
			args.words = append(args.words, word)
		}
	}
	return args, c.count(args.words)
}

func (c *command) count(words []string) error {
	if len(words) < c.min {
		return fmt.Errorf("%s is not complete", c.name)
	}
	if c.max >= 0 && len(words) > c.max {
		return fmt.Errorf("%s does not take %q", c.name, words[c.max])
	}
	return nil
}

// pair splits key=value.
func pair(word string) (key, value string, err error) {
	key, value, ok := strings.Cut(word, "=")
	if !ok || key == "" {
		return "", "", fmt.Errorf("%q is not KEY=VALUE", word)
	}
	return key, value, nil
}
