// Package text makes what others have written fit to be shown: bounded, on one
// line, without control characters.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine escapes what would change how a status or a result is shown: parts of
// it come from other machines.
func OneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return out.String()
}

// Cut returns a text of at most so many bytes: its beginning, and "..." if there
// was more.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len("..."))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}

// Tail keeps the end of what is written to it, where the reason of a failure is.
// The zero value keeps nothing.
type Tail struct {
	Limit int // in bytes
	kept  []byte
}

// Write implements io.Writer. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.Limit):]...)
	t.kept = t.kept[max(0, len(t.kept)-t.Limit):]
	return len(p), nil
}

// String is what was kept, without the white space around it and with what is no
// UTF-8 replaced.
func (t *Tail) String() string {
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
}
