package rollingops

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// equalValues is Python's ==: numbers compare by value whatever their type,
// and True and False are the numbers 1 and 0.
func equalValues(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b
	case list:
		b, ok := b.(list)
		return ok && equalLists(a, b)
	case object:
		b, ok := b.(object)
		return ok && equalObjects(a, b)
	case nil:
		return b == nil
	}
	return equalNumbers(a, b)
}

func equalLists(a, b list) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equalValues(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b object) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].name != b[i].name || !equalValues(a[i].value, b[i].value) {
			return false
		}
	}
	return true
}

func equalNumbers(a, b any) bool {
	x, ok := exact(a)
	y, ok2 := exact(b)
	return ok && ok2 && x == y
}

// exact brings equal numbers to one form: an integer if whole, else a float64.
// It reports whether v is a number at all.
func exact(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		return boolInteger(v), true
	case integer:
		return v, true
	case float64:
		if v == math.Trunc(v) {
			return truncate(v), true
		}
		return v, true
	}
	return nil, false
}

func boolInteger(b bool) integer {
	if b {
		return "1"
	}
	return "0"
}

// truncate is the exact whole part of a finite number.
func truncate(f float64) integer {
	f = math.Trunc(f)
	if f == 0 { // also -0.0
		return "0"
	}
	return integer(strconv.FormatFloat(f, 'f', 0, 64))
}

var errNotInteger = errors.New("not an integer")

// toInteger converts a JSON value as Python's int() does.
func toInteger(v any) (integer, error) {
	switch v := v.(type) {
	case integer:
		return v, nil
	case string:
		return parseInteger(v)
	case float64:
		return truncate(v), nil
	case bool:
		return boolInteger(v), nil
	}
	return "", fmt.Errorf("%w: %s", errNotInteger, kindOf(v))
}

// kindOf names the type of a JSON value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case integer, float64:
		return "a number"
	case string:
		return "a string"
	case list:
		return "a list"
	}
	return "an object"
}

// parseInteger reads a number as Python's int() does: whitespace around it, a
// sign, digits of any script, single underscores between digits.
func parseInteger(s string) (integer, error) {
	s, ok := asciiDigits(s)
	if !ok {
		return "", errNotInteger
	}
	s = strings.Trim(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if s == "" || s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") {
		return "", errNotInteger
	}
	s = strings.ReplaceAll(s, "_", "")
	if strings.Trim(s, "0123456789") != "" {
		return "", errNotInteger
	}
	if len(s) > maxDigits {
		return "", errDigits
	}
	s = strings.TrimLeft(s, "0")
	switch {
	case s == "":
		return "0", nil
	case negative:
		return integer("-" + s), nil
	}
	return integer(s), nil
}

// asciiDigits replaces the digits and spaces beyond ASCII by those in it. It
// reports whether anything else beyond ASCII is there.
func asciiDigits(s string) (string, bool) {
	ok := true
	ascii := strings.Map(func(r rune) rune {
		switch {
		case r <= unicode.MaxASCII:
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		d, isDigit := digitValue(r)
		ok = ok && isDigit
		return '0' + d
	}, s)
	return ascii, ok
}

// digitValue is the value of a decimal digit of any script. Unicode has them
// in runs of ten that begin with zero.
func digitValue(r rune) (rune, bool) {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}
