package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStepIsWrittenAsSpecified(t *testing.T) {
	for _, c := range []struct {
		step Step
		want string
	}{
		{Step{}, ""},
		{Step{ID: 7, State: StepReady}, `{"id":7,"round":0,"state":"ready","attempts":0,"granted":"","ended":"","error":""}`},
		{
			Step{ID: 7, Round: 1, State: StepFailing, Attempts: 2, Granted: noon, Ended: noon.Add(time.Second), Error: "exit status 1"},
			`{"id":7,"round":1,"state":"failing","attempts":2,"granted":"2026-03-01T12:00:00+00:00","ended":"2026-03-01T12:00:01+00:00","error":"exit status 1"}`,
		},
	} {
		text, err := c.step.Encode()
		if text != c.want || err != nil {
			t.Errorf("got %s, %v\nwant %s", text, err, c.want)
		}
		if back, err := ParseStep(text); back != c.step || err != nil {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
}

func TestErrorsAreCutAndMadeFitToBeShown(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{" two\n\tlines \r\n", "two lines"},
		{"\x1b[31mred\x00", `\x1b[31mred\x00`},
		{"bad \xff byte", "bad \ufffd byte"},
		{"line\u2028separator \u200b", `line separator \u200b`},
		{strings.Repeat("x", 200), strings.Repeat("x", 160)},
		{strings.Repeat("é", 100), strings.Repeat("é", 80)},
		{"x" + strings.Repeat("é", 100), "x" + strings.Repeat("é", 79)},
		{strings.Repeat(`"`, 200), strings.Repeat(`"`, 80)},
		{strings.Repeat("x", 159) + `"y`, strings.Repeat("x", 159)},
	} {
		text := must(Step{ID: maxNumber, Round: maxNumber, State: StepFailing, Attempts: maxNumber, Granted: noon.Add(1), Ended: noon, Error: c.in}.Encode())
		got, err := ParseStep(text)
		if got.Error != c.want || err != nil || len(text) > MaxStep {
			t.Errorf("%q became %q, %v, in %d bytes", c.in, got.Error, err, len(text))
		}
		text = must(Last{Operation: "_restart" + c.in, Requested: noon, Ended: noon, Attempts: maxNumber, Outcome: GaveUp, Error: c.in}.Encode())
		last, err := ParseLast(text)
		if !strings.HasPrefix(c.want, last.Error) || err != nil || len(text) > MaxLast {
			t.Errorf("%q became %q, %v, in %d bytes", c.in, last.Error, err, len(text))
		}
	}
}

func TestLastIsWrittenAsSpecified(t *testing.T) {
	last := Last{Operation: "_restart", Requested: noon, Ended: noon.Add(time.Minute), Attempts: 3, Outcome: GaveUp, Error: "exit status 1"}
	text := must(last.Encode())
	want := `{"op":"_restart","requested":"2026-03-01T12:00:00+00:00","ended":"2026-03-01T12:01:00+00:00","attempts":3,"outcome":"gave-up","error":"exit status 1"}`
	if text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if back, err := ParseLast(text); back != last || err != nil {
		t.Error(back, err)
	}
	if text, err := (Last{}).Encode(); text != "" || err != nil {
		t.Error(text, err)
	}
}

func TestParseStepSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{`, "unexpected end"},
		{`{}`, "id is missing"},
		{`{"id":7}`, `state is "", which is unknown`},
		{`{"id":7,"state":"redy"}`, `state is "redy", which is unknown`},
		{`{"id":-7,"state":"ready"}`, "id is negative"},
		{`{"id":7,"state":"ready","attempts":-1}`, "attempts is negative"},
		{`{"id":7,"state":"ready","round":-1}`, "round is negative"},
		{`{"id":7,"state":"ready","granted":"x"}`, "granted is no timestamp"},
		{`{"id":7,"state":"ready","ended":"x"}`, "ended is no timestamp"},
		{`{"id":7,"state":"ready","error":"\u0007"}`, "error has a character that can't be shown"},
		{`{"id":7,"state":"ready","error":"` + strings.Repeat("x", 161) + `"}`, "error has 161 bytes, and may have 160"},
		{strings.Repeat(" ", 401), "it has 401 bytes, and may have 400"},
	} {
		_, err := ParseStep(c.text)
		wantError(t, err, c.want)
		wantError(t, err, "cannot read rollingops-step: ")
	}
	for _, c := range []struct{ text, want string }{
		{`{}`, "op is missing"},
		{`{"op":"x","outcome":"maybe"}`, `outcome is "maybe", which is unknown`},
		{`{"op":"x","outcome":"done","attempts":-1}`, "attempts is negative"},
		{`{"op":"x","outcome":"done","requested":"x"}`, "requested is no timestamp"},
		{strings.Repeat(" ", 301), "it has 301 bytes, and may have 300"},
	} {
		_, err := ParseLast(c.text)
		wantError(t, err, c.want)
	}
}

func TestStepsAreOfTheirRolloutAndRound(t *testing.T) {
	r := rollout7(func(r *Record) { r.Round = 1 })
	for _, c := range []struct {
		step                         Step
		ready, done, failing, failed bool
	}{
		{step: Step{}},
		{step: Step{ID: 6, Round: 1, State: StepDone}},
		{step: Step{ID: 7, Round: 1, State: StepReady}, ready: true},
		{step: Step{ID: 7, Round: 0, State: StepReady}, ready: true},
		{step: Step{ID: 7, Round: 0, State: StepDone}, done: true},
		{step: Step{ID: 7, Round: 0, State: StepFailing}, failing: true},
		{step: Step{ID: 7, Round: 0, State: StepFailed}},
		{step: Step{ID: 7, Round: 1, State: StepFailed}, failed: true},
	} {
		got := []bool{c.step.Ready(r), c.step.Done(r), c.step.Failing(r), c.step.Failed(r)}
		if diff := cmp.Diff([]bool{c.ready, c.done, c.failing, c.failed}, got); diff != "" {
			t.Error(c.step, diff)
		}
		if c.step.Ready(Record{}) || (Step{State: StepReady}).Ready(Record{}) {
			t.Error("a step of no rollout")
		}
	}
}

func FuzzStep(f *testing.F) {
	f.Add(must(Step{ID: 7, State: StepFailed, Attempts: 1, Granted: noon, Ended: noon, Error: "x"}.Encode()))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStep(text)
		if err != nil {
			return
		}
		written := must(s.Encode())
		again, err := ParseStep(written)
		if err != nil || len(written) > MaxStep || must(again.Encode()) != written {
			t.Fatalf("%s became %s, %v", text, written, err)
		}
	})
}
