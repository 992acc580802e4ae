package rollingops

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/codec"
)

// errRefused says that a record's own value could not be read or written.
var errRefused = errors.New("refused")

// withOffset matches a stamp that says how far from UTC its time is.
var withOffset = regexp.MustCompile(`T.*[+-][0-9:.]+$`)

// codecRecord replays one recorded codec decision. With exotic, refusing to
// read or write counts as a match: a changed value never does.
func codecRecord(kind string, raw []byte, exotic bool) (matched bool, detail string) {
	var c codecCase
	_, err := codec.ParseArgs(raw) // encoding/json would replace lone surrogates
	if err != nil {
		err = fmt.Errorf("%w: %w", errRefused, err)
	} else if err = json.Unmarshal(raw, &c); err == nil {
		err = c.check(kind)
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case kind == "construct" && errors.As(err, &wrongType) && c.Error != nil:
		return true, "" // a value that the type of the field rules out
	case err == nil:
		return true, ""
	case exotic && errors.Is(err, errRefused):
		return true, err.Error()
	}
	return false, err.Error()
}

// codecCase is a codec record of any kind.
type codecCase struct {
	Error         *string
	ReencodeError *string `json:"reencode_error"`

	Input, Output *string
	Ops           []codecOp

	Aware  *bool
	A, B   string
	Result *int

	codecOp
	Now      string
	Enqueued bool
	Reached  bool
}

// codecOp is an operation in a record.
type codecOp struct {
	CallbackID  string       `json:"callback_id"`
	KwargsJSON  string       `json:"kwargs_json"`
	RequestedAt string       `json:"requested_at"`
	MaxRetry    *json.Number `json:"max_retry"`
	Attempt     json.Number
}

func (c codecCase) check(kind string) error {
	switch kind {
	case "encode":
		return c.encode()
	case "decode":
		return c.decode()
	case "timestamp":
		return c.timestamp()
	case "compare":
		return c.compare()
	case "enqueue":
		return c.enqueue()
	case "limit":
		return c.limit()
	case "construct":
		return c.construct()
	}
	return fmt.Errorf("unknown kind %q", kind)
}

func (c codecCase) encode() error {
	var q codec.Queue
	for _, r := range c.Ops {
		op, err := r.operation()
		if err != nil {
			return err
		}
		q = append(q, op)
	}
	return encodesTo(q, *c.Output)
}

func (c codecCase) decode() error {
	q, err := codec.ParseQueue(*c.Input)
	if c.Error != nil {
		if err == nil {
			return errors.New("read, but should be an error")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	got := make([]codecOp, len(q))
	for i, op := range q {
		got[i] = recordOf(op)
	}
	if diff := cmp.Diff(c.Ops, got); diff != "" {
		return errors.New(diff)
	}
	if c.ReencodeError != nil {
		if _, err := q.Encode(); err == nil {
			return errors.New("written, but should be an error")
		}
		return nil
	}
	return encodesTo(q, *c.Output)
}

func (c codecCase) timestamp() error {
	t, err := codec.ParseTimestamp(*c.Input)
	switch {
	case c.Output == nil && err == nil:
		return fmt.Errorf("read as %s, but should be an error", t)
	case c.Output == nil:
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", errRefused, err)
	case t.String() != *c.Output:
		return fmt.Errorf("want %s, got %s", *c.Output, t)
	case withOffset.MatchString(t.String()) != *c.Aware:
		return fmt.Errorf("want an offset: %t", *c.Aware)
	}
	return nil
}

// compare also compares what Python does not: a stamp with an offset and one
// without, which is read as UTC.
func (c codecCase) compare() error {
	a, errA := codec.ParseTimestamp(c.A)
	b, errB := codec.ParseTimestamp(c.B)
	if err := errors.Join(errA, errB); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	want := a.Time().Compare(b.Time())
	if c.Result != nil {
		want = *c.Result
	}
	if got := a.Compare(b); got != want || b.Compare(a) != -want {
		return fmt.Errorf("want %d, got %d, reversed %d", want, got, b.Compare(a))
	}
	return nil
}

func (c codecCase) enqueue() error {
	q, err := codec.ParseQueue(*c.Input)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	c.RequestedAt, c.Attempt = c.Now, "0"
	op, err := c.operation()
	if err != nil {
		return err
	}
	q, enqueued := q.Push(op)
	if enqueued != c.Enqueued {
		return fmt.Errorf("enqueued: want %t, got %t", c.Enqueued, enqueued)
	}
	return encodesTo(q, *c.Output)
}

func (c codecCase) limit() error {
	c.CallbackID, c.KwargsJSON, c.RequestedAt = "x", "{}", "2026-03-01T12:00:00+00:00"
	op, err := c.operation()
	if err == nil && op.Exhausted() != c.Reached {
		return fmt.Errorf("reached: want %t, got %t", c.Reached, op.Exhausted())
	}
	return err
}

func (c codecCase) construct() error {
	c.KwargsJSON, c.RequestedAt = "{}", "2026-03-01T12:00:00+00:00"
	op, err := c.operation()
	if err == nil {
		_, err = codec.NewOperation(op.CallbackID, op.Kwargs, op.RequestedAt.Time(), smallLimit(op.MaxRetry))
	}
	if (err != nil) != (c.Error != nil) {
		return fmt.Errorf("want an error: %t, got: %v", c.Error != nil, err)
	}
	return nil
}

func smallLimit(r codec.Retries) *int {
	if n, limited := r.Limit(); limited {
		return &n
	}
	return nil
}

func encodesTo(q codec.Queue, want string) error {
	got, err := q.Encode()
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if got != want {
		return errors.New(cmp.Diff(want, got))
	}
	return nil
}

// operation is what the record stands for, by way of a queue that holds it
// alone: some counts are larger than an int.
func (r codecOp) operation() (codec.Operation, error) {
	fields := map[string]any{"callback_id": r.CallbackID, "kwargs": r.KwargsJSON, "requested_at": r.RequestedAt, "attempt": r.Attempt}
	if r.MaxRetry != nil {
		fields["max_retry"] = r.MaxRetry.String() // a number 0 would stand for no limit
	}
	entry, err := json.Marshal(fields)
	if err != nil {
		return codec.Operation{}, err
	}
	text, err := json.Marshal([]string{string(entry)})
	if err != nil {
		return codec.Operation{}, err
	}
	q, err := codec.ParseQueue(string(text))
	if err != nil {
		return codec.Operation{}, fmt.Errorf("%w: %w", errRefused, err)
	}
	return q[0], nil
}

func recordOf(op codec.Operation) codecOp {
	r := codecOp{CallbackID: op.CallbackID, KwargsJSON: op.Kwargs.JSON(), RequestedAt: op.RequestedAt.String(), Attempt: json.Number(op.Attempt.String())}
	if n := json.Number(op.MaxRetry.String()); n != "" {
		r.MaxRetry = &n
	}
	return r
}
