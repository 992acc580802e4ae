package charm

import (
	"fmt"
	"strings"

	"rolling-ops/internal/unitname"
)

// perApplication parses an option that is either one value for all applications, or
// lines "APPLICATION: value". All values are parsed; that of the given application,
// or "" if it has none, comes last, so that it is the one that counts.
func perApplication(value, application string, parse func(string) error) error {
	lines := strings.Split(strings.TrimSpace(value), "\n")
	if _, _, listed := cutApplication(lines[0]); !listed {
		return parse(value)
	}
	names, values, err := applicationLines(lines)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := parse(values[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return parse(values[application])
}

// applicationLines reads the lines, of which the names are in their order.
func applicationLines(lines []string) (names []string, values map[string]string, err error) {
	values = map[string]string{}
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, listed := cutApplication(line)
		_, twice := values[name]
		switch {
		case !listed:
			return nil, nil, fmt.Errorf("line %d: want APPLICATION: value, as in the lines before", i+1)
		case !unitname.Valid(unitname.Of(name, 0)):
			return nil, nil, fmt.Errorf("line %d: %.40q is no name of an application", i+1, name)
		case twice:
			return nil, nil, fmt.Errorf("%s has two lines", name)
		case len(names) == maxApplications:
			return nil, nil, fmt.Errorf("more than %d applications", maxApplications)
		}
		names, values[name] = append(names, name), value
	}
	return names, values, nil
}

// cutApplication cuts a line "APPLICATION: value". A colon inside of a word makes no
// such line.
func cutApplication(line string) (name, value string, found bool) {
	name, value, found = strings.Cut(strings.TrimSpace(line), ":")
	if !found || name == "" || strings.ContainsAny(name, " \t\"'") || value != "" && value[0] != ' ' && value[0] != '\t' {
		return "", "", false
	}
	return name, strings.TrimSpace(value), true
}
