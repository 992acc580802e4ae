package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHistoryKeepsTheLastFive(t *testing.T) {
	var h History
	for id := range 7 {
		r := rollout7(in(Done, ""), func(r *Record) { r.ID = id + 1 })
		h = h.Add(r.Entry(Tally{Done: 3, Failing: 1, Failed: 1, Skipped: 1, Gone: 2}, noon.Add(time.Hour)))
	}
	text := must(h.Encode())
	first := `[{"id":7,"op":"_restart","at":"2026-03-01T12:00:00+00:00","ended":"2026-03-01T13:00:00+00:00","state":"done",` +
		`"total":6,"done":3,"failed":2,"skipped":1,"gone":2,"reason":"rotate CA"},`
	if !strings.HasPrefix(text, first) || len(h) != 5 || len(text) > MaxHistory {
		t.Error(len(h), len(text), text)
	}
	back, err := ParseHistory(text)
	if diff := cmp.Diff(h, back, same); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestHistoryDropsTheOldestThatDoNotFit(t *testing.T) {
	var h History
	for id := range 5 {
		r := rollout7(in(Aborted, ""), func(r *Record) { r.ID, r.Reason = id+1, strings.Repeat(`"`, MaxReason) })
		h = h.Add(r.Entry(Tally{Done: 5}, noon))
		if _, err := h.Encode(); err != nil || h[0].ID != id+1 {
			t.Fatal(h, err)
		}
	}
	if len(h) < 2 || len(h) == 5 {
		t.Error(len(h))
	}
}

func TestParseHistorySaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{}`, "it is a JSON object"},
		{`[{}]`, "entry 0: id is missing"},
		{`[{"id":1}]`, "entry 0: ended is missing"},
		{`[{"id":1,"ended":"2026-03-01T12:00:00","state":"running"}]`, `state is "running", which is unknown`},
		{`[{"id":1,"ended":"2026-03-01T12:00:00","state":"done","done":-1}]`, "done is negative"},
		{`[{},{},{},{},{},{}]`, "it has 6 entries, and may have 5"},
		{strings.Repeat(" ", 1025), "it has 1025 bytes, and may have 1024"},
	} {
		_, err := ParseHistory(c.text)
		wantError(t, err, c.want)
		wantError(t, err, "cannot read rollingops-history: ")
	}
	if h, err := ParseHistory(""); len(h) != 0 || err != nil {
		t.Error(h, err)
	}
}

func FuzzHistory(f *testing.F) {
	f.Add(must(History{}.Add(rollout7(in(Done, "")).Entry(Tally{Done: 5}, noon)).Encode()))
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHistory(text)
		if err != nil {
			return
		}
		written, err := h.Encode()
		if err != nil {
			if !strings.Contains(err.Error(), "it would have") {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseHistory(written)
		if diff := cmp.Diff(h, again, same); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
}
