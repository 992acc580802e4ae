package charm

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/internal/unitname"
)

// named is a unit's name for people: of one beside another with that one's.
func (h *hook) named(unit string) string {
	if principal := h.ops.Principals()[unit]; principal != "" {
		return unit + " on " + principal
	}
	return unit
}

// inNumbers puts the units that an operator names into numbers: of whole names,
// of the units that they are beside, and of all that are beside an application's.
// Of the latter the highest number comes first and the leader, on which this runs,
// last.
func (h *hook) inNumbers(text string) (string, error) {
	principals := h.ops.Principals()
	own := h.application() + "/"
	var parts []string
	for part := range strings.SplitSeq(strings.ReplaceAll(text, " ", ""), ",") {
		if number, found := strings.CutPrefix(part, own); found {
			part = strings.ReplaceAll(number, "-"+own, "-")
		}
		if !strings.ContainsFunc(part, func(r rune) bool { return isAlphanumeric(r) && !isDigit(r) }) {
			parts = append(parts, part)
			continue
		}
		var beside []string
		for unit, principal := range principals {
			if part == principal || part == unitname.Application(principal) {
				beside = append(beside, unit)
			}
		}
		if len(beside) == 0 {
			return "", fmt.Errorf("no unit of %s is beside %.60q", h.application(), part)
		}
		last := func(unit string) int {
			if unit == h.event.Unit {
				return -1
			}
			return unitname.Number(unit)
		}
		slices.SortFunc(beside, func(a, b string) int { return cmp.Compare(last(b), last(a)) })
		for _, unit := range beside {
			parts = append(parts, strconv.Itoa(unitname.Number(unit)))
		}
	}
	return strings.Join(parts, ","), nil
}
