package juju

import (
	"strconv"
	"strings"
	"unicode"
)

// maxLine is how much of a text of other machines is shown, in bytes.
const maxLine = 500

// Clean makes a text of other machines fit to be shown: one line, without
// control characters, not too long.
func Clean(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if b.Len() > maxLine {
			b.WriteString("...")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
