package world

import (
	"context"
	"strings"
	"testing"

	"rolling-ops/internal/charm"
)

// rash runs an operation in each update-status, with the lock or without.
type rash struct{ hooks []string }

func (p *rash) Run(_ context.Context, on Host) error {
	p.hooks = append(p.hooks, on.Run.Name)
	if on.Run.Name != "update-status" {
		return nil
	}
	return on.Deps.Transitions.Record(charm.Transition{Event: "restart:start"})
}

// A unit with a program of its own takes part: its hooks run that, and what it
// does is checked.
func TestUnitWithAProgramOfItsOwn(t *testing.T) {
	w := New(Options{}, nil)
	defer w.Close()
	for range 2 {
		w.MustDo(Step{Verb: "add-unit"})
	}
	p := &rash{}
	w.Units[App+"/1"].Program = p
	for _, line := range []string{"settle", "action 0 restart delay=1", "settle"} {
		s, err := ParseStep(line)
		if err != nil {
			t.Fatal(err)
		}
		w.MustDo(s)
	}
	if left := w.left(); left != "" || len(p.hooks) < 5 {
		t.Errorf("left: %s; its hooks: %q", left, p.hooks)
	}
	var broken Violation
	func() {
		defer w.Recover(&broken)
		w.MustDo(Step{Verb: "update-status", Unit: App + "/1"})
		w.MustDo(Step{Verb: "run", Unit: App + "/1"})
	}()
	if !strings.Contains(string(broken), "without a committed grant") {
		t.Errorf("broken: %q", broken)
	}
}
