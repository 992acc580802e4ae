package rollingops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	"github.com/google/go-cmp/cmp"
)

// A grant must read each unit once, however many there are.
func TestGrantReadsEachUnitOnce(t *testing.T) {
	s := stage{unit: "app/0", leader: true, now: noon, units: map[string]map[string]string{}}
	for i := range 50 {
		s.units[fmt.Sprintf("app/%d", i)] = waiting(Requested, 0, time.Time{})
	}
	s.hook(t, OtherEvent, nil)
	count := make(map[string]int)
	for _, call := range s.calls {
		count[call]++
	}
	for call, n := range count {
		if n != 1 {
			t.Errorf("%s was asked for %d times", call, n)
		}
	}
	if want := 50 + len([]string{"is-leader", "app", "goal-state", "relation-list", "set-app"}); len(s.calls) != want {
		t.Errorf("%d calls, want %d", len(s.calls), want)
	}
}

// A leader whose hook has taken too long keeps its own result and leaves the
// lock to the next hook.
func TestLateLeader(t *testing.T) {
	newStage := func() *stage {
		return &stage{unit: "app/0", leader: true, now: noon, app: held("app/0", noon.Add(-time.Second)),
			units: bags("app/0", waiting(Requested, 0, time.Time{}), "app/1", waiting(Requested, 0, time.Time{}))}
	}
	tests := []struct {
		name  string
		stage *stage
		slow  func(*stage) // in the callback
		late  bool
	}{
		{"in time", newStage(), func(s *stage) { s.boot += LeaseMargin }, false},
		{"slow is-leader", &stage{unit: "app/0", leader: true, now: noon, app: held("app/0", noon.Add(-time.Second)), slow: 15 * time.Second,
			units: bags("app/0", waiting(Requested, 0, time.Time{}))}, func(s *stage) { s.boot += 10 * time.Second }, true},
		{"slow callback", newStage(), func(s *stage) { s.boot += LeaseMargin + 1 }, true},
		{"suspended just before the write", newStage(), func(s *stage) { s.onWrite = func() { s.boot += time.Minute } }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := tt.stage.hook(t, LockGranted, func(context.Context, codec.Args) (Result, error) {
				tt.slow(tt.stage)
				return Release, nil
			})
			if tt.stage.wrote["state"] != "idle" {
				t.Errorf("own result not written: %v", tt.stage.wrote)
			}
			if report.Late != tt.late || (tt.stage.wroteA == nil) != tt.late || (len(tt.stage.wakes) > 0) != tt.late {
				t.Errorf("late %v, wrote %v, wakes %v", report.Late, tt.stage.wroteA, tt.stage.wakes)
			}
			if done := report.Released != ""; done == tt.late || tt.late && report.Granted != "" {
				t.Errorf("late %v, and the report says released %q, granted %q", tt.late, report.Released, report.Granted)
			}
		})
	}
}

// A leader looks at the unit that holds the lock, as long as one does that is not
// the leader itself: nobody may tell when it is gone.
func TestLeaderLooksAtTheHolder(t *testing.T) {
	waits, idle := waiting(Requested, 0, time.Time{}), map[string]string{}
	for _, tt := range []struct {
		name  string
		stage stage
		look  time.Duration
	}{
		{"another holds it", stage{leader: true, app: held("app/1", noon), units: bags("app/0", idle, "app/1", waits)}, lookAfter},
		{"the leader holds it", stage{leader: true, app: held("app/0", noon), units: bags("app/0", waits, "app/1", idle)}, 0},
		{"nobody does", stage{leader: true, units: bags("app/0", idle, "app/1", idle)}, 0},
		{"a follower", stage{app: held("app/1", noon), units: bags("app/0", idle, "app/1", waits)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.stage
			s.unit, s.now = "app/0", noon
			s.hook(t, OtherEvent, nil)
			if diff := cmp.Diff([]time.Duration{tt.look}, s.looks); diff != "" {
				t.Error(diff)
			}
		})
	}
	// With each grant the time begins anew, also for a unit that is leaving.
	for _, dying := range []string{"", "app/1"} {
		s := &stage{unit: "app/0", leader: true, now: noon, dying: dying, units: bags("app/0", idle, "app/1", waits)}
		s.hook(t, OtherEvent, nil)
		if diff := cmp.Diff([]time.Duration{0, lookAfter}, s.looks); diff != "" {
			t.Errorf("dying %q: %s", dying, diff)
		}
	}
}

