package cost

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
)

// BenchmarkRoll counts what whole rolls take, and measures how fast they are
// simulated.
func BenchmarkRoll(b *testing.B) {
	for _, n := range []int{3, 10, 30, 100, 300, 1000} {
		b.Run(fmt.Sprintf("units=%d", n), func(b *testing.B) {
			hooks := 0
			for b.Loop() {
				b.StopTimer()
				a := deploy(b, n)
				b.StartTimer()
				roll := restartAll(a)
				hooks += roll.Hooks
				b.ReportMetric(float64(roll.Hooks), "hooks")
				b.ReportMetric(float64(roll.Events), "events")
				b.ReportMetric(float64(roll.Calls), "calls")
				for part, calls := range roll.Parts {
					b.ReportMetric(float64(calls), part+"-calls")
				}
			}
			b.ReportMetric(float64(hooks)/b.Elapsed().Seconds(), "hooks/s")
		})
	}
}

var queueLengths = []int{1, 100, 10_000}

// queueOf returns a queue as a databag holds it.
func queueOf(b *testing.B, length int) string {
	b.Helper()
	entries := make([]string, length)
	for i := range entries {
		args, err := codec.NewArgs(map[string]any{"delay": 0, "number": i})
		if err != nil {
			b.Fatal(err)
		}
		op, err := codec.NewOperation("_restart", args, epoch, nil)
		if err != nil {
			b.Fatal(err)
		}
		text, err := codec.Queue{op}.Encode()
		if err != nil {
			b.Fatal(err)
		}
		entries[i] = text[1 : len(text)-1] // without the list's brackets
	}
	return "[" + strings.Join(entries, ",") + "]"
}

// BenchmarkQueue reads and writes the text of a queue.
func BenchmarkQueue(b *testing.B) {
	for _, length := range queueLengths {
		text := queueOf(b, length)
		queue, err := codec.ParseQueue(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("parse/operations=%d", length), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := codec.ParseQueue(text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("encode/operations=%d", length), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := queue.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHookWithQueue runs whole hooks of an application of three in which
// the holder has a queue of some length: the leader's, which reads that queue,
// and the holder's, which reads it, runs its head and writes the rest.
func BenchmarkHookWithQueue(b *testing.B) {
	for _, length := range queueLengths {
		a := deploy(b, 3)
		const holder = "app/1"
		bag := map[string]string{"state": "request", "operations": queueOf(b, length)}
		if err := a.Model.OverwriteUnitDatabag(0, holder, bag); err != nil {
			b.Fatal(err)
		}
		granting := a.Model.Clone()
		a.step(b, a.Model, "app/0")
		if got := a.Model.AppDatabag(0)["granted_unit"]; got != holder {
			b.Fatalf("lock is held by %q", got)
		}
		for _, hook := range []struct {
			name, unit string
			model      *jujusim.Model
		}{{"grant", "app/0", granting}, {"attempt", holder, a.Model}} {
			b.Run(fmt.Sprintf("%s/operations=%d", hook.name, length), func(b *testing.B) {
				for b.Loop() {
					a.step(b, hook.model.Clone(), hook.unit)
				}
			})
		}
	}
}

// step runs the next hook of a unit.
func (a *application) step(b *testing.B, m *jujusim.Model, unit string) {
	b.Helper()
	hook, err := m.Begin(unit)
	if err != nil {
		b.Fatal(err)
	}
	_, exit, err := a.Execute(hook, time.Second)
	if err != nil || exit != 0 {
		b.Fatalf("exit code %d, %v", exit, err)
	}
	if err := hook.Finish(exit); err != nil {
		b.Fatal(err)
	}
}
