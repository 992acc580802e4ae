package codec

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// append writes a value as Python's
// json.dumps(value, sort_keys=True, separators=(",", ":")) does.
func (v value) append(b []byte) []byte {
	switch v.kind {
	case stringKind:
		return appendString(b, v.text)
	case listKind:
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.append(b)
		}
		return append(b, ']')
	case objectKind:
		b = append(b, '{')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, item.name), ':')
			b = item.append(b)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// float is the value of a finite number, with the text of Python's repr: the
// shortest digits that read back the same, always recognisable as a float.
func float(f float64) value {
	var buf [32]byte
	b := buf[:0]
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
	} else if b = strconv.AppendFloat(b, f, 'f', -1, 64); f == math.Trunc(f) {
		b = append(b, ".0"...)
	}
	return value{kind: floatKind, text: string(b)}
}

// appendString writes a string in quotes and printable ASCII alone.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if ' ' <= c && c <= '~' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		b = appendEscape(b, r)
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

func appendEscape(b []byte, r rune) []byte {
	if r == '"' || r == '\\' { // by far the most
		return append(b, '\\', byte(r))
	}
	if i := strings.IndexRune(unescapes, r); i >= 0 {
		return append(b, '\\', escapes[i])
	}
	if r > math.MaxUint16 {
		high, low := utf16.EncodeRune(r)
		return appendHex(appendHex(b, high), low)
	}
	return appendHex(b, r)
}

func appendHex(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
