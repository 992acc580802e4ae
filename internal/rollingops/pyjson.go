package rollingops

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Databags carry JSON as Python's json module reads and writes it, which
// encoding/json does neither: it replaces lone surrogates, escapes HTML, reads
// every number as a float64 and matches keys whatever their case.
//
// A JSON value is held as one of nil, bool, integer, float64, string, list and
// object.
type (
	// integer is a whole number of any size: decimal digits, "-" in front if
	// negative, no leading zero.
	integer string
	list    []any
	// object is sorted by name, in which no two are equal.
	object []member
	member struct {
		name  string
		value any
	}
)

// Bounds on what is read from a databag.
const (
	// maxText is the longest text that is read or written, in bytes: what one
	// document of Juju's database may hold.
	maxText = 16 << 20
	// maxDepth is how deep lists and objects may nest: what Python's recursion
	// limit leaves.
	maxDepth = 989
	// maxDigits is how long an integer Python reads and writes.
	maxDigits = 4300
)

var (
	// ErrTooLarge says that a text or a number in it is larger than what is
	// read from or written to a databag.
	ErrTooLarge = errors.New("too large")
	errTooDeep  = fmt.Errorf("%w: nested more than %d deep", ErrTooLarge, maxDepth)
	errTooLong  = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxText)
	errDigits   = fmt.Errorf("%w: an integer of more than %d digits", ErrTooLarge, maxDigits)
	errFloat    = fmt.Errorf("%w: a number beyond the range of a float", ErrTooLarge)
	errUTF8     = errors.New("not valid UTF-8")
)

// syntaxError is where a text stops being JSON. It quotes nothing: the text
// may hold values that no log should have.
type syntaxError struct {
	offset int // in bytes
	what   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.offset, e.what)
}

// parseJSON reads one JSON value, with whitespace around it, as Python's
// json.loads does, but refuses what has no exact counterpart here: NaN,
// infinities and lone surrogates.
func parseJSON(text string) (any, error) {
	if len(text) > maxText {
		return nil, errTooLong
	}
	if !utf8.ValidString(text) {
		return nil, errUTF8
	}
	p := parser{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 || p.pos < len(text) {
		return nil, p.fail("more after the end")
	}
	return v, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) fail(what string) error { return &syntaxError{p.pos, what} }

// peek skips whitespace and returns the byte after it, 0 at the end.
func (p *parser) peek() byte {
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// accept skips whitespace and then c, if it is there.
func (p *parser) accept(c byte) bool {
	if p.peek() != c || p.pos == len(p.text) {
		return false
	}
	p.pos++
	return true
}

// value reads a value inside of depth lists and objects.
func (p *parser) value(depth int) (any, error) {
	switch c := p.peek(); {
	case c == '"':
		return p.string()
	case c == '{' || c == '[':
		if depth == maxDepth {
			return nil, errTooDeep
		}
		p.pos++
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.list(depth + 1)
	case c == '-' || isDigit(c):
		return p.number()
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	case p.word("null"):
		return nil, nil
	}
	return nil, p.fail("no value here")
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

// list reads a list whose opening bracket has been read.
func (p *parser) list(depth int) (any, error) {
	var l list
	if p.accept(']') {
		return l, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
		if p.accept(']') {
			return l, nil
		}
		if !p.accept(',') {
			return nil, p.fail("expected a comma or the end of a list")
		}
	}
}

// object reads an object whose opening brace has been read.
func (p *parser) object(depth int) (any, error) {
	var o object
	if p.accept('}') {
		return o, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.fail("expected a name")
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if !p.accept(':') {
			return nil, p.fail("expected a colon")
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name, v})
		if p.accept('}') {
			return o.normal(), nil
		}
		if !p.accept(',') {
			return nil, p.fail("expected a comma or the end of an object")
		}
	}
}

// normal sorts by name; of equal names the last one stays. The order of names
// in UTF-8 is that of their code points, as in Python.
func (o object) normal() object {
	slices.SortStableFunc(o, func(a, b member) int { return strings.Compare(a.name, b.name) })
	kept := o[:0]
	for i, m := range o {
		if i+1 == len(o) || o[i+1].name != m.name {
			kept = append(kept, m)
		}
	}
	return kept
}

// get returns the value of a name, nil if there is none.
func (o object) get(name string) (any, bool) {
	i, ok := slices.BinarySearchFunc(o, name, func(m member, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		return nil, false
	}
	return o[i].value, true
}

// number reads a number: an integer, or a float64 if it has a fraction or an
// exponent.
func (p *parser) number() (any, error) {
	start := p.pos
	if p.text[p.pos] == '-' {
		p.pos++
	}
	first := p.pos
	switch n := p.digits(); {
	case n == 0:
		return nil, p.fail("expected a digit")
	case n > 1 && p.text[first] == '0':
		return nil, p.fail("a number starts with 0")
	}
	whole := p.pos
	if p.byte() == '.' {
		p.pos++
		if p.digits() == 0 {
			return nil, p.fail("expected a digit")
		}
	}
	if c := p.byte(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.byte(); c == '+' || c == '-' {
			p.pos++
		}
		if p.digits() == 0 {
			return nil, p.fail("expected a digit")
		}
	}
	text := p.text[start:p.pos]
	if p.pos == whole {
		if p.pos-first > maxDigits {
			return nil, errDigits
		}
		if text == "-0" {
			text = "0"
		}
		return integer(text), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errFloat
	}
	return f, nil
}

// byte returns the next byte, 0 at the end.
func (p *parser) byte() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// digits skips digits and returns how many there were.
func (p *parser) digits() int {
	start := p.pos
	for isDigit(p.byte()) {
		p.pos++
	}
	return p.pos - start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// string reads the string whose opening quote is next.
func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	escaped := false
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			raw := p.text[start:p.pos]
			p.pos++
			if !escaped {
				return raw, nil
			}
			return unescape(raw, start)
		case c == '\\':
			escaped = true
			p.pos++
		case c < ' ':
			return "", p.fail("a control character in a string")
		}
	}
	p.pos = len(p.text)
	return "", p.fail("a string without an end")
}

// unescape replaces the escapes in what is between the quotes of a string;
// offset is where that begins.
func unescape(raw string, offset int) (string, error) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		next := strings.IndexByte(raw[i:], '\\')
		if next < 0 {
			b.WriteString(raw[i:])
			break
		}
		b.WriteString(raw[i : i+next])
		i += next
		r, n := unescapeOne(raw[i:])
		if n == 0 {
			return "", &syntaxError{offset + i, "an escape that is none, or half a surrogate pair"}
		}
		b.WriteRune(r)
		i += n
	}
	return b.String(), nil
}

// unescapeOne reads the escape at the beginning of s and returns how many
// bytes it takes, 0 if it is not valid.
func unescapeOne(s string) (rune, int) {
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := hexEscape(s)
	switch {
	case !ok:
		return 0, 0
	case !utf16IsSurrogate(r):
		return r, 6
	}
	low, ok := hexEscape(s[6:])
	if !ok || r >= lowSurrogates || low < lowSurrogates || low > lastSurrogate {
		return 0, 0
	}
	return (r-highSurrogates)<<10 + (low - lowSurrogates) + 0x10000, 12
}

const (
	highSurrogates = 0xd800
	lowSurrogates  = 0xdc00
	lastSurrogate  = 0xdfff
)

func utf16IsSurrogate(r rune) bool { return highSurrogates <= r && r <= lastSurrogate }

// hexEscape reads a \uXXXX at the beginning of s.
func hexEscape(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
