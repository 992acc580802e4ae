package rollout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnitsAreRangesAndListsInTheirOrder(t *testing.T) {
	for _, c := range []struct {
		text string
		want Units
		back string
	}{
		{"", nil, ""},
		{"0", Units{0}, "0"},
		{"0-4", Units{0, 1, 2, 3, 4}, "0-4"},
		{"4-0", Units{4, 3, 2, 1, 0}, "4-0"},
		{"3-3", Units{3}, "3"},
		{"1-2", Units{1, 2}, "1,2"},
		{"4,2,0", Units{4, 2, 0}, "4,2,0"},
		{" 4 , 2,0", Units{4, 2, 0}, "4,2,0"},
		{"7,0-2,10,9,8,6", Units{7, 0, 1, 2, 10, 9, 8, 6}, "7,0-2,10-8,6"},
		{"0,1,2,1001-999", Units{0, 1, 2, 1001, 1000, 999}, "0-2,1001-999"},
	} {
		got, err := ParseUnits(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Error(c.text, diff, err)
		}
		if back := got.String(); back != c.back {
			t.Errorf("%q is written as %q, want %q", c.text, back, c.back)
		}
	}
}

func TestUnitsAreBounded(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{",", "is no number"},
		{"-1", "is no number"},
		{"1-", "is no number"},
		{"+1", "is no number"},
		{"01", "is no number"},
		{"1-2-3", "is no number"},
		{"rolling-ops/1", "is no number"},
		{"1000000000", "is no number"},
		{"99999999999999999999", "is no number"},
		{"1\n", ""},
		{"1,1", "unit 1 is named twice"},
		{"0-4,2", "unit 2 is named twice"},
		{"0-5000", "more than 5000"},
		{"999999999-0", "more than 5000"},
		{"0-2999,3000-5999", "more than 5000"},
	} {
		if u, err := ParseUnits(c.text); c.want != "" {
			wantError(t, err, c.want)
		} else if err != nil || u.String() != strings.TrimSpace(c.text) {
			t.Error(c.text, u, err)
		}
	}
	if u, err := ParseUnits("4999-0"); err != nil || len(u) != MaxUnits {
		t.Error(len(u), err)
	}
}

func TestUnitsAsASet(t *testing.T) {
	if got := (Units{4, 2}).With(9, 2, 0).String(); got != "0,2,4,9" {
		t.Error(got)
	}
	if (Units{4, 2}).Has(3) || !(Units{4, 2}).Has(2) {
		t.Error("Has")
	}
}
