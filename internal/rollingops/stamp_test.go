package rollingops

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/codec"
)

const (
	endOfReadings = "9997-12-31T23:59:59.999999+00:00"
	endOfStamps   = "9998-12-31T23:59:59.999999+00:00"
	foreignStamp  = "9999-01-01T00:00:00+00:00"
)

// stamped is a databag with both copies of executed_at, none for "".
func stamped(databag map[string]string, executedAt, second string) map[string]string {
	databag = maps.Clone(databag)
	maps.Copy(databag, bag(KeyExecutedAt, executedAt, KeyExecutedAtCopy, second))
	return databag
}

func committed(databag, changes map[string]string) map[string]string {
	databag = maps.Clone(databag)
	setBag(databag, changes)
	return databag
}

// Whoever changes executed_at, a unit runs at most once on a grant, and what
// it says of it afterwards does not lie before what it said.
func TestForeignStampOfTheHolder(t *testing.T) {
	before, after := codec.TimestampOf(noon.Add(-time.Minute)).String(), codec.TimestampOf(noon.Add(time.Minute)).String()
	ahead := codec.TimestampOf(noon.Add(time.Minute + time.Microsecond)).String()
	tests := []struct {
		name, executedAt, second string
		ran                      bool
		stays                    string // executed_at as it is written, "" for one at noon + 1 us
	}{
		{"none: never ran", "", "", true, ""},
		{"its own, before the grant", before, before, true, ""},
		{"its own, after the grant", after, after, false, "-"},
		{"deleted", "", after, false, after},
		{"far past", "0001-01-01T00:00:00+00:00", after, false, after},
		{"unreadable", "soon", after, false, after},
		{"equal to the grant", codec.TimestampOf(noon).String(), after, false, after},
		{"deleted, before the grant", "", before, true, ""},
		{"future", ahead, before, false, ahead},
		{"only the copy lost", after, "", false, "copy"},
		{"copy unreadable", after, "soon", false, ahead},
		{"copy unreadable, grant unused", before, "soon", false, ""},
		{"year 9999", foreignStamp, "", false, ""},
		{"year 9999, and used", foreignStamp, after, false, ahead},
		{"year 9999, and not used", foreignStamp, before, false, ""},
		{"year 9999 in the copy", before, foreignStamp, false, ""},
		{"year 9999 in both", foreignStamp, foreignStamp, false, ""},
		{"the last microsecond", endOfStamps, before, false, endOfStamps},
		{"the last one, and a foreign copy", endOfStamps, foreignStamp, false, endOfStamps},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			databag := stamped(waiting(Requested, 0, time.Time{}), tt.executedAt, tt.second)
			ran := 0
			hook := func() *stage {
				s := &stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", databag)}
				s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { ran++; return RetryRelease, nil })
				databag = committed(databag, s.wrote)
				return s
			}
			s := hook()
			if want := map[bool]int{true: 1}[tt.ran]; ran != want {
				t.Errorf("ran %d times, want %d", ran, want)
			}
			want := tt.stays
			switch want {
			case "":
				want = codec.TimestampOf(noon.Add(time.Microsecond)).String()
			case "-", "copy":
				want = ""
			}
			wantCopy := want
			if tt.stays == "copy" {
				wantCopy = tt.executedAt
			}
			if got := s.wrote[KeyExecutedAt]; got != want || s.wrote[KeyExecutedAtCopy] != wantCopy {
				t.Errorf("wrote %v, want %s", s.wrote, want)
			}
			before := ran
			if s := hook(); ran != before || s.wrote != nil {
				t.Errorf("the next hook ran %d more times and wrote %v", ran-before, s.wrote)
			}
			view := newUnitView("app/1", databag)
			if !readGrant(held("app/1", noon), "app/1").usedBy(view) {
				t.Error("the grant is not given back")
			}
		})
	}
}

// What a leader makes of the stamps of another unit.
func TestForeignStampOfAnotherUnit(t *testing.T) {
	before := codec.TimestampOf(noon.Add(-time.Minute)).String()
	justBefore := "9998-12-31T23:59:59.999997+00:00"
	tests := []struct {
		name, executedAt, second string
		grant                    string // granted_at of the unit, "" for a free lock
		ended                    bool
		granted                  string // granted_at as written, "" for nothing
	}{
		{"year 9999 ends no grant", foreignStamp, "", before, false, ""},
		{"nor in the copy", "", foreignStamp, before, false, ""},
		{"a later stamp in the copy does", "", codec.TimestampOf(noon).String(), before, true, codec.TimestampOf(noon.Add(time.Microsecond)).String()},
		{"the last stamp ends one, and no other follows", endOfStamps, "", before, true, ""},
		{"year 9999 is granted, to put it right", foreignStamp, "", "", true, codec.TimestampOf(noon).String()},
		{"after what the copy says", foreignStamp, codec.TimestampOf(noon.Add(time.Hour)).String(), "", true, codec.TimestampOf(noon.Add(time.Hour + time.Microsecond)).String()},
		{"year 9998", "9998-01-01T00:00:00+00:00", "", "", true, "9998-01-01T00:00:00.000001+00:00"},
		{"the last one that can be followed", justBefore, "", "", true, "9998-12-31T23:59:59.999998+00:00"},
		{"the first that can't", "9998-12-31T23:59:59.999998+00:00", "", "", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon,
				units: bags("app/0", map[string]string{}, "app/1", stamped(waiting(Requested, 0, time.Time{}), tt.executedAt, tt.second))}
			if tt.grant != "" {
				s.app = bag(KeyGrantedUnit, "app/1", KeyGrantedAt, tt.grant)
			}
			report := s.hook(t, OtherEvent, nil)
			if ended := tt.grant == "" || report.Released == "app/1"; ended != tt.ended {
				t.Errorf("ended %v, want %v", ended, tt.ended)
			}
			if got := s.wroteA[KeyGrantedAt]; got != tt.granted {
				t.Errorf("granted_at %q, want %q", got, tt.granted)
			}
			if stuck := tt.ended && tt.granted == ""; stuck != strings.Contains(s.log.String(), "passed over") {
				t.Errorf("log: %s", &s.log)
			}
		})
	}
}

