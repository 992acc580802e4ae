package rollout

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const rollout7Text = `{"v":1,"id":7,"rev":3,"op":"_restart","kwargs":"{\"delay\":1}","at":"2026-03-01T12:00:00+00:00",` +
	`"units":"0-4","order":"auto","pause-after":"none","max-failures":0,"retries":2,"round":0,"state":"running","why":"","skip":"","reason":"rotate CA"}`

func TestRecordIsWrittenAsSpecified(t *testing.T) {
	text, err := rollout7().Encode()
	if diff := cmp.Diff(rollout7Text, text); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if text, err := (Record{}).Encode(); text != "" || err != nil {
		t.Errorf("no rollout is written as %q, %v", text, err)
	}
}

func TestRecordIsReadAsWritten(t *testing.T) {
	for _, r := range []Record{
		{},
		rollout7(),
		rollout7(in(Paused, AfterFailure), func(r *Record) { r.Skip, r.Round = Units{1, 3}, 2 }),
		rollout7(in(Aborted, ""), func(r *Record) { r.Units, r.Order = Units{4, 2, 0}, Given }),
		rollout7(in(Done, ""), func(r *Record) { r.Reason = `<é> "…" \ 🎉` }),
	} {
		text := must(r.Encode())
		got, err := ParseRecord(text)
		if diff := cmp.Diff(r, got, same); diff != "" || err != nil {
			t.Error(text, diff, err)
		}
	}
}

func TestParseRecordSaysWhatIsWrong(t *testing.T) {
	with := func(old, new string) string {
		if !strings.Contains(rollout7Text, old) {
			t.Fatal(old)
		}
		return strings.Replace(rollout7Text, old, new, 1)
	}
	for _, c := range []struct{ text, want string }{
		{"x", "invalid character"},
		{"[]", "it is a JSON array"},
		{"null", "later version"},
		{"{}", "later version"},
		{rollout7Text + "x", "invalid character"},
		{with("rotate CA", strings.Repeat("x", 800)), "it has 1034 bytes, and may have 1024"},
		{with(`rotate CA`, "\xff"), "not valid UTF-8"},
		{with(`"v":1`, `"v":2`), "written by a later version of the charm (v is 2)"},
		{with(`"id":7`, `"id":0`), "begin with 1"},
		{with(`"id":7`, `"id":-7`), "id is negative"},
		{with(`"id":7`, `"id":1000000000`), "id is more than 999999999"},
		{with(`"id":7`, `"id":1e99`), "id can't be a number 1e99"},
		{with(`"id":7`, `"id":"7"`), "id can't be a string"},
		{with(`"rev":3`, `"rev":0`), "begin with 1"},
		{with(`"round":0`, `"round":-1`), "round is negative"},
		{with(`"retries":2`, `"retries":-1`), "retries is negative"},
		{with(`"retries":2`, `"retries":1000001`), "retries is more than 1000000"},
		{with(`"max-failures":0`, `"max-failures":-1`), "max-failures is negative"},
		{with(`"running"`, `"rolling"`), `state is "rolling", which is unknown`},
		{with(`"running"`, `"paused"`), `why is "" in state "paused"`},
		{with(`"why":""`, `"why":"canary"`), `why is "canary" in state "running"`},
		{with(`"running","why":""`, `"paused","why":"x"`), `why is "x", which is unknown`},
		{with(`"auto"`, `""`), `order is "", which is unknown`},
		{with(`"none"`, `"some"`), `pause-after is "some", which is unknown`},
		{with(`"_restart"`, `""`), "no operation is named"},
		{with(`"_restart"`, `"`+strings.Repeat("x", 65)+`"`), "the name of the operation has 65 bytes, and may have 64"},
		{with(`"{\"delay\":1}"`, `"[]"`), "cannot read kwargs"},
		{with(`"{\"delay\":1}"`, `"`+strings.Repeat(" ", 257)+`"`), "kwargs has 257 bytes, and may have 256"},
		{with(`"2026-03-01T12:00:00+00:00"`, `"noon"`), "at is no timestamp"},
		{with(`"2026-03-01T12:00:00+00:00"`, `""`), "at is missing"},
		{with(`"0-4"`, `""`), "no units are named"},
		{with(`"0-4"`, `"0,0"`), "units: unit 0 is named twice"},
		{with(`"skip":""`, `"skip":"5"`), "unit 5 is not one of rollout 7: it has 0-4"},
		{with(`"skip":""`, `"skip":"x"`), `skip: "x" is no number`},
		{with(`rotate CA`, strings.Repeat("x", 121)), "the reason has 121 bytes, and may have 120"},
		{with(`rotate CA`, `rotate\nCA`), `the reason has a character that can't be shown, '\n'`},
		{with(`rotate CA`, `\u001b[31m`), `the reason has a character that can't be shown, '\x1b'`},
	} {
		r, err := ParseRecord(c.text)
		wantError(t, err, c.want)
		if err != nil && !strings.HasPrefix(err.Error(), "cannot read rollingops-rollout: ") || r.State != None {
			t.Error(r, err)
		}
		if later := strings.Contains(c.want, "later version"); errors.Is(err, ErrUnknownVersion) != later {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestSalvageFindsTheIDOfAnUnreadableRecord(t *testing.T) {
	for text, want := range map[string]int{
		`{"v":2,"id":9,"later":[]}`: 9, `{"id":-1}`: 0, `{"id":1.5}`: 0, `{"id":"9"}`: 9, `{`: 0, ``: 0, `{"v":2}`: 0,
	} {
		if got := Salvage(text); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestAThousandUnitsFit(t *testing.T) {
	var all Units
	for n := range MaxUnits {
		all = append(all, n)
	}
	reason := strings.Repeat(`"`, MaxReason)
	r, err := Record{}.Start(Request{
		Operation: "_restart", Units: all, Order: Auto, PauseAfter: PauseFirst, Retries: MaxRetries, MaxFailures: MaxUnits, Reason: reason,
	}, maxNumber, noon)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := r.Encode(); err != nil || len(text) > 700 {
		t.Error(len(text), err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(rollout7Text)
	f.Add(must(rollout7(in(Paused, AfterRelease), func(r *Record) { r.Units, r.Order, r.Skip = Units{4, 2, 0}, Given, Units{2} }).Encode()))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecord(text)
		if err != nil {
			return
		}
		written, err := r.Encode()
		if err != nil {
			if !strings.Contains(err.Error(), "it would have") {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseRecord(written)
		if diff := cmp.Diff(r, again, same); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
}
