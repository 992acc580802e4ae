package codec

import (
	"math"
	"strings"
	"testing"
)

func TestNewOperation(t *testing.T) {
	number := func(n int) *int { return &n }
	for _, c := range []struct {
		name, id string
		maxRetry *int
		want     string // the error
	}{
		{"plain", "restart", nil, ""},
		{"limit", "restart", number(3), ""},
		{"no retry", "restart", number(0), ""},
		{"zero width space", "\u200b", nil, ""},
		{"empty", "", nil, "callback id is blank"},
		{"spaces", " \t\u001f\u0085\u3000", nil, "callback id is blank"},
		{"not UTF-8", "a\xff", nil, "callback id not valid UTF-8"},
		{"negative", "restart", number(-1), "retry limit -1 is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			op, err := NewOperation(c.id, Args{}, noon, c.maxRetry)
			if c.want != "" {
				if err == nil || err.Error() != "cannot make an operation: "+c.want {
					t.Errorf("want %s, got %v", c.want, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			limit, limited := op.MaxRetry.Limit()
			if limited != (c.maxRetry != nil) || limited && limit != *c.maxRetry {
				t.Errorf("limit is %d, %t", limit, limited)
			}
			if op.CallbackID != c.id || op.Attempt.Int() != 0 || op.RequestedAt.String() != "2026-03-01T12:00:00+00:00" {
				t.Errorf("made %+v", op)
			}
		})
	}
}

func TestExhausted(t *testing.T) {
	huge := "1" + strings.Repeat("0", 30)
	for _, c := range []struct {
		attempt, limit string
		want           bool
	}{
		{"", "", false},
		{huge, "", false},
		{"", "0", false},
		{"1", "0", true},
		{"9", "10", false},
		{"10", "10", false},
		{"11", "10", true},
		{"100", "99", true},
		{"9", huge, false},
		{huge, "9", true},
		{huge, huge, false},
	} {
		op := Operation{Attempt: Count{c.attempt}, MaxRetry: Retries{c.limit}}
		if op.Exhausted() != c.want {
			t.Errorf("attempt %q of %q: want %t", c.attempt, c.limit, c.want)
		}
	}
}

func TestNextCountsOn(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"", "1"}, {"1", "2"}, {"9", "10"}, {"199", "200"}, {strings.Repeat("9", 30), "1" + strings.Repeat("0", 30)},
	} {
		if got := (Operation{Attempt: Count{c.from}}).Next().Attempt.String(); got != c.want {
			t.Errorf("after %q: want %s, got %s", c.from, c.want, got)
		}
	}
	if got := (Count{strings.Repeat("9", 30)}).Int(); got != math.MaxInt {
		t.Errorf("a count beyond int is %d", got)
	}
}
