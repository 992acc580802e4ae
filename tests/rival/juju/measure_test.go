package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/tests/cost/bench"
)

// What two units' machines have written down of a roll, seconds after begin.
const (
	leaders = `{"begin":"2026-03-01T12:00:10Z","wall_ns":2000000000,"cpu_ns":5000000,"path":"hooks/restart-relation-changed","exit":0}
{"begin":"2026-03-01T11:00:00Z","wall_ns":1000000000,"cpu_ns":9000000,"path":"hooks/restart-relation-changed","exit":0}
{"ts":"1772366401.000000","unit":"a/0","event":"_restart:start"}
{"ts":"2026-03-01T12:00:02.500000+00:00","unit":"a/0","event":"_restart:done"}
`
	followers = `{"begin":"2026-03-01T12:00:03Z","wall_ns":1000000000,"cpu_ns":3000000,"path":"hooks/restart-relation-changed","exit":0}
{"begin":"2026-03-01T12:00:05Z","wall_ns":1000000000,"cpu_ns":4000000,"path":"hooks/restart-relation-changed","exit":0}
{"ts":"1772366403.250000","unit":"a/1","event":"_restart:start"}
{"ts":"1772366404.000000","unit":"a/1","event":"_restart:done"}
`
)

func TestCountRoll(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []unit{{name: "a/1"}, {name: "a/0", leader: true}}
	for i, text := range []string{followers, leaders} {
		if err := all[i].read(text); err != nil {
			t.Fatal(err)
		}
	}
	var got measured
	got.countRoll(all, begin)
	want := measured{
		follower:  times{bench.Samples{time.Second}, bench.Samples{4 * time.Millisecond}},
		leading:   times{bench.Samples{2 * time.Second}, bench.Samples{5 * time.Millisecond}},
		handOvers: bench.Samples{750 * time.Millisecond},
		rolls:     bench.Samples{12 * time.Millisecond},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(measured{}, times{})); diff != "" {
		t.Error(diff)
	}
	if err := new(unit).read("no JSON\n"); err == nil {
		t.Error("accepted what is no log")
	}
}
