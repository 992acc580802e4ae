package charm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kballard/go-shellquote"
)

// command parses a command line into argv.
func command(argv *[]string) func(string) error {
	return func(value string) (err error) {
		*argv, err = parseCommand(value)
		return err
	}
}

// parseCommand splits a command as a shell would, without running one. What
// only a shell understands would be passed on as an argument, and a check such
// as "echo DOWN | grep -q UP" would succeed: it is refused.
func parseCommand(value string) ([]string, error) {
	if len(value) > maxCommand || strings.ContainsRune(value, 0) {
		return nil, fmt.Errorf("longer than %d bytes, or with a NUL byte", maxCommand)
	}
	argv, err := shellquote.Split(value)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be split into words: %w", err)
	case len(argv) == 0:
		return nil, nil
	case argv[0] == "":
		return nil, errors.New("the command's name is empty")
	}
	if syntax := shellSyntax(value); syntax != "" {
		return nil, fmt.Errorf("%s needs a shell, and none runs this: quote it, or write sh -c '...'", syntax)
	}
	return argv, nil
}

// shellSyntax returns the first thing outside of quotes that a shell would not
// take as it is, "" if there is none.
func shellSyntax(value string) string {
	word := strings.TrimLeft(value, " \t\n")
	if name, _, found := strings.Cut(word, "="); found && isVariable(name) {
		return name + "="
	}
	var quote rune // the one that is open
	escaped := false
	for _, r := range value {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune("|&;<>$`*?()", r):
			return string(r)
		}
	}
	return ""
}

// isVariable reports whether a shell would take NAME=value for an assignment.
func isVariable(name string) bool {
	return name != "" && !isDigit(rune(name[0])) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !isAlphanumeric(r) && r != '_' })
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || isDigit(r)
}
