package text

import (
	"fmt"
	"strings"
	"testing"
)

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain, and ü":       "plain, and ü",
		"two\nlines":         `two\nlines`,
		"\x1b[2Jcleared":     `\x1b[2Jcleared`,
		"not \xff UTF-8":     "not \uFFFD UTF-8",
		"right\u202eto left": `right\u202eto left`,
		"":                   "",
	} {
		if got := OneLine(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo..."},
		{"aüüü", 6, "aü..."},
		{"aüüü", 5, "a..."},
		{"longer", 0, "..."},
	} {
		if got := Cut(tt.in, tt.limit); got != tt.want {
			t.Errorf("%q cut to %d bytes is %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestTail(t *testing.T) {
	got := Tail{Limit: 512}
	for range 1000 {
		fmt.Fprint(&got, "0123456789")
	}
	fmt.Fprintln(&got, strings.Repeat("x", 1024))
	if want := strings.Repeat("x", 511); got.String() != want {
		t.Errorf("got %d bytes %q", len(got.String()), got.String())
	}
	got = Tail{Limit: 2}
	fmt.Fprint(&got, "aü")
	fmt.Fprint(&got, "b")
	if want := "\uFFFDb"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
