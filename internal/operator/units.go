package operator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// parseUnits reads the units that a flag names: numbers and ranges of them, names of
// units, and what they are beside: a principal, or an application for all of its
// units. Nil is none.
func parseUnits(p *picture.Picture, flag, text string) (rollout.Units, error) {
	if text == "" {
		return nil, nil
	}
	var numbers []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !strings.ContainsFunc(part, isLetter) {
			numbers = append(numbers, part)
			continue
		}
		named := unitsNamed(p, part)
		if len(named) == 0 {
			return nil, usage("%s: %s has no unit %q, and none is beside such a one", flag, p.Application, part)
		}
		numbers = append(numbers, named...)
	}
	units, err := rollout.ParseUnits(strings.Join(numbers, ","))
	if err != nil {
		return nil, usage("%s: %v; it is a list as 4,2,0 or 0-9", flag, err)
	}
	for _, n := range units {
		if name := unitname.Of(p.Application, n); p.Unit(name) == nil {
			return nil, fmt.Errorf("there is no unit %s", name)
		}
	}
	return units, nil
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// unitsNamed are numbers of units: of one by its name or its principal's, or of all
// that are beside an application, the highest first and the leader last.
func unitsNamed(p *picture.Picture, name string) []string {
	var found []picture.Unit
	for _, u := range p.Units {
		beside := unitname.Application(u.Principal)
		if u.Name == name || u.Principal != "" && (u.Principal == name || beside == name) {
			found = append(found, u)
		}
	}
	place := func(u picture.Unit) int {
		if u.Leader {
			return -1
		}
		return unitname.Number(u.Name)
	}
	slices.SortFunc(found, func(a, b picture.Unit) int { return cmp.Compare(place(b), place(a)) })
	numbers := make([]string, len(found))
	for i, u := range found {
		numbers[i] = strconv.Itoa(unitname.Number(u.Name))
	}
	return numbers
}
