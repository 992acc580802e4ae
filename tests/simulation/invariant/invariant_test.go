package invariant

import (
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"
)

// stampAt is a stamp that many seconds after noon.
func stampAt(seconds int) string {
	return codec.TimestampOf(time.Date(2026, 3, 1, 12, 0, seconds, 0, time.UTC)).String()
}

// executed is a databag with that executed_at, in both copies.
func executed(stamp string) Bag {
	return Bag{"executed_at": stamp, "rollingops-executed-at": stamp}
}

const (
	a    = "db/0"
	b    = "db/1"
	far  = "9999-06-01T00:00:00+00:00"
	last = "9998-12-31T23:59:59.999999+00:00"
)

// holds checks that an invariant holds, or is broken with a text that has want in it.
func holds(t *testing.T, got *Broken, want string) {
	t.Helper()
	switch {
	case want == "" && got != nil:
		t.Errorf("broken: %s", got)
	case want != "" && got == nil:
		t.Errorf("not broken, want %q", want)
	case got != nil && !strings.Contains(got.Error(), want):
		t.Errorf("broken: %s, want %q", got, want)
	case got != nil && (strings.Contains(got.Form, "db/") || strings.Contains(got.Text, "%!")):
		t.Errorf("form %q, text %q", got.Form, got.Text)
	}
}

func TestAlone(t *testing.T) {
	excused := func(names ...string) func(string) bool {
		return func(unit string) bool { return strings.Contains(strings.Join(names, " "), unit) }
	}
	for _, test := range []struct {
		name    string
		inside  []string
		excused func(string) bool
		want    string
	}{
		{"nobody runs", nil, excused(), ""},
		{"another runs", []string{b}, excused(), "while db/1 runs one"},
		{"another one that lost the lock by force", []string{b}, excused(b), ""},
		{"it lost the lock by force itself", []string{b}, excused(a), ""},
		{"one of two is excused", []string{"db/2", b}, excused(b), "while db/2 runs one"},
		{"it runs one itself, excused or not", []string{a}, excused(a), "while db/0 runs one"},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, Alone(a, test.inside, test.excused), test.want) })
	}
}

func TestBegins(t *testing.T) {
	waiting := func(executed Bag) Bag {
		bag := Bag{"operations": queueText(t, operation(t, "_restart", 0))}
		for key, value := range executed {
			bag[key] = value
		}
		return bag
	}
	for _, test := range []struct {
		name  string
		grant Grant
		own   Bag
		want  string
	}{
		{"its first", Grant{a, stampAt(1)}, waiting(nil), ""},
		{"a grant after the last attempt", Grant{a, stampAt(2)}, waiting(executed(stampAt(1))), ""},
		{"the lock is free", Grant{}, waiting(nil), "without a committed grant"},
		{"another holds it", Grant{b, stampAt(1)}, waiting(nil), "without a committed grant"},
		{"a grant without a stamp", Grant{a, ""}, waiting(nil), "without a committed grant"},
		{"an unreadable grant", Grant{a, "soon"}, waiting(nil), "without a committed grant"},
		{"a foreign grant", Grant{a, far}, waiting(nil), "without a committed grant"},
		{"a grant that no stamp can follow", Grant{a, last}, waiting(nil), "without a committed grant"},
		{"a used grant", Grant{a, stampAt(1)}, waiting(executed(stampAt(2))), "a second time"},
		{"a used grant, and somebody put the stamp back", Grant{a, stampAt(1)},
			waiting(Bag{"executed_at": stampAt(0), "rollingops-executed-at": stampAt(2)}), "a second time"},
		{"a stamp that equals the grant", Grant{a, stampAt(1)}, waiting(executed(stampAt(1))), ""},
		{"an empty queue", Grant{a, stampAt(1)}, Bag{"operations": "[]"}, "not in its queue"},
		{"a queue that can't be read", Grant{a, stampAt(1)}, Bag{"operations": "{not"}, "not in its queue"},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, Begins(a, test.grant, test.own), test.want) })
	}
}

func TestRunsLeft(t *testing.T) {
	once, endless := operation(t, "_restart", 0), operation(t, "_restart", 0)
	once.MaxRetry = limited(t, 1)
	for _, test := range []struct {
		name       string
		op         codec.Operation
		runs, lost int
		want       string
	}{
		{"its last retry", once, 2, 0, ""},
		{"one too many", once, 3, 0, "for the 3th time"},
		{"once more for a hook that failed", once, 3, 1, ""},
		{"no limit", endless, 99, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, RunsLeft(a, test.op, test.runs, test.lost), test.want) })
	}
}

