package charmfacts

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTransitionTimes(t *testing.T) {
	want := time.Date(2025, 6, 15, 15, 6, 42, 500_000_000, time.UTC)
	for _, ts := range []string{
		`"1750000002.500000"`, `1750000002.5`, `"2025-06-15T15:06:42.500000+00:00"`, `"2025-06-15T17:06:42.5+02:00"`, `"2025-06-15T15:06:42.5Z"`,
	} {
		got, err := ParseTransition([]byte(`{"ts":` + ts + `,"unit":"a/0","event":"_x:start","parameters":{"delay":3}}`))
		if err != nil || !got.Time.Equal(want) || got.Unit != "a/0" || got.Name() != "_x" || !got.Starts() {
			t.Errorf("%s: got %+v, %v", ts, got, err)
		}
	}
}

func TestTransitionErrors(t *testing.T) {
	for line, want := range map[string]string{
		`{"ts":17500`:                         "unexpected end",
		`{"event":"_x:start"}`:                "it has no ts",
		`{"ts":"soon"}`:                       "neither ISO 8601 with a zone nor seconds since 1970",
		`{"ts":"2025-06-15T15:06:42"}`:        "neither ISO 8601 with a zone",
		`{"ts":1e300}`:                        "neither ISO 8601",
		`{"ts":null,"event":"_restart:done"}`: "neither ISO 8601",
	} {
		if _, err := ParseTransition([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

func TestMarks(t *testing.T) {
	tests := []struct {
		message string
		want    Mark
		ok      bool
	}{
		{"run-begin restart", Mark{Name: "restart"}, true},
		{"cluster:0: run-begin restart", Mark{Name: "restart"}, true},
		{"run-end restart", Mark{Name: "restart", Ended: true}, true},
		{"run-end restart failed with code 3", Mark{Name: "restart", Ended: true, Outcome: "failed with code 3"}, true},
		{"run-begin", Mark{}, false},
		{"run-begin two words", Mark{}, false},
		{"a run-begin restart", Mark{}, false},
		{"run-began restart", Mark{}, false},
	}
	for _, test := range tests {
		got, ok := ParseMark(test.message)
		if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
			t.Errorf("%q: %v %s", test.message, ok, diff)
		}
	}
}

func TestExecuting(t *testing.T) {
	tests := []struct{ status, message, want string }{
		{"maintenance", "Executing _restart operation", "_restart"},
		{"maintenance", "Executing backup", "backup"},
		{"active", "Executing backup", ""},
		{"maintenance", "installing", ""},
	}
	for _, test := range tests {
		if got, ok := Executing(test.status, test.message); got != test.want || ok != (test.want != "") {
			t.Errorf("%v: got %q, %v", test, got, ok)
		}
	}
}
