package hooktool

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// maxKey bounds a key as written, in bytes: YAML readers give up on keys of 1024 characters.
const maxKey = 1000

// encodeSettings writes values as a mapping that is both JSON and YAML, with sorted keys. Juju reads it as YAML, and
// plain JSON is not safe there: YAML refuses DEL, C1 controls and byte-order marks in their literal form, folds the
// Unicode line separators into spaces, and does not know surrogate pairs. So the former are escaped and everything
// outside the basic plane is literal.
func encodeSettings(values map[string]string) ([]byte, error) {
	out := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			out = append(out, ",\n "...)
		}
		if key == "" {
			return nil, errors.New("a key is empty")
		}
		if !utf8.ValidString(key) || !utf8.ValidString(values[key]) {
			return nil, fmt.Errorf("key %q or its value is not valid UTF-8", clip(key, 64))
		}
		start := len(out)
		out = appendQuoted(out, key)
		if len(out)-start > maxKey {
			return nil, fmt.Errorf("key %q is too long", clip(key, 64))
		}
		out = append(out, ": "...)
		out = appendQuoted(out, values[key])
	}
	return append(out, "}\n"...), nil
}

func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case mustEscape(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}

func mustEscape(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f ||
		r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' || r == '\uffff'
}
