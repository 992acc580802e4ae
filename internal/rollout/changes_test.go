package rollout

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStateTable(t *testing.T) {
	pause := func(r Record) (Record, bool, error) { return r.Pause(Token{7, 3}) }
	resume := func(r Record) (Record, bool, error) { return r.Resume(Token{7, 3}, nil) }
	abort := func(r Record) (Record, bool, error) { return r.Abort(Token{7, 3}) }
	for _, c := range []struct {
		from    func(*Record)
		name    string
		by      func(Record) (Record, bool, error)
		to      State
		why     Why
		changed bool
	}{
		{in(Running, ""), "pause", pause, Paused, ByOperator, true},
		{in(Paused, AfterCanary), "pause", pause, Paused, AfterCanary, false},
		{in(Running, ""), "resume", resume, Running, "", false},
		{in(Paused, ByOperator), "resume", resume, Running, "", true},
		{in(Paused, AfterRelease), "resume", resume, Running, "", true},
		{in(Running, ""), "abort", abort, Aborted, "", true},
		{in(Paused, AfterFailure), "abort", abort, Aborted, "", true},
		{in(Aborted, ""), "abort", abort, Aborted, "", false},
	} {
		before := rollout7(c.from)
		after, changed, err := c.by(before)
		if after.State != c.to || after.Why != c.why || changed != c.changed || err != nil {
			t.Errorf("%s of %s: got %s %s, changed %t, %v", c.name, before.State, after.State, after.Why, changed, err)
		}
		if rev := after.Rev - before.Rev; (rev == 1) != changed || rev > 1 {
			t.Errorf("%s of %s: rev grew by %d", c.name, before.State, rev)
		}
	}
}

func TestNothingUnderWayCanNotBeChanged(t *testing.T) {
	for _, r := range []Record{{}, rollout7(in(Done, "")), rollout7(in(Aborted, ""))} {
		_, _, pause := r.Pause(Token{})
		_, _, resume := r.Resume(Token{}, nil)
		_, _, abort := r.Abort(Token{})
		if r.State == Aborted {
			abort = ErrNotActive // nothing to do: it is no error
		}
		for _, err := range []error{pause, resume, abort} {
			if !errors.Is(err, ErrNotActive) {
				t.Error(r.State, err)
			}
		}
	}
}

func TestAWrongTokenRefusesEveryChange(t *testing.T) {
	for _, r := range []Record{rollout7(), rollout7(in(Paused, AfterCanary)), rollout7(in(Aborted, "")), {}} {
		_, _, pause := r.Pause(Token{7, 2})
		_, _, resume := r.Resume(Token{7, 2}, Units{1})
		_, _, abort := r.Abort(Token{7, 2})
		for _, err := range []error{pause, resume, abort} {
			var wrong *TokenError
			if !errors.As(err, &wrong) || wrong.Is != r.Token() || wrong.Expected != (Token{7, 2}) {
				t.Error(r.State, err)
			}
		}
	}
}

