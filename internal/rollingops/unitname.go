package rollingops

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// compareUnits orders unit names by number: rolling-ops/9 before
// rolling-ops/10.
func compareUnits(a, b string) int {
	return cmp.Or(cmp.Compare(unitNumber(a), unitNumber(b)), strings.Compare(a, b))
}

// unitNumber is N of app/N. A name without a number sorts last.
func unitNumber(name string) uint64 {
	_, digits, _ := strings.Cut(name, "/")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return n
}

// sameApplication reports whether name is a unit name of the application to
// which another unit belongs.
func sameApplication(name, unit string) bool {
	number, ok := strings.CutPrefix(name, applicationOf(unit)+"/")
	n, err := strconv.ParseUint(number, 10, 64)
	return ok && err == nil && strconv.FormatUint(n, 10) == number
}

func applicationOf(unit string) string {
	application, _, _ := strings.Cut(unit, "/")
	return application
}

// unitIndex is N of app/N, -1 for what is no unit name.
func unitIndex(name string) int {
	if n := unitNumber(name); n < 1<<31 {
		return int(n)
	}
	return -1
}
