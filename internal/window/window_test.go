package window

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestOpens(t *testing.T) {
	for _, c := range []struct{ text, now, opens string }{
		{"", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
		{"02:00-04:00", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z"},
		{"02:00-04:00", "2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z"},
		{"02:00-04:00", "2026-03-01T03:59:59Z", "2026-03-01T03:59:59Z"},
		{"02:00-04:00", "2026-03-01T04:00:00Z", "2026-03-02T02:00:00Z"},
		{"00:00-24:00", "2026-03-01T23:59:59Z", "2026-03-01T23:59:59Z"},
		// 2026-03-01 is a Sunday.
		{"Sat,Sun 02:00-04:00", "2026-03-01T05:00:00Z", "2026-03-07T02:00:00Z"},
		{"sun 02:00-04:00", "2026-03-01T04:00:00Z", "2026-03-08T02:00:00Z"},
		{"Mon-Fri 02:00-04:00", "2026-03-06T12:00:00Z", "2026-03-09T02:00:00Z"},
		{"Fri-Mon 02:00-04:00", "2026-03-03T02:30:00Z", "2026-03-06T02:00:00Z"},
		// The days are those on which it opens.
		{"Sun 22:00-04:00", "2026-03-02T03:00:00Z", "2026-03-02T03:00:00Z"},
		{"Sun 22:00-04:00", "2026-03-01T03:00:00Z", "2026-03-01T22:00:00Z"},
		{"Mon 02:00-03:00; Wed 05:00-06:00", "2026-03-02T04:00:00Z", "2026-03-04T05:00:00Z"},
		// Berlin is an hour ahead of UTC, two in summer: from 2026-03-29 to 2026-10-25.
		{"Sat,Sun 02:00-04:00 Europe/Berlin", "2026-03-01T00:30:00Z", "2026-03-01T01:00:00Z"},
		{"Sat,Sun 02:00-04:00 Europe/Berlin", "2026-07-05T00:30:00Z", "2026-07-05T00:30:00Z"},
		{"02:30-04:00 Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"}, // 02:30 does not exist
		{"02:00-04:00 Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00Z"}, // 02:00 comes twice
		// The local day is another one than in UTC.
		{"Sun 23:00-23:30 America/Los_Angeles", "2026-03-02T06:59:00Z", "2026-03-02T07:00:00Z"},
		{"Mon 00:30-01:00 Pacific/Kiritimati", "2026-03-01T10:00:00Z", "2026-03-01T10:30:00Z"},
	} {
		w, err := Parse(c.text)
		if err != nil {
			t.Fatalf("%q: %v", c.text, err)
		}
		now, want := at(t, c.now), at(t, c.opens)
		if got := w.Opens(now); !got.Equal(want) {
			t.Errorf("%q at %s: opens %s, want %s", c.text, c.now, got.UTC().Format(time.RFC3339), c.opens)
		}
		if got := w.Open(now); got != now.Equal(want) {
			t.Errorf("%q at %s: open is %t", c.text, c.now, got)
		}
	}
}

// TestOpensIsWhenItIsOpen walks through two years by the minute at which
// anything can change.
func TestOpensIsWhenItIsOpen(t *testing.T) {
	for _, text := range []string{"Sat,Sun 02:00-04:00 Europe/Berlin", "22:00-02:30 Europe/Berlin; Wed 12:00-12:15", "Mon-Fri 00:00-24:00 Australia/Lord_Howe"} {
		w, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		end := at(t, "2028-01-01T00:00:00Z")
		for now := at(t, "2026-01-01T00:00:00Z"); now.Before(end); now = now.Add(15 * time.Minute) {
			opens := w.Opens(now)
			if !w.Open(opens) || opens.Before(now) || opens.After(now.AddDate(0, 0, 7)) {
				t.Fatalf("%q at %s: opens %s", text, now, opens)
			}
			if opens.After(now) && w.Open(opens.Add(-time.Second)) {
				t.Fatalf("%q at %s: opens %s, but is open before", text, now, opens)
			}
			if now.Minute() != 0 {
				continue
			}
			closes := w.Closes(opens)
			if !closes.After(opens) || w.Open(closes) || !w.Open(closes.Add(-time.Second)) || opens.Add(5*24*time.Hour).Before(closes) {
				t.Fatalf("%q at %s: opens %s and closes %s", text, now, opens, closes)
			}
		}
	}
}

func TestClosesAfterAllThatFollowOnEachOther(t *testing.T) {
	for _, c := range []struct{ text, now, want string }{
		{"Sat 02:00-04:00", "2026-03-07T02:30:00Z", "2026-03-07T04:00:00Z"},
		{"Sat 02:00-04:00; 03:30-06:00; 06:00-06:30", "2026-03-07T02:30:00Z", "2026-03-07T06:30:00Z"},
		{"23:00-01:00", "2026-03-07T00:30:00Z", "2026-03-07T01:00:00Z"},
	} {
		w, err := Parse(c.text)
		if got := w.Closes(at(t, c.now)); err != nil || !got.Equal(at(t, c.want)) {
			t.Errorf("%q at %s closes %s, not %s: %v", c.text, c.now, got, c.want, err)
		}
	}
	for _, text := range []string{"", "00:00-24:00"} {
		w, err := Parse(text)
		if got := w.Closes(at(t, "2026-03-07T02:30:00Z")); err != nil || !got.IsZero() {
			t.Errorf("%q closes %s: %v", text, got, err)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Sat", "not of the form"},
		{"Sat 2-4", "not of the form"},
		{"02:00", "not of the form"},
		{"02:00-04:60", "not of the form"},
		{"02:00-24:01", "not of the form"},
		{"24:00-02:00", "not of the form"},
		{"02:00-04:00 Europe/Berlin now", "not of the form"},
		{"02:00-04:00;", "not of the form"},
		{"02:00-02:00", "same time"},
		{"Caturday 02:00-04:00", `"Caturday" is not a day`},
		{"Mon- 02:00-04:00", `"" is not a day`},
		{"02:00-04:00 Europe/Nowhere", "not known on this machine"},
		{"02:00-04:00 Local", "not known on this machine"},
		{"02:00-04:00 ../../etc/passwd", "not known on this machine"},
		{strings.Repeat("02:00-04:00;", 21) + "02:00-04:00", "more than 20 windows"},
		{strings.Repeat(" ", 1025), "longer than 1024 bytes"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: got %v, want %q in it", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Sat,Sun 02:00-04:00 Europe/Berlin")
	f.Add("22:00-04:00; Mon-Wed 12:00-13:00")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Parse(text)
		if err != nil {
			return
		}
		if opens := w.Opens(now); opens.Before(now) || !w.Open(opens) {
			t.Fatalf("%q opens %s and is not open then", text, opens)
		}
	})
}