func TestStart(t *testing.T) {
	request := rollout7().Request
	for _, before := range []Record{{}, rollout7(in(Done, "")), rollout7(in(Aborted, ""))} {
		got, err := before.Start(request, 8, noon)
		want := rollout7(func(r *Record) { r.ID, r.Rev = 8, 1 })
		if diff := cmp.Diff(want, got, same); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for _, before := range []Record{rollout7(), rollout7(in(Paused, ByOperator))} {
		if got, err := before.Start(request, 8, noon); !errors.Is(err, ErrActive) || got.ID != 7 {
			t.Error(got, err)
		}
	}
	for _, c := range []struct {
		change func(*Request)
		want   string
	}{
		{func(q *Request) { q.Units = scattered(500) }, "its list of units has 1"},
		{func(q *Request) { q.Units = nil }, "no units are named"},
		{func(q *Request) { q.Reason = strings.Repeat("é", 61) }, "the reason has 122 bytes, and may have 120"},
		{func(q *Request) { q.Reason = "a\tb" }, "can't be shown"},
		{func(q *Request) { q.Kwargs = args(`{"x":"` + strings.Repeat("x", 250) + `"}`) }, "as JSON, and may have 256"},
		{func(q *Request) { q.Retries = -1 }, "retries is negative"},
		{func(q *Request) { q.PauseAfter = "" }, "pause-after"},
		{func(q *Request) { q.Operation = "" }, "no operation is named"},
	} {
		q := request
		c.change(&q)
		_, err := Record{}.Start(q, 8, noon)
		wantError(t, err, c.want)
	}
}

func TestResumeTriesAgainAndSkips(t *testing.T) {
	paused := rollout7(in(Paused, AfterFailure), func(r *Record) { r.PauseAfter, r.Round, r.Skip = PauseFirst, 1, Units{4} })
	got, changed, err := paused.Resume(Token{}, Units{4, 2})
	want := rollout7(func(r *Record) { r.Rev, r.Round, r.Skip = 4, 2, Units{2, 4} })
	if diff := cmp.Diff(want, got, same); diff != "" || !changed || err != nil {
		t.Error(diff, changed, err)
	}
	each := rollout7(in(Paused, AfterCanary), func(r *Record) { r.PauseAfter = PauseEach })
	if got, _, _ := each.Resume(Token{}, nil); got.PauseAfter != PauseEach {
		t.Error(got.PauseAfter)
	}
	_, _, err = paused.Resume(Token{}, Units{9})
	wantError(t, err, "unit 9 is not one of rollout 7: it has 0-4")
}

// Somebody waits for a unit that will not answer: the rollout runs.
func TestResumeOfARunningRolloutSkips(t *testing.T) {
	got, changed, err := rollout7().Resume(Token{7, 3}, Units{2})
	want := rollout7(func(r *Record) { r.Rev, r.Skip = 4, Units{2} })
	if diff := cmp.Diff(want, got, same); diff != "" || !changed || err != nil {
		t.Error(diff, changed, err)
	}
	if again, changed, err := got.Resume(Token{}, Units{2}); changed || err != nil || again.Rev != 4 {
		t.Error(again, changed, err)
	}
}

func TestReleasedUnitsAreSkipped(t *testing.T) {
	got, err := rollout7().Released(3)
	want := rollout7(in(Paused, AfterRelease), func(r *Record) { r.Rev, r.Skip = 4, Units{3} })
	if diff := cmp.Diff(want, got, same); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestSkippedUnitsThatDoNotFitAreRefused(t *testing.T) {
	q := rollout7().Request
	var started Record
	for n, err := 1, error(nil); err == nil; n++ { // as many units as Start takes
		q.Units, q.Order = scattered(n), Given
		var r Record
		if r, err = (Record{}).Start(q, 7, noon); err == nil {
			started = r
		}
	}
	_, changed, err := started.Resume(Token{}, started.Units)
	wantError(t, err, "cannot skip so many units: abort-rollout, and start one without them")
	if changed {
		t.Error("changed")
	}
	some := started.Units[len(started.Units)-10:]
	if _, _, err := started.Resume(Token{}, some); err != nil {
		t.Error(err)
	}
	if r, err := started.Released(some[0]); err != nil {
		t.Error(r, err)
	}
}

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Record)
		tally   Tally
		doneNow bool
		to      State
		why     Why
	}{
		{"units to come", nil, Tally{Done: 1, Ready: 3, Waiting: 1}, true, Running, ""},
		{"one failing", nil, Tally{Done: 1, Ready: 3, Failing: 1}, false, Running, ""},
		{"one failed", nil, Tally{Done: 1, Ready: 3, Failed: 1}, false, Paused, AfterFailure},
		{"one failed, one failing", nil, Tally{Done: 1, Ready: 3, Failed: 1, Failing: 1}, false, Running, ""},
		{"one failed may", func(r *Record) { r.MaxFailures = 1 }, Tally{Done: 1, Ready: 3, Failed: 1}, false, Running, ""},
		{"two failed, one may", func(r *Record) { r.MaxFailures = 1 }, Tally{Ready: 3, Failed: 2}, false, Paused, AfterFailure},
		{"one failed may, nobody left", func(r *Record) { r.MaxFailures = 1 }, Tally{Done: 4, Failed: 1}, false, Paused, AfterFailure},
		{"canary", func(r *Record) { r.PauseAfter = PauseFirst }, Tally{Done: 1, Ready: 4}, true, Paused, AfterCanary},
		{"canary, seen later", func(r *Record) { r.PauseAfter = PauseFirst }, Tally{Done: 1, Ready: 4}, false, Paused, AfterCanary},
		{"canary failed", func(r *Record) { r.PauseAfter = PauseFirst }, Tally{Failed: 1, Ready: 4}, false, Paused, AfterFailure},
		{"each", func(r *Record) { r.PauseAfter = PauseEach }, Tally{Done: 2, Ready: 3}, true, Paused, AfterCanary},
		{"each, resumed", func(r *Record) { r.PauseAfter = PauseEach }, Tally{Done: 2, Ready: 3}, false, Running, ""},
		{"each, the last", func(r *Record) { r.PauseAfter = PauseEach }, Tally{Done: 5}, true, Done, ""},
		{"all done", nil, Tally{Done: 5}, true, Done, ""},
		{"all done, skipped or gone", nil, Tally{Done: 2, Skipped: 1, Gone: 2}, false, Done, ""},
		{"all gone", nil, Tally{Gone: 5}, false, Done, ""},
		{"paused stays", in(Paused, ByOperator), Tally{Done: 5}, true, Paused, ByOperator},
		{"aborted stays", in(Aborted, ""), Tally{Done: 5}, true, Aborted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rollout7()
			if c.change != nil {
				c.change(&r)
			}
			got, changed := r.Settle(c.tally, c.doneNow)
			if got.State != c.to || got.Why != c.why || changed != (got.State != r.State) || (got.Rev != r.Rev) != changed {
				t.Errorf("got %s %s, changed %t, rev %d", got.State, got.Why, changed, got.Rev)
			}
		})
	}
}

func TestNextID(t *testing.T) {
	for _, c := range []struct {
		shown []int
		want  int
	}{
		{nil, 1},
		{[]int{0, 0}, 1},
		{[]int{3, 7, 5}, 8},
		{[]int{maxNumber, 1, 2, 4}, 3},
	} {
		if got := NextID(c.shown...); got != c.want {
			t.Error(c.shown, got)
		}
	}
}
