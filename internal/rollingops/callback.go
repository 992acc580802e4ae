package rollingops

import (
	"context"
	"fmt"
	"runtime/debug"

	"rolling-ops/internal/codec"
)

// Result is what a callback says of its attempt.
type Result int

const (
	// Release ends the operation and gives the lock back.
	Release Result = iota
	// RetryRelease gives the lock back and tries again later; others go first.
	RetryRelease
	// RetryHold tries again before any other unit gets the lock.
	RetryHold
	// Continue says that the attempt is not over: the unit keeps the lock, nothing
	// is written, and the worker brings the unit back to go on with the attempt in
	// another hook. What waited for the hook to end, an operator's action or a
	// changed configuration, comes in between. Nothing counts such a call: a
	// callback that returns Continue has to know itself when it has done so for
	// long enough.
	Continue
	// Await says that the attempt can't begin or go on until something changes of
	// which the unit has a hook, such as the configuration. It is Continue without
	// the worker: any later hook of the unit goes on with the attempt.
	Await
)

func (r Result) String() string {
	switch r {
	case Release:
		return "release"
	case RetryRelease:
		return "retry-release"
	case RetryHold:
		return "retry-hold"
	case Continue:
		return "continue"
	case Await:
		return "await"
	}
	return fmt.Sprintf("Result(%d)", int(r))
}

// Callback does the operation on the local unit, while no other unit runs one.
// It must return when ctx is done. An error, a panic or an unknown Result
// counts as RetryRelease, an error with RetryHold as that: then the callback has
// told of it in the log. It may run more than once for one operation: a hook
// that fails after its callback is run again.
type Callback func(ctx context.Context, args codec.Args) (Result, error)

// panicError is a callback's panic with the stack it left.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("callback panicked: %v", e.value) }

// call runs the callback and turns whatever it does into a Result.
func call(ctx context.Context, cb Callback, args codec.Args) (result Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = RetryRelease, &panicError{value: v, stack: debug.Stack()}
		}
	}()
	result, err = cb(ctx, args)
	if err != nil && result == RetryHold {
		return RetryHold, err
	}
	if err != nil {
		return RetryRelease, err
	}
	if result < Release || result > Await {
		return RetryRelease, fmt.Errorf("callback returned unknown %v", result)
	}
	return result, nil
}
