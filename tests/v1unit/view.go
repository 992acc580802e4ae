package v1unit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// KeyWorker is the application databag's key for the process id of the leader's
// worker.
const KeyWorker = "rollingops-worker-pid"

// The exceptions that the library's users know.
const (
	InvalidRequest = "RollingOpsInvalidLockRequestError"
	NoRelation     = "RollingOpsNoRelationError"
	Undecodable    = "RollingOpsDecodingError"
)

// RaisedError is a Python exception.
type RaisedError struct {
	Exception string // its class
	Err       error  // why, nil if the class says it
}

func (e *RaisedError) Error() string {
	if e.Err == nil {
		return e.Exception
	}
	return fmt.Sprintf("%s: %v", e.Exception, e.Err)
}

func (e *RaisedError) Unwrap() error { return e.Err }

func raise(exception string, err error) error { return &RaisedError{exception, err} }

// view is a unit's databag.
type view struct {
	name string
	bag  map[string]string
}

func (h *Hook) view(ctx context.Context, name string) (view, error) {
	bag, err := h.data.unit(ctx, name)
	return view{name, bag}, err
}

func (h *Hook) own(ctx context.Context) (view, error) { return h.view(ctx, h.c.Unit) }

func (v view) state() rollingops.State { return rollingops.State(v.bag[rollingops.KeyState]) }

func (v view) queue() (codec.Queue, error) {
	queue, err := codec.ParseQueue(v.bag[rollingops.KeyOperations])
	if err != nil {
		return nil, raise(Undecodable, err)
	}
	return queue, nil
}

func (v view) requestedAt() (codec.Timestamp, error) {
	queue, err := v.queue()
	op, _ := queue.Head()
	return op.RequestedAt, err
}

// executedAt is no moment if it can't be read.
func (v view) executedAt() (codec.Timestamp, error) {
	at, _ := codec.ParseTimestamp(v.bag[rollingops.KeyExecutedAt])
	return at, nil
}

// executedSince reports whether the unit's stamp is later than that of a grant,
// as raw as both are.
func (v view) executedSince(grantedAt string) (bool, error) {
	granted, err := codec.ParseTimestamp(grantedAt)
	if err != nil {
		return false, nil
	}
	at, _ := v.executedAt()
	if at.IsZero() {
		return false, nil
	}
	return before(granted, at)
}

// oldest is the unit with the earliest stamp, the first of equals. One without a
// stamp is nobody.
func oldest(views []view, stamp func(view) (codec.Timestamp, error)) (string, error) {
	var name string
	var first codec.Timestamp
	for _, v := range views {
		at, err := stamp(v)
		if err != nil {
			return "", err
		}
		if at.IsZero() {
			continue
		}
		earlier := first.IsZero()
		if !earlier {
			if earlier, err = before(at, first); err != nil {
				return "", err
			}
		}
		if earlier {
			name, first = v.name, at
		}
	}
	return name, nil
}

// before compares stamps as Python does, which refuses if only one of them has
// an offset.
func before(a, b codec.Timestamp) (bool, error) {
	if hasOffset(a) != hasOffset(b) {
		return false, raise("TypeError", errors.New("only one of two stamps has an offset"))
	}
	return a.Compare(b) < 0, nil
}

func hasOffset(t codec.Timestamp) bool {
	const dateAndTime = len("2006-01-02T15:04:05")
	return strings.ContainsAny(t.String()[dateAndTime:], "+-")
}

func parsePid(text string) (int, error) {
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, raise("ValueError", err)
	}
	return pid, nil
}
