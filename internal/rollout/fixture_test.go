package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rolling-ops/internal/codec"
)

var (
	noon = codec.TimestampOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	// same compares values of this package as they are written.
	same = cmp.Options{
		cmp.Comparer(func(a, b codec.Args) bool { return a.JSON() == b.JSON() }),
		cmp.Comparer(func(a, b codec.Timestamp) bool { return a == b }),
		cmpopts.EquateEmpty(),
	}
)

func args(text string) codec.Args {
	a, err := codec.ParseArgs([]byte(text))
	if err != nil {
		panic(err)
	}
	return a
}

// rollout7 is rollout 7 over units 0 to 4.
func rollout7(change ...func(*Record)) Record {
	r := Record{ID: 7, Rev: 3, At: noon, State: Running, Request: Request{
		Operation: "_restart", Kwargs: args(`{"delay":1}`), Units: Units{0, 1, 2, 3, 4},
		Order: Auto, PauseAfter: PauseNever, Retries: 2, Reason: "rotate CA",
	}}
	for _, c := range change {
		c(&r)
	}
	return r
}

func in(state State, why Why) func(*Record) {
	return func(r *Record) { r.State, r.Why = state, why }
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want an error with %q, got %v", want, err)
	}
}

// scattered are n units of which no two follow each other.
func scattered(n int) Units {
	var u Units
	for i := range n {
		u = append(u, 2*i)
	}
	return u
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("unexpected error: ", err))
	}
	return v
}