// A holder that has not come back when its pause is over is nudged, once a pause.
func TestLateHolderIsNudged(t *testing.T) {
	pacing := &Pacing{Delay: time.Minute}
	for _, tt := range []struct {
		name   string
		state  State
		after  time.Duration
		nudged bool // already
		want   bool
	}{
		{"in its pause", AwaitRetryHold, 30 * time.Second, false, false},
		{"a moment late", AwaitRetryHold, time.Minute + nudgePausedAfter, false, false},
		{"late", AwaitRetryHold, time.Minute + nudgePausedAfter + time.Second, false, true},
		{"late, and nudged", AwaitRetryHold, time.Hour, true, false},
		{"at work", Requested, time.Second + nudgeAfter, false, false},
		{"at work for long", Requested, 2*time.Second + nudgeAfter, false, true},
		{"at work for long, and nudged", Requested, time.Hour, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			grantedAt := noon.Add(time.Second)
			s := &stage{unit: "app/0", leader: true, now: noon.Add(tt.after), app: held("app/1", grantedAt), pacing: pacing,
				units: bags("app/0", map[string]string{}, "app/1", waiting(tt.state, 1, noon))}
			stamp := s.app[KeyGrantedAt]
			if tt.nudged {
				s.app[KeyNudge] = stamp
			}
			s.hook(t, LockGranted, nil)
			if got := s.wroteA[KeyNudge] == stamp; got != tt.want || !got && s.wroteA != nil {
				t.Errorf("wrote %v", s.wroteA)
			}
		})
	}
}

// Who lost the lock to an operator is last in line until it has committed
// something, whoever leads.
func TestForcedHolderIsLastInLine(t *testing.T) {
	stuck := waiting(Requested, 0, time.Time{}) // the oldest request: it would be next
	later := waiting(AwaitRetry, 1, noon)
	idle := map[string]string{}
	tests := []struct {
		name   string
		units  map[string]map[string]string
		want   string
		after  map[string]map[string]string // units that have changed when the next leader looks
		second string
	}{
		{"another waits", bags("app/0", idle, "app/1", stuck, "app/2", later), "app/2", nil, "app/2"},
		{"the other has a lower number", bags("app/0", later, "app/1", stuck), "app/0", nil, "app/0"},
		{"nobody else waits", bags("app/0", idle, "app/1", stuck), "app/1", nil, "app/1"},
		{"it has committed something", bags("app/0", idle, "app/1", stuck, "app/2", later), "app/2",
			bags("app/1", stamped(stuck, codec.TimestampOf(noon).String(), "")), "app/1"},
		{"it is gone", bags("app/0", idle, "app/1", stuck, "app/2", later), "app/2", bags("app/1", map[string]string(nil)), "app/2"},
		{"a younger request", bags("app/0", idle, "app/1", stuck, "app/2", idle), "app/1", bags("app/2", later), "app/2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon.Add(-time.Hour)), units: tt.units}
			h, err := s.manager().Begin(t.Context(), Event{})
			if err != nil {
				t.Fatal(err)
			}
			if holder, err := h.ForceRelease(); holder != "app/1" || err != nil {
				t.Errorf("ForceRelease = %q, %v", holder, err)
			}
			if report, err := h.Finish(t.Context()); report.Granted != tt.want || report.Released != "app/1" || err != nil {
				t.Errorf("released %q and granted %q, want app/1 and %q (%v)", report.Released, report.Granted, tt.want, err)
			}

			app := committed(s.app, s.wroteA)
			maps.Copy(app, bag(KeyGrantedUnit, "app/9", KeyGrantedAt, codec.TimestampOf(noon).String())) // gone
			s = &stage{unit: "app/3", leader: true, now: noon, app: app, units: maps.Clone(tt.units)}
			maps.Copy(s.units, tt.after)
			maps.DeleteFunc(s.units, func(_ string, databag map[string]string) bool { return databag == nil })
			s.units["app/3"] = idle
			if report := s.hook(t, OtherEvent, nil); report.Granted != tt.second {
				t.Errorf("the next leader granted %q, want %q", report.Granted, tt.second)
			}
			if _, changed := tt.after["app/1"]; changed != (committed(app, s.wroteA)[KeyForced] == "") {
				t.Errorf("mark %q after %v", app[KeyForced], s.wroteA)
			}
		})
	}
}

