package codec

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
	var p parser
	entries, err := p.parse(text)
	if err == nil {
		err = entries.only(listKind)
	}
	if err != nil {
		return nil, &DecodeError{Entry: -1, Err: err}
	}
	q := make(Queue, len(entries.items))
	for i, entry := range entries.items {
		if field, err := q[i].decode(&p, entry); err != nil {
			return nil, &DecodeError{Entry: i, Field: field, Err: err}
		}
	}
	return q, nil
}

// decode reads an entry of the list. With an error it returns the field in
// which it is, "" if in none.
func (o *Operation) decode(p *parser, entry value) (field string, err error) {
	if err := entry.only(stringKind); err != nil {
		return "", err
	}
	fields, err := p.parse(entry.text)
	if err == nil {
		err = fields.only(objectKind)
	}
	if err != nil {
		return "", err
	}
	for _, field := range [...]string{fieldCallbackID, fieldKwargs, fieldRequestedAt, fieldMaxRetry, fieldAttempt} {
		v, ok := fields.get(field)
		if !ok && field != fieldKwargs && field != fieldMaxRetry {
			return field, errMissing
		}
		if err := o.decodeField(p, field, v); err != nil {
			return field, err
		}
	}
	return "", nil
}

func (o *Operation) decodeField(p *parser, field string, v value) (err error) {
	switch {
	case (field == fieldKwargs || field == fieldMaxRetry) && v.isFalse():
		return nil
	case field == fieldMaxRetry:
		o.MaxRetry.limit, err = v.toCount()
		return err
	case field == fieldAttempt:
		n, err := v.toCount()
		o.Attempt = countOf(n)
		return err
	}
	if err := v.only(stringKind); err != nil {
		return err
	}
	switch field {
	case fieldCallbackID:
		o.CallbackID, err = v.text, checkCallbackID(v.text)
	case fieldKwargs:
		o.Kwargs, err = p.args(v.text)
	case fieldRequestedAt:
		o.RequestedAt, err = ParseTimestamp(v.text)
	}
	return err
}

var errNegative = errors.New("is negative")

// toCount converts a value to an integer that is not negative.
func (v value) toCount() (string, error) {
	n, err := v.toInteger()
	if err == nil && strings.HasPrefix(n, "-") {
		err = errNegative
	}
	return n, err
}

// Encode writes the queue as it stands in a databag. What ParseQueue would not
// read is an error.
func (q Queue) Encode() (string, error) {
	out := append(make([]byte, 0, 256*len(q)), '[')
	var entry, kwargs []byte
	values := 1 // as the parser counts them
	for i, op := range q {
		if err := op.check(); err != nil {
			return "", fmt.Errorf("cannot encode operations: entry %d: %w", i, err)
		}
		kwargs = op.Kwargs.object().append(kwargs[:0])
		entry = op.append(entry[:0], string(kwargs))
		if i > 0 {
			out = append(out, ',')
		}
		if out = appendString(out, string(entry)); len(out) >= maxText {
			return "", fmt.Errorf("cannot encode operations: %w", errTooLong)
		}
		const entryAndFields = 7
		if values += entryAndFields + op.Kwargs.object().count(); values > maxValues {
			return "", fmt.Errorf("cannot encode operations: %w", errTooMany)
		}
	}
	return string(append(out, ']')), nil
}

// check reports whether the operation could be read back.
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
