package unitname

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name   string
		valid  bool
		number int
	}{
		{"app/0", true, 0},
		{"rolling-ops/12", true, 12},
		{"k8s-a1b2/2147483647", true, 2147483647},
		{"app/2147483648", true, -1}, // a name, but of no unit that can be
		{"app", false, -1},
		{"app/", false, -1},
		{"/0", false, -1},
		{"app/01", false, -1},
		{"app/-1", false, -1},
		{"app/12345678901", false, -1},
		{"app/1/2", false, -1},
		{"app-1/0", false, -1},
		{"app--b/0", false, -1},
		{"1app/0", false, -1},
		{"App/0", false, -1},
		{"app/0\n", false, -1},
		{"", false, -1},
		{strings.Repeat("a", MaxLength-1) + "/0", false, -1},
		{strings.Repeat("a", MaxLength-2) + "/0", true, 0},
	} {
		if got := Valid(tt.name); got != tt.valid {
			t.Errorf("%q is a name: %v", tt.name, got)
		}
		if got := Number(tt.name); got != tt.number {
			t.Errorf("%q has number %d, want %d", tt.name, got, tt.number)
		}
	}
	if got := Of(Application("app/3"), Number("app/3")); got != "app/3" {
		t.Errorf("put together again %q", got)
	}
}

func TestCompare(t *testing.T) {
	names := []string{"none", "app/10", "app/9", "app/0", "app/01"}
	slices.SortFunc(names, Compare)
	if diff := cmp.Diff([]string{"app/0", "app/9", "app/10", "app/01", "none"}, names); diff != "" {
		t.Error(diff)
	}
}
