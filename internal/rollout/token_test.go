package rollout

import (
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		text string
		want Token
	}{{"", Token{}}, {"7.3", Token{7, 3}}, {"1.1", Token{1, 1}}} {
		if got, err := ParseToken(c.text); got != c.want || err != nil || got.String() != c.text {
			t.Error(c.text, got, err)
		}
	}
	for _, text := range []string{"7", "7.", ".3", "7.3.1", "0.1", "1.0", "-7.3", "7.03", " 7.3", "seven.three"} {
		_, err := ParseToken(text)
		wantError(t, err, "is no token: one looks like 7.3")
	}
}

func TestGrantNamesTheGrantAndTheRollout(t *testing.T) {
	g := Grant{At: noon.Add(time.Microsecond), ID: 7}
	if g.String() != "2026-03-01T12:00:00.000001+00:00 7" {
		t.Error(g)
	}
	if back, err := ParseGrant(g.String()); back != g || err != nil {
		t.Error(back, err)
	}
	if none, err := ParseGrant(""); none.String() != "" || err != nil {
		t.Error(none, err)
	}
	for _, text := range []string{"7", " 7", "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00+00:00 ", "2026-03-01T12:00:00+00:00 0", "x 7"} {
		_, err := ParseGrant(text)
		wantError(t, err, "cannot read rollingops-grant: ")
	}
	other := rollout7(func(r *Record) { r.ID = 8 })
	if !g.IsFor(rollout7(), g.At) || g.IsFor(other, g.At) || g.IsFor(rollout7(), noon) || (Grant{}).IsFor(Record{}, Grant{}.At) {
		t.Error("IsFor")
	}
}
