// Package unitname is the grammar of unit names, APPLICATION/NUMBER.
package unitname

import (
	"cmp"
	"strconv"
	"strings"
)

// MaxLength bounds a unit's name, in bytes.
const MaxLength = 255

// Valid reports whether s is a unit's name as Juju writes it. Each part of an
// application's name between hyphens has a letter, so that no application is
// called "app-1"; a number has no zeros in front.
func Valid(s string) bool {
	application, number, ok := strings.Cut(s, "/")
	return ok && len(s) <= MaxLength && isApplication(application) && IsNumber(number)
}

func isApplication(s string) bool {
	if s == "" || !isLower(rune(s[0])) {
		return false
	}
	for part := range strings.SplitSeq(s, "-") {
		if !strings.ContainsFunc(part, isLower) ||
			strings.ContainsFunc(part, func(r rune) bool { return !isLower(r) && !isDigit(r) }) {
			return false
		}
	}
	return true
}

// IsNumber reports whether s is a number of a unit, or of a relation, as Juju
// writes it.
func IsNumber(s string) bool {
	return s != "" && len(s) <= 10 && (s == "0" || s[0] != '0') &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isDigit(r) })
}

func isLower(r rune) bool { return 'a' <= r && r <= 'z' }
func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// Of is the name of an application's unit.
func Of(application string, number int) string {
	return application + "/" + strconv.Itoa(number)
}

// Application is the application to which a unit belongs.
func Application(name string) string {
	application, _, _ := strings.Cut(name, "/")
	return application
}

// Number is N of app/N, -1 for what is no unit's name.
func Number(name string) int {
	if !Valid(name) {
		return -1
	}
	_, digits, _ := strings.Cut(name, "/")
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return -1
	}
	return int(n)
}

// Compare orders names of units by their numbers: app/9 before app/10. What is no
// unit's name comes last.
func Compare(a, b string) int {
	return cmp.Or(cmp.Compare(uint(Number(a)), uint(Number(b))), strings.Compare(a, b))
}
