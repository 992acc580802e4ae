package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rolling-ops/internal/codec"
)

// Bounds, in bytes of UTF-8 unless said otherwise.
const (
	MaxRecord  = 1024
	MaxHistory = 1024
	MaxStep    = 400
	MaxLast    = 300

	MaxOperation = 64  // the name of an operation
	MaxKwargs    = 256 // its arguments as JSON
	MaxReason    = 120
	MaxError     = 160 // as it stands in JSON

	maxNumber = 999_999_999 // ids, revisions, rounds, counts
)

// unmarshal reads an object or a list of at most limit bytes. The error says
// what is wrong in words of the field, and quotes little of the text.
func unmarshal(text string, limit int, into any) error {
	if len(text) > limit {
		return fmt.Errorf("it has %d bytes, and may have %d", len(text), limit)
	}
	if !utf8.ValidString(text) {
		return errors.New("it is not valid UTF-8")
	}
	err := json.Unmarshal([]byte(text), into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return fmt.Errorf("it is a JSON %s", wrong.Value)
		}
		return fmt.Errorf("%s can't be a %s", wrong.Field, wrong.Value)
	}
	return err
}

// marshal writes JSON without the escapes that only HTML needs.
func marshal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // structs of strings and numbers have a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// checkText refuses what is too long or would not be shown as one line.
func checkText(name, text string, limit int) error {
	switch {
	case len(text) > limit:
		return fmt.Errorf("%s has %d bytes, and may have %d", name, len(text), limit)
	case !utf8.ValidString(text):
		return fmt.Errorf("%s is not valid UTF-8", name)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s has a character that can't be shown, %s", name, strconv.QuoteRuneToASCII(r))
		}
	}
	return nil
}

// checkNumber refuses what is negative or larger than any that this package
// writes.
func checkNumber(name string, n, most int) error {
	switch {
	case n < 0:
		return fmt.Errorf("%s is negative", name)
	case n > most:
		return fmt.Errorf("%s is more than %d", name, most)
	}
	return nil
}

// checkNumbers checks fields that may have any size.
func checkNumbers(fields ...field) error {
	for _, f := range fields {
		if err := checkNumber(f.name, f.value, maxNumber); err != nil {
			return err
		}
	}
	return nil
}

type field struct {
	name  string
	value int
}

// stamp reads a timestamp; "" is none.
func stamp(name, text string) (codec.Timestamp, error) {
	if text == "" {
		return codec.Timestamp{}, nil
	}
	at, err := codec.ParseTimestamp(text)
	if err != nil {
		return at, fmt.Errorf("%s is no timestamp", name)
	}
	return at, nil
}

// oneLine makes a text fit to be shown and to be stored in at most limit bytes
// of JSON: white space becomes a space, what can't be shown is escaped as in
// Go, and the end is cut off between two characters.
func oneLine(text string, limit int) string {
	var b strings.Builder
	room := limit
	for _, r := range strings.Join(strings.Fields(text), " ") {
		shown := string(r)
		if !unicode.IsPrint(r) {
			shown = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if room -= len(marshal(shown)) - len(`""`); room < 0 {
			break
		}
		b.WriteString(shown)
	}
	return b.String()
}
