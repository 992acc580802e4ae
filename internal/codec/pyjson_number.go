package codec

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// isNumber reports whether the value is a number to Python.
func (v value) isNumber() bool { return v.kind == boolKind || v.kind == intKind || v.kind == floatKind }

// exact is a text that two numbers have in common only if they are equal.
func (v value) exact() string {
	switch v.text {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	if f, ok := v.float(); ok && f == math.Trunc(f) {
		return wholePart(f)
	}
	return v.text
}

// float returns the number that a float is.
func (v value) float() (float64, bool) {
	if v.kind != floatKind {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	return f, err == nil
}

// wholePart is the exact whole part of a number, in decimal.
func wholePart(f float64) string {
	if f = math.Trunc(f); f == 0 { // also -0.0
		return "0"
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

var errNotInteger = errors.New("not an integer")

// toInteger converts a value to an integer, in decimal, as Python's int()
// does.
func (v value) toInteger() (string, error) {
	switch v.kind {
	case boolKind, intKind:
		return v.exact(), nil
	case floatKind:
		f, _ := v.float()
		return wholePart(f), nil
	case stringKind:
		return parseInteger(v.text)
	}
	return "", fmt.Errorf("%w: %s", errNotInteger, v.kind)
}

// parseInteger reads a numeral as Python's int() does: whitespace around it, a
// sign, digits of any script, single underscores between digits.
func parseInteger(s string) (string, error) {
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
		return "-" + s, nil
	}
	return s, nil
}

// asciiDigits replaces the digits and spaces beyond ASCII by those in it. It
// reports whether nothing else beyond ASCII is there.
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
