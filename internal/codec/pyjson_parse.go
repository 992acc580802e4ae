package codec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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

// parser reads JSON texts one after the other. The zero parser is ready.
type parser struct {
	text string
	pos  int
	// values counts what was read, in all texts.
	values int
	// open holds the items of the lists and objects that have not ended yet.
	open []value
	// unescaped is what string has read so far, if there was an escape.
	unescaped []byte
}

// parse reads a text with one JSON value and whitespace around it, as Python's
// json.loads does, but refuses what has no exact counterpart here: NaN,
// infinities and lone surrogates.
func (p *parser) parse(text string) (value, error) {
	if len(text) > maxText {
		return null, errTooLong
	}
	if !utf8.ValidString(text) {
		return null, errUTF8
	}
	p.text, p.pos, p.open = text, 0, p.open[:0]
	v, err := p.value(0)
	if err != nil {
		return null, err
	}
	if p.skipSpace(); p.pos < len(text) {
		return null, p.fail("more after the end")
	}
	return v, nil
}

func (p *parser) fail(what string) error { return &syntaxError{p.pos, what} }

// byte returns the next byte, 0 at the end.
func (p *parser) byte() byte { return byteAt(p.text, p.pos) }

func (p *parser) skipSpace() {
	for ; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
		default:
			return
		}
	}
}

// accept skips whitespace and then s, if it is there.
func (p *parser) accept(s string) bool {
	p.skipSpace()
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

// value reads a value that is inside of depth lists and objects.
func (p *parser) value(depth int) (value, error) {
	if p.values++; p.values > maxValues {
		return null, errTooMany
	}
	p.skipSpace()
	switch c := p.byte(); {
	case c == '"':
		text, err := p.string()
		return value{kind: stringKind, text: text}, err
	case c == '[':
		return p.items(listKind, "]", depth+1)
	case c == '{':
		return p.items(objectKind, "}", depth+1)
	case c == '-' || isDigit(c):
		return p.number()
	case p.accept("true"):
		return boolean(true), nil
	case p.accept("false"):
		return boolean(false), nil
	case p.accept("null"):
		return null, nil
	}
	return null, p.fail("no value here")
}

// items reads a list or an object.
func (p *parser) items(k kind, end string, depth int) (value, error) {
	if depth > maxDepth {
		return null, errTooDeep
	}
	first := len(p.open)
	p.pos++
	for !p.accept(end) {
		if len(p.open) > first && !p.accept(",") {
			return null, p.fail("expected a comma or the end of " + k.String())
		}
		item, err := p.item(k, depth)
		if err != nil {
			return null, err
		}
		p.open = append(p.open, item)
	}
	items := p.open[first:]
	p.open = p.open[:first]
	if k == objectKind {
		items = byName(items)
	}
	return value{kind: k, items: slices.Clone(items)}, nil
}

// item reads an item of a list or an object.
func (p *parser) item(k kind, depth int) (value, error) {
	if k == listKind {
		return p.value(depth)
	}
	if p.skipSpace(); p.byte() != '"' {
		return null, p.fail("expected a name")
	}
	name, err := p.string()
	if err != nil {
		return null, err
	}
	if !p.accept(":") {
		return null, p.fail("expected a colon")
	}
	v, err := p.value(depth)
	v.name = name
	return v, err
}

// number reads a number: a float if it has a fraction or an exponent.
func (p *parser) number() (value, error) {
	start := p.pos
	if p.byte() == '-' {
		p.pos++
	}
	first := p.pos
	if !p.digits() {
		return null, p.fail("expected a digit")
	}
	whole := p.pos
	if whole > first+1 && p.text[first] == '0' {
		return null, p.fail("a number that begins with 0")
	}
	if p.byte() == '.' {
		if p.pos++; !p.digits() {
			return null, p.fail("expected a digit")
		}
	}
	if c := p.byte(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.byte(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return null, p.fail("expected a digit")
		}
	}
	text := p.text[start:p.pos]
	switch {
	case p.pos > whole:
		return parseFloat(text)
	case whole-first > maxDigits:
		return null, errDigits
	case text == "-0":
		text = "0"
	}
	return value{kind: intKind, text: text}, nil
}

func parseFloat(text string) (value, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return null, errFloat
	}
	return float(f), nil
}

// digits skips digits and reports whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for isDigit(p.byte()) {
		p.pos++
	}
	return p.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// byteAt returns a byte of s, 0 after its end.
func byteAt(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// string reads the string whose opening quote is next.
func (p *parser) string() (string, error) {
	p.pos++
	p.unescaped = p.unescaped[:0]
	rest := p.pos // what follows is not in unescaped yet
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			s := p.text[rest:p.pos]
			p.pos++
			if len(p.unescaped) > 0 {
				s = string(append(p.unescaped, s...))
			}
			return s, nil
		case c == '\\':
			r, size := unescape(p.text[p.pos:])
			if size == 0 {
				return "", p.fail("an escape that is none, or half a surrogate pair")
			}
			p.unescaped = append(p.unescaped, p.text[rest:p.pos]...)
			p.unescaped = utf8.AppendRune(p.unescaped, r)
			p.pos += size
			rest = p.pos
		case c < ' ':
			return "", p.fail("a control character in a string")
		default:
			p.pos++
		}
	}
	return "", p.fail("a string without an end")
}

// The escapes of one letter, and what they stand for.
const (
	escapes   = `"\/bfnrt`
	unescapes = "\"\\/\b\f\n\r\t"
)

// unescape reads the escape at the beginning of s and returns how many bytes
// it takes, 0 if it is not valid.
func unescape(s string) (rune, int) {
	if i := strings.IndexByte(escapes, byteAt(s, 1)); i >= 0 {
		return rune(unescapes[i]), 2
	}
	r, ok := hexEscape(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := hexEscape(s[6:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hexEscape reads a \uXXXX at the beginning of s.
func hexEscape(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
