package rollingops

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Queue is a unit's queue of operations, the oldest first. Its methods return
// new queues and leave the old ones as they are.
type Queue []Operation

// Len is the number of operations.
func (q Queue) Len() int { return len(q) }

// Head is the operation that runs next.
func (q Queue) Head() (Operation, bool) {
	if len(q) == 0 {
		return Operation{}, false
	}
	return q[0], true
}

// Push appends an operation, unless it is equal to the last one. It reports
// whether it did.
func (q Queue) Push(op Operation) (Queue, bool) {
	if len(q) > 0 && q[len(q)-1].Equal(op) {
		return q, false
	}
	return append(slices.Clip(q), op), true
}

// Pop drops the head.
func (q Queue) Pop() Queue {
	if len(q) == 0 {
		return q
	}
	return q[1:]
}

// WithHead replaces the head.
func (q Queue) WithHead(op Operation) Queue {
	if len(q) == 0 {
		return q
	}
	q = slices.Clone(q)
	q[0] = op
	return q
}

// DecodeError says where a queue can't be decoded. It quotes no value.
type DecodeError struct {
	Entry int    // index of the operation, -1 for the queue as a whole
	Field string // of the operation, "" for the operation as a whole
	Err   error
}

func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString("cannot decode operations: ")
	if e.Entry >= 0 {
		fmt.Fprintf(&b, "entry %d: ", e.Entry)
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "%s: ", e.Field)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *DecodeError) Unwrap() error { return e.Err }

// The fields of an operation in a databag.
const (
	fieldCallbackID  = "callback_id"
	fieldKwargs      = "kwargs"
	fieldRequestedAt = "requested_at"
	fieldMaxRetry    = "max_retry"
	fieldAttempt     = "attempt"
)

var errMissing = errors.New("is missing")

// ParseQueue reads the value of operations in a unit's databag: a JSON list of
// strings, each a JSON object. "" is an empty queue. It is as lax as the
// reference: unknown fields are ignored, numbers may stand for numerals, and
// what Python holds to be false may stand for no kwargs or no limit.
//
// Errors are *DecodeError, wrapping ErrTooLarge if that is why.
func ParseQueue(text string) (Queue, error) {
	if text == "" {
		return nil, nil
	}
	v, err := parseJSON(text)
	if err != nil {
		return nil, &DecodeError{Entry: -1, Err: err}
	}
	entries, ok := v.(list)
	if !ok {
		return nil, &DecodeError{Entry: -1, Err: fmt.Errorf("expected a list, not %s", kindOf(v))}
	}
	q := make(Queue, len(entries))
	for i, e := range entries {
		if err := q[i].decode(e); err != nil {
			err.Entry = i
			return nil, err
		}
	}
	return q, nil
}

// decode reads an entry of the list.
func (o *Operation) decode(entry any) *DecodeError {
	text, ok := entry.(string)
	if !ok {
		return &DecodeError{Err: fmt.Errorf("expected a string, not %s", kindOf(entry))}
	}
	v, err := parseJSON(text)
	if err != nil {
		return &DecodeError{Err: err}
	}
	fields, ok := v.(object)
	if !ok {
		return &DecodeError{Err: fmt.Errorf("expected an object, not %s", kindOf(v))}
	}
	for _, f := range []struct {
		name   string
		decode func(any) error
	}{
		{fieldCallbackID, o.decodeCallbackID},
		{fieldKwargs, o.decodeKwargs},
		{fieldRequestedAt, o.decodeRequestedAt},
		{fieldMaxRetry, o.decodeMaxRetry},
		{fieldAttempt, o.decodeAttempt},
	} {
		v, ok := fields.get(f.name)
		if !ok && f.name != fieldKwargs && f.name != fieldMaxRetry {
			return &DecodeError{Field: f.name, Err: errMissing}
		}
		if err := f.decode(v); err != nil {
			return &DecodeError{Field: f.name, Err: err}
		}
	}
	return nil
}

func (o *Operation) decodeCallbackID(v any) error {
	id, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected a string, not %s", kindOf(v))
	}
	o.CallbackID = id
	return checkCallbackID(id)
}

func (o *Operation) decodeKwargs(v any) (err error) {
	if isFalse(v) {
		return nil
	}
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected a string, not %s", kindOf(v))
	}
	o.Kwargs, err = parseArgs(text)
	return err
}

func (o *Operation) decodeRequestedAt(v any) (err error) {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected a string, not %s", kindOf(v))
	}
	o.RequestedAt, err = ParseTimestamp(text)
	return err
}

func (o *Operation) decodeMaxRetry(v any) (err error) {
	if isFalse(v) {
		return nil
	}
	o.MaxRetry.limit, err = toCount(v)
	return err
}

func (o *Operation) decodeAttempt(v any) error {
	n, err := toCount(v)
	o.Attempt = countOf(n)
	return err
}

var errNegative = errors.New("is negative")

func toCount(v any) (string, error) {
	n, err := toInteger(v)
	if err == nil && strings.HasPrefix(string(n), "-") {
		err = errNegative
	}
	return string(n), err
}

// isFalse tells whether a JSON value is false to Python.
func isFalse(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case list:
		return len(v) == 0
	case object:
		return len(v) == 0
	}
	n, _ := exact(v)
	return n == integer("0")
}

// Encode writes the queue as it stands in a databag. An operation that no
// queue may hold is an error, as is a text longer than ParseQueue reads.
func (q Queue) Encode() (string, error) {
	out := []byte{'['}
	var entry, kwargs []byte
	for i, op := range q {
		if err := op.check(); err != nil {
			return "", fmt.Errorf("cannot encode operations: entry %d: %w", i, err)
		}
		kwargs = appendJSON(kwargs[:0], op.Kwargs.members)
		entry = op.append(entry[:0], string(kwargs))
		if i > 0 {
			out = append(out, ',')
		}
		if out = appendString(out, string(entry)); len(out) >= maxText {
			return "", fmt.Errorf("cannot encode operations: %w", errTooLong)
		}
	}
	return string(append(out, ']')), nil
}

// check tells whether the operation could be read back.
func (o Operation) check() error {
	if err := checkCallbackID(o.CallbackID); err != nil {
		return fmt.Errorf("%s: %w", fieldCallbackID, err)
	}
	if o.RequestedAt.IsZero() {
		return fmt.Errorf("%s: %w", fieldRequestedAt, errMissing)
	}
	if len(o.Attempt.digits) > maxDigits {
		return fmt.Errorf("%s: %w", fieldAttempt, errDigits)
	}
	return nil
}

// append writes the operation as an object with the fields in their order.
func (o Operation) append(b []byte, kwargs string) []byte {
	b = appendString(append(b, `{"callback_id":`...), o.CallbackID)
	b = appendString(append(b, `,"kwargs":`...), kwargs)
	b = o.RequestedAt.append(append(b, `,"requested_at":"`...))
	b = append(append(b, `","max_retry":"`...), o.MaxRetry.String()...)
	b = append(append(b, `","attempt":"`...), o.Attempt.String()...)
	return append(b, `"}`...)
}