// A unit in its pause that has lost executed_at to a foreign stamp is granted the
// lock as any other.
func TestForeignStampOfARetry(t *testing.T) {
	s := &stage{unit: "app/0", leader: true, now: noon, pacing: &Pacing{Delay: time.Hour},
		units: bags("app/0", map[string]string{}, "app/1", stamped(waiting(AwaitRetry, 1, time.Time{}), foreignStamp, ""))}
	if report := s.hook(t, OtherEvent, nil); report.Granted != "app/1" {
		t.Errorf("granted %q", report.Granted)
	}
}

// Clocks that run at the end of all years still free the lock, attempt after
// attempt.
func TestClockAtTheEndOfTime(t *testing.T) {
	for _, clock := range []time.Time{time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		databag, app := waiting(Requested, 0, time.Time{}), map[string]string{}
		for i := range 3 {
			s := &stage{unit: "app/0", leader: true, now: clock, app: app, units: bags("app/0", map[string]string{}, "app/1", databag)}
			if report := s.hook(t, OtherEvent, nil); report.Granted != "app/1" {
				t.Fatalf("%v: grant %d: granted %q: %s", clock, i+1, report.Granted, &s.log)
			}
			app = committed(app, s.wroteA)
			s = &stage{unit: "app/1", now: clock, app: app, units: bags("app/1", databag)}
			if report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { return RetryHold, nil }); report.Attempt == nil {
				t.Fatalf("%v: grant %d of %s was not used", clock, i+1, app[KeyGrantedAt])
			}
			databag = committed(databag, s.wrote)
		}
		if want := "9998-01-01T00:00:00.000004+00:00"; databag[KeyExecutedAt] != want {
			t.Errorf("%v: executed_at is %s, want %s", clock, databag[KeyExecutedAt], want)
		}
	}
	if lastReading.String() != endOfReadings || lastStamp.String() != endOfStamps {
		t.Errorf("the bounds are %s and %s", lastReading, lastStamp)
	}
}

// What can't be a grant of this application is void: nobody runs, the leader
// clears it.
func TestVoidGrants(t *testing.T) {
	stamp := codec.TimestampOf(noon).String()
	tests := []struct {
		unit, at string
		void     bool
	}{
		{"app/1", stamp, false},
		{"app/1", "9998-12-31T23:59:59.999998+00:00", false},
		{"app/1", endOfStamps, true},
		{"app/1", foreignStamp, true},
		{"app/1", "", true},
		{"app/1", "soon", true},
		{"app/01", stamp, true},
		{"app/", stamp, true},
		{"app/-1", stamp, true},
		{"app/1/2", stamp, true},
		{"app", stamp, true},
		{"other/1", stamp, true},
		{"app/1\n", stamp, true},
		{"app/99999999999999999999", stamp, true},
		{strings.Repeat("x", 1<<20), stamp, true},
	}
	for _, tt := range tests {
		app := bag(KeyGrantedUnit, tt.unit, KeyGrantedAt, tt.at)
		s := &stage{unit: "app/0", leader: true, now: noon, app: app, units: bags("app/0", map[string]string{}, "app/1", map[string]string{})}
		s.hook(t, OtherEvent, nil)
		var want map[string]string
		if tt.void {
			want = map[string]string{KeyGrantedUnit: "", KeyGrantedAt: ""}
		}
		if diff := cmp.Diff(want, s.wroteA); diff != "" {
			t.Errorf("%.40q since %q:\n%s", tt.unit, tt.at, diff)
		}
		if s.log.Len() > 1000 {
			t.Errorf("%.40q: %d bytes of log", tt.unit, s.log.Len())
		}
		s = &stage{unit: "app/1", now: noon, app: app, units: bags("app/1", waiting(Requested, 0, time.Time{}))}
		if report := s.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) { return Release, nil }); (report.Attempt == nil) != tt.void {
			t.Errorf("%.40q since %q: attempt %v", tt.unit, tt.at, report.Attempt)
		}
	}
}

// clear-queue drops operations and nothing else.
func TestDiscardQueueKeepsTheStamp(t *testing.T) {
	for _, at := range []string{codec.TimestampOf(noon.Add(time.Hour)).String(), "9997-06-01T00:00:00+00:00", "9998-06-01T00:00:00+00:00", endOfStamps} {
		s := &stage{unit: "app/1", now: noon, units: bags("app/1", stamped(waiting(Requested, 0, time.Time{}), at, at))}
		h, err := s.manager().Begin(t.Context(), Event{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := h.DiscardQueue(); n != 1 || err != nil {
			t.Errorf("DiscardQueue = %d, %v", n, err)
		}
		if _, err := h.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{KeyOperations: "[]", KeyState: "idle"}, s.wrote); diff != "" {
			t.Errorf("executed_at %s: %s", at, diff)
		}
	}
}
