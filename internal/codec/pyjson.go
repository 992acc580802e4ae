package codec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Databags carry JSON as Python's json module reads and writes it, which
// encoding/json does neither: it replaces lone surrogates, escapes HTML, reads
// every number as a float64 and matches names whatever their case.

// value is a JSON value.
type value struct {
	kind kind
	name string // in the object that holds it
	// text is what a string says; of null, a boolean or a number it is how
	// Python writes it.
	text string
	// items are those of a list, or of an object, sorted by name with no two
	// equal.
	items []value
}

type kind uint8

const (
	nullKind kind = iota
	boolKind
	intKind
	floatKind
	stringKind
	listKind
	objectKind
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "an integer", "a float", "a string", "a list", "an object"}[k]
}

var null = value{text: "null"}

func boolean(b bool) value {
	if b {
		return value{kind: boolKind, text: "true"}
	}
	return value{kind: boolKind, text: "false"}
}

// Bounds on what is read from a databag.
const (
	// maxText is the longest text that is read or written, in bytes: what one
	// document of Juju's database may hold.
	maxText = 16 << 20
	// maxValues bounds the memory that one text can take.
	maxValues = 1 << 18 // some 37,000 operations; 70 MB
	// maxDepth is how deep lists and objects may nest: what Python's recursion
	// limit leaves.
	maxDepth = 989
	// maxDigits is how long an integer Python reads and writes.
	maxDigits = 4300
)

var (
	// ErrTooLarge says that a text, or a number in it, is larger than what is
	// read from or written to a databag.
	ErrTooLarge = errors.New("too large")

	errTooLong = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxText)
	errTooMany = fmt.Errorf("%w: more than %d values", ErrTooLarge, maxValues)
	errTooDeep = fmt.Errorf("%w: nested more than %d deep", ErrTooLarge, maxDepth)
	errDigits  = fmt.Errorf("%w: an integer of more than %d digits", ErrTooLarge, maxDigits)
	errFloat   = fmt.Errorf("%w: a number beyond the range of a float", ErrTooLarge)
	errUTF8    = errors.New("not valid UTF-8")
)

// only says that a value has not the one kind that is meant.
func (v value) only(want kind) error {
	if v.kind == want {
		return nil
	}
	return fmt.Errorf("expected %s, not %s", want, v.kind)
}

// isFalse reports whether the value is false to Python.
func (v value) isFalse() bool {
	switch v.kind {
	case nullKind:
		return true
	case stringKind:
		return v.text == ""
	case listKind, objectKind:
		return len(v.items) == 0
	}
	return v.exact() == "0"
}

// get returns the item of an object that has a name, null if there is none.
func (v value) get(name string) (value, bool) {
	i := slices.IndexFunc(v.items, func(item value) bool { return item.name == name })
	if i < 0 {
		return null, false
	}
	return v.items[i], true
}

// count is how many values there are, with those inside.
func (v value) count() int {
	n := 1
	for _, item := range v.items {
		n += item.count()
	}
	return n
}

// equal is Python's ==: numbers compare by value whatever their kind, and True
// and False are the numbers 1 and 0.
func (v value) equal(w value) bool {
	if v.isNumber() && w.isNumber() {
		return v.exact() == w.exact()
	}
	return v.kind == w.kind && v.text == w.text && slices.EqualFunc(v.items, w.items, func(a, b value) bool {
		return a.name == b.name && a.equal(b)
	})
}

// byName sorts the items of an object in place and keeps the last of those of
// equal name. The order of names in UTF-8 is that of their code points, as in
// Python.
func byName(items []value) []value {
	slices.SortStableFunc(items, func(a, b value) int { return strings.Compare(a.name, b.name) })
	kept := items[:0]
	for i, item := range items {
		if i+1 == len(items) || items[i+1].name != item.name {
			kept = append(kept, item)
		}
	}
	return kept
}
