package codec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Operation is one entry of a unit's queue.
type Operation struct {
	CallbackID  string
	Kwargs      Args
	RequestedAt Timestamp
	MaxRetry    Retries
	Attempt     Count // failed attempts so far
}

// NewOperation makes an operation that was not attempted yet. maxRetry is how
// often it may be tried again after its first attempt, nil for any number.
//
// Errors: the callback id is blank or not UTF-8, maxRetry is negative.
func NewOperation(callbackID string, kwargs Args, now time.Time, maxRetry *int) (Operation, error) {
	op := Operation{CallbackID: callbackID, Kwargs: kwargs, RequestedAt: TimestampOf(now)}
	if err := checkCallbackID(callbackID); err != nil {
		return Operation{}, fmt.Errorf("cannot make an operation: callback id %w", err)
	}
	if maxRetry != nil {
		if *maxRetry < 0 {
			return Operation{}, fmt.Errorf("cannot make an operation: retry limit %d is negative", *maxRetry)
		}
		op.MaxRetry.limit = strconv.Itoa(*maxRetry)
	}
	return op, nil
}

func checkCallbackID(id string) error {
	switch {
	case strings.TrimFunc(id, isPythonSpace) == "":
		return errors.New("is blank")
	case !utf8.ValidString(id):
		return errUTF8
	}
	return nil
}

// isPythonSpace reports whether Python's str.strip removes r.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// Equal reports whether both ask for the same: the same callback with equal
// arguments.
func (o Operation) Equal(p Operation) bool {
	return o.CallbackID == p.CallbackID && o.Kwargs.Equal(p.Kwargs)
}

// Next is the operation after one more failed attempt.
func (o Operation) Next() Operation {
	o.Attempt = o.Attempt.next()
	return o
}

// Exhausted reports whether more attempts have failed than may be followed by
// another one.
func (o Operation) Exhausted() bool {
	return o.MaxRetry.limit != "" && compareDigits(o.Attempt.String(), o.MaxRetry.limit) > 0
}

// Retries is a retry limit of any size, as Python's integers are. The zero
// value is no limit.
type Retries struct {
	limit string // decimal digits without leading zeros, "" for no limit
}

// Limit is the limit, or the largest int if that is smaller. It reports
// whether there is a limit.
func (r Retries) Limit() (int, bool) { return clampDigits(r.limit), r.limit != "" }

// String is the limit in decimal, "" if there is none.
func (r Retries) String() string { return r.limit }

// Count is a number of attempts of any size, as Python's integers are.
type Count struct {
	digits string // decimal digits without leading zeros, "" for zero
}

// countOf makes a count of decimal digits without leading zeros.
func countOf(digits string) Count { return Count{strings.TrimPrefix(digits, "0")} }

// Int is the count, or the largest int if that is smaller.
func (c Count) Int() int { return clampDigits(c.digits) }

// String is the count in decimal.
func (c Count) String() string { return cmp.Or(c.digits, "0") }

// next is c+1.
func (c Count) next() Count {
	b := []byte("0" + c.digits)
	last := len(b) - 1
	for ; b[last] == '9'; last-- {
		b[last] = '0'
	}
	b[last]++
	return Count{strings.TrimLeft(string(b), "0")}
}

// clampDigits reads decimal digits, no matter how many.
func clampDigits(digits string) int {
	if digits == "" {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return math.MaxInt
	}
	return n
}

// compareDigits compares non-negative numbers without leading zeros.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
