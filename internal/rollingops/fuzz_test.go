package rollingops

import (
	"context"
	"testing"
	"time"

	"rolling-ops/internal/codec"
)

// FuzzHook runs hooks on databags that hold anything. Whatever they hold, a
// hook neither fails nor panics, what it writes can be read, and a callback runs
// only under an unused grant of the unit's own.
func FuzzHook(f *testing.F) {
	queue := waiting(Requested, 0, time.Time{})["operations"]
	stamp := codec.TimestampOf(noon).String()
	f.Add(true, uint8(0), "app/1", stamp, "request", queue, "", "", "request", queue, "")
	f.Add(false, uint8(1), "app/0", stamp, "retry-hold", queue, "", "2027-01-01", "", "", "")
	f.Add(true, uint8(2), "app/0", "soon", "idle", "[]", stamp, "soon", "retry-release", "{", stamp)
	f.Add(false, uint8(3), "app/0", "9999-12-31T23:59:59.999999+00:00", "request", queue, "0001-01-01", "9998-12-31T23:59:59.999999+00:00", "x", "[1]", "9999-12-31T23:59:59.999999+00:00")
	f.Fuzz(func(t *testing.T, leader bool, kind uint8, granted, at, state, ops, executed, second, otherState, otherOps, otherExecuted string) {
		s := &stage{unit: "app/0", leader: leader, now: noon,
			app: bag("granted_unit", granted, "granted_at", at),
			units: bags("app/0", bag("state", state, "operations", ops, "executed_at", executed, KeyExecutedAtCopy, second),
				"app/1", bag("state", otherState, "operations", otherOps, "executed_at", otherExecuted)),
		}
		ran := false
		report := s.hook(t, EventKind(kind%4), func(context.Context, codec.Args) (Result, error) {
			ran = true
			return RetryHold, nil
		})
		g, own := readGrant(s.app, "app/0"), newUnitView("app/0", s.units["app/0"])
		if ran && (!g.heldBy("app/0") || g.usedBy(own) || own.foreign) {
			t.Errorf("ran under %+v with executed_at %s", g, own.executedAt)
		}
		if text, ok := s.wrote["operations"]; ok {
			if _, err := codec.ParseQueue(text); err != nil {
				t.Errorf("wrote a queue that can't be read: %v", err)
			}
		}
		if text, ok := s.wrote["executed_at"]; ok {
			after, foreign := readStamp(text)
			if g.heldBy("app/0") && after.Compare(g.at) <= 0 {
				t.Errorf("executed_at %s does not lie after the grant of %s", text, at)
			}
			if foreign || after.Compare(own.executedAt) < 0 || s.wrote[KeyExecutedAtCopy] != text {
				t.Errorf("executed_at goes from %s to %s, and the copy to %s", own.executedAt, text, s.wrote[KeyExecutedAtCopy])
			}
		}
		if report.Granted != "" && !leader {
			t.Error("a follower granted the lock")
		}
		if s.wroteA != nil && !leader {
			t.Error("a follower wrote the application databag")
		}
	})
}

// bag is a databag of the pairs whose value is not empty: Juju stores no other.
func bag(pairs ...string) map[string]string {
	out := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}
