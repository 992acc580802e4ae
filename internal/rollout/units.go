package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxUnits is how many units a rollout can have.
const MaxUnits = 5000

// Units are numbers of units of one application in an order, each once.
type Units []int

// ParseUnits reads what String writes, and what an operator types: numbers and
// ranges, as 4,2,0 or 0-4 or 9-5,0. The numbers of a range follow each other in
// its direction. "" is no units.
//
// Errors: not such a list, a number twice, more than MaxUnits.
func ParseUnits(text string) (Units, error) {
	if text == "" {
		return nil, nil
	}
	var u Units
	seen := make(map[int]bool)
	for part := range strings.SplitSeq(text, ",") {
		first, last, err := parseRange(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		step := 1
		if last < first {
			step = -1
		}
		if (last-first)*step >= MaxUnits-len(u) {
			return nil, fmt.Errorf("there are more than %d units in it", MaxUnits)
		}
		for n := first; n != last+step; n += step {
			if seen[n] {
				return nil, fmt.Errorf("unit %d is named twice", n)
			}
			seen[n] = true
			u = append(u, n)
		}
	}
	return u, nil
}

func parseRange(text string) (first, last int, err error) {
	a, b, isRange := strings.Cut(text, "-")
	first, err = parseNumber(a)
	if err != nil || !isRange {
		return first, first, err
	}
	last, err = parseNumber(b)
	return first, last, err
}

var errNumber = errors.New("is no number")

// parseNumber reads decimal digits without a sign or zeros in front.
func parseNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxNumber || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%.40q %w", text, errNumber)
	}
	return n, nil
}

// String writes the numbers in their order; three or more that follow each
// other, upwards or downwards, as a range.
func (u Units) String() string {
	var b []byte
	for i := 0; i < len(u); {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(u[i]), 10)
		if end := u.run(i); end-i >= 2 {
			b = strconv.AppendInt(append(b, '-'), int64(u[end]), 10)
			i = end
		}
		i++
	}
	return string(b)
}

// run is the index of the last number of the range that begins at i.
func (u Units) run(i int) int {
	end := i + 1
	if end >= len(u) {
		return i
	}
	step := u[end] - u[i]
	if step != 1 && step != -1 {
		return i
	}
	for end+1 < len(u) && u[end+1]-u[end] == step {
		end++
	}
	return end
}

// Has reports whether n is one of the units.
func (u Units) Has(n int) bool { return slices.Contains(u, n) }

// With is u and v as a set: in rising order, each once.
func (u Units) With(v ...int) Units {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(u, v))))
}