func TestStamped(t *testing.T) {
	held := Grant{a, stampAt(1)}
	for _, test := range []struct {
		name     string
		was, now Bag
		attempt  Attempt
		want     string
	}{
		{"nothing happened", executed(stampAt(0)), executed(stampAt(0)), Attempt{Grant: held}, ""},
		{"an attempt ended", executed(stampAt(0)), executed(stampAt(2)), Attempt{Grant: held, Ran: true}, ""},
		{"without a callback to run", nil, executed(stampAt(2)), Attempt{Grant: held}, ""},
		{"it went back", executed(stampAt(2)), executed(stampAt(0)), Attempt{Grant: held, Ran: true}, "back, from"},
		{"it went to none", executed(stampAt(2)), nil, Attempt{}, "back, from"},
		{"one copy went back", executed(stampAt(2)), Bag{"executed_at": stampAt(0), "rollingops-executed-at": stampAt(2)}, Attempt{}, ""},
		{"no unit can write that", nil, executed(far), Attempt{Grant: held, Ran: true}, "no unit can write"},
		{"a foreign one is put right", Bag{"executed_at": far}, executed(stampAt(2)), Attempt{}, ""},
		{"the same by the holder", Bag{"executed_at": far}, executed(stampAt(2)), Attempt{Grant: held}, ""},
		{"a foreign one is put back to none", Bag{"executed_at": far, "rollingops-executed-at": stampAt(1)}, nil, Attempt{}, "back, from"},
		{"without a grant", nil, executed(stampAt(2)), Attempt{Grant: Grant{b, stampAt(1)}}, "held no grant"},
		{"with the lock free", nil, executed(stampAt(2)), Attempt{}, "held no grant"},
		{"a second one", executed(stampAt(2)), executed(stampAt(3)), Attempt{Grant: held, Ran: true}, "a second attempt"},
		{"before its grant", nil, executed(stampAt(0)), Attempt{Grant: held, Ran: true}, "not after its grant"},
		{"at its grant", nil, executed(stampAt(1)), Attempt{Grant: held, Ran: true}, "not after its grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, Stamped(a, StampOf(test.was), StampOf(test.now), test.attempt), test.want)
		})
	}
}

func TestCleared(t *testing.T) {
	held := Grant{b, stampAt(1)}
	for _, test := range []struct {
		name     string
		was, now Grant
		holder   Bag
		reason   bool
		want     string
	}{
		{"used", held, Grant{}, executed(stampAt(2)), false, ""},
		{"used, and granted to another", held, Grant{a, stampAt(2)}, executed(stampAt(2)), false, ""},
		{"as it was", held, held, nil, false, ""},
		{"unused", held, Grant{}, executed(stampAt(1)), false, "took the lock from db/1"},
		{"granted to another, unused", held, Grant{a, stampAt(3)}, nil, false, "took the lock from db/1"},
		{"granted anew, unused", held, Grant{b, stampAt(3)}, nil, false, "took the lock from db/1"},
		{"a foreign stamp ends no grant", held, Grant{}, Bag{"executed_at": far}, false, "took the lock from db/1"},
		{"its holder is gone", held, Grant{}, nil, true, ""},
		{"void", Grant{b, "soon"}, Grant{}, nil, false, ""},
		{"free", Grant{}, Grant{a, stampAt(1)}, nil, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, Cleared(a, test.was, test.now, StampOf(test.holder), test.reason), test.want)
		})
	}
}

func TestNotForItself(t *testing.T) {
	for _, test := range []struct {
		name   string
		now    Grant
		leaves bool
		want   string
	}{
		{"a leader that stays", Grant{a, stampAt(1)}, false, ""},
		{"one that leaves, to another", Grant{b, stampAt(1)}, true, ""},
		{"one that leaves, to itself", Grant{a, stampAt(1)}, true, "is leaving"},
		{"one that leaves with what it holds", Grant{a, stampAt(0)}, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) { holds(t, NotForItself(a, Grant{a, stampAt(0)}, test.now, test.leaves), test.want) })
	}
}

func TestUndone(t *testing.T) {
	waits := Bag{"operations": queueText(t, operation(t, "_restart", 0)), "state": "request"}
	for _, test := range []struct {
		name string
		app  Bag
		own  Bag
		want string
	}{
		{"all done", nil, Bag{"operations": "[]"}, ""},
		{"an operation waits", nil, waits, "db/0 has 1 operations (request)"},
		{"the lock is held", Bag{"granted_unit": b, "granted_at": "now"}, nil, "db/1 holds the lock since now"},
		{"both", Bag{"granted_unit": b, "granted_at": "now"}, waits, "db/0 has 1 operations (request), db/1 holds the lock since now"},
		{"a queue that waits for an operator", nil, Bag{"operations": "{not"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Undone(test.app, []string{a}, func(string) Bag { return test.own }); got != test.want {
				t.Errorf("left: %q, want %q", got, test.want)
			}
		})
	}
}