func TestMarksAreBounded(t *testing.T) {
	var text []string
	for i := range maxMarks + 5 {
		text = append(text, fmt.Sprintf("app/%d=0123456789abcdef", i))
	}
	tests := []struct {
		name, text string
		want       int
	}{
		{"none", "", 0},
		{"too many", strings.Join(text, " "), maxMarks},
		{"too long", strings.Repeat("x", 1<<20), 0},
		{"other applications", "other/1=00 app/01=00 app/1 =", 0},
	}
	for _, tt := range tests {
		if got := len(readMarks(tt.text, "app/0")); got != tt.want {
			t.Errorf("%s: %d marks, want %d", tt.name, got, tt.want)
		}
	}
	s := &stage{unit: "app/0", leader: true, now: noon, app: committed(held("app/0", noon), bag(KeyForced, strings.Join(text, " "))),
		units: bags("app/0", map[string]string{})}
	for i := range maxMarks + 5 {
		s.units[fmt.Sprintf("app/%d", i)] = nil
	}
	h, err := s.manager().Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ForceRelease(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "app/0=" + newUnitView("app/0", nil).digest(); s.wroteA[KeyForced] != want {
		t.Errorf("marks %q, want %q: all others have changed", s.wroteA[KeyForced], want)
	}
}

// now is a databag with an operator's wish for the retry.
func now(databag map[string]string) map[string]string {
	databag[KeyRetryNow] = databag[KeyExecutedAt]
	return databag
}

// A leader without goal-state grants nobody and takes the lock from nobody, but
// its hook goes on, and so does what the holder itself says.
func TestBlindLeader(t *testing.T) {
	waits := waiting(Requested, 0, time.Time{}) // since an hour
	ran := bag(KeyExecutedAt, codec.TimestampOf(noon.Add(time.Second)).String())
	idle := map[string]string{}
	tests := []struct {
		name  string
		stage stage
		wrote map[string]string
		blind bool
		wake  time.Duration
	}{
		{"nothing to do", stage{units: bags("app/0", idle, "app/1", idle)}, nil, false, 0},
		{"somebody waits", stage{units: bags("app/0", idle, "app/1", waits)}, nil, true, maxBlindPause},
		{"since just now", stage{units: bags("app/0", idle, "app/1", stamped(waits, codec.TimestampOf(noon).String(), ""))}, nil, true, comeBackAfter},
		{"for a minute", stage{units: bags("app/0", idle, "app/1", stamped(waits, codec.TimestampOf(noon.Add(-time.Minute)).String(), ""))}, nil, true, 30 * time.Second},
		{"unused grant", stage{app: held("app/1", noon), units: bags("app/0", idle, "app/1", waits)}, nil, true, comeBackAfter},
		{"unlisted holder", stage{app: held("app/7", noon), units: bags("app/0", idle, "app/1", idle)}, nil, true, comeBackAfter},
		{"used grant", stage{app: held("app/1", noon), units: bags("app/0", idle, "app/1", ran, "app/2", waits)},
			map[string]string{KeyGrantedUnit: "", KeyGrantedAt: ""}, true, comeBackAfter},
		{"own request", stage{units: bags("app/0", waits, "app/1", idle)},
			map[string]string{KeyGrantedUnit: "app/0", KeyGrantedAt: codec.TimestampOf(noon).String()}, false, 0},
	}
	for _, tt := range tests {
		for name, err := range map[string]error{"fails": errors.New("unit not found"), "does not name the unit": nil} {
			t.Run(tt.name+", goal-state "+name, func(t *testing.T) {
				s := tt.stage
				s.unit, s.leader, s.now, s.goalErr, s.goalEmpty = "app/0", true, noon, err, true
				h, err := s.manager().Begin(t.Context(), Event{Kind: UpdateStatus})
				if err != nil {
					t.Fatal(err)
				}
				if err := h.Survey(t.Context()); err != nil {
					t.Error(err)
				}
				report, err := h.Finish(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				status, err := h.Status(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.wrote, s.wroteA); diff != "" {
					t.Error(diff)
				}
				if asked := countOf(s.calls, "goal-state"); asked > 1 || (asked == 1) != tt.blind {
					t.Errorf("goal-state was asked %d times", asked)
				}
				if (report.Blind != nil) != tt.blind || (status.Blind != nil) != tt.blind || report.Wake != tt.wake {
					t.Errorf("blind %v and %v, wakes after %v", report.Blind, status.Blind, report.Wake)
				}
			})
		}
	}
}

func countOf(calls []string, call string) (n int) {
	for _, c := range calls {
		if c == call {
			n++
		}
	}
	return n
}

// Nor is it named to the operator, if it can be read and its queue can't.
func TestGoneUnitIsNotNamed(t *testing.T) {
	s := &stage{unit: "app/0", leader: true, now: noon, gone: "app/1",
		units: bags("app/0", map[string]string{}, "app/1", bag(KeyOperations, "?"), "app/2", bag(KeyOperations, "?"))}
	h, err := s.manager().Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Survey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := h.Status(t.Context()); err != nil || !cmp.Equal(status.Unreadable, []string{"app/2"}) {
		t.Errorf("unreadable: %v, %v", status.Unreadable, err)
	}
}

// A unit that is listed and gone may not be readable, and stops nobody.
func TestGoneUnitThatIsListed(t *testing.T) {
	s := &stage{unit: "app/0", leader: true, now: noon, listedGone: []string{"app/7"},
		units: bags("app/0", map[string]string{}, "app/1", waiting(Requested, 0, time.Time{}))}
	if report := s.hook(t, OtherEvent, nil); report.Granted != "app/1" {
		t.Errorf("granted %q", report.Granted)
	}
}
