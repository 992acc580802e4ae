package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// fake is a Backend on which nothing ever happens. It has no methods but those
// that the end of a script needs.
type fake struct {
	Backend
	state       State
	transitions []Transition
	settle      error
	destroyed   bool
}

func (f *fake) State(context.Context) (State, error)               { return f.state, nil }
func (f *fake) Transitions(context.Context) ([]Transition, error)  { return f.transitions, nil }
func (f *fake) Changes(context.Context) <-chan struct{}            { return nil }
func (f *fake) Settle(context.Context) error                       { return f.settle }
func (f *fake) Log(_ context.Context, unit string) (string, error) { return "log of " + unit, nil }
func (f *fake) Destroy(context.Context) error                      { f.destroyed = true; return nil }

func TestEnd(t *testing.T) {
	unit := func(name string) Unit { return Unit{Name: name, Leader: name == "a/0", Idle: true} }
	two := State{Units: []Unit{unit("a/0"), unit("a/1")}}
	held := State{Units: two.Units, App: map[string]string{"granted_unit": "a/1"}}
	const overlap = "0 a/0 _x:start; 1 a/1 _x:start; 2 a/0 _x:done; 3 a/1 _x:done"
	const fine = "0 a/0 _x:start; 1 a/0 _x:done; 2 a/1 _x:start; 3 a/1 _x:done"
	tests := []struct {
		name    string
		state   State
		history string
		settle  error
		failed  bool // before the end
		want    string
	}{
		{"fine", two, fine, nil, false, ""},
		{"two at once", two, overlap, nil, false, "two units at once"},
		{"lock held", held, fine, nil, false, "a/1 holds the lock"},
		{"a unit too few", State{Units: two.Units[:1]}, fine, nil, false, "1 units, and not 2"},
		{"a process left", two, fine, errors.New("worker 7"), false, "something goes on: worker 7"},
		{"failed before", two, overlap, nil, true, "log of a/1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			backend := &fake{state: test.state, transitions: history(t, test.history), settle: test.settle}
			script := &Script{backend: backend, limit: 20 * time.Millisecond, wanted: 2}
			script.name(two)
			err := script.end(test.failed)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("end: %v, want %q", err, test.want)
			}
			if !backend.destroyed {
				t.Error("the model was not destroyed")
			}
		})
	}
}

func TestUnitNames(t *testing.T) {
	s := &Script{}
	s.name(State{Units: []Unit{{Name: "a/0"}, {Name: "a/1"}}})
	if _, err := s.Unit("a/0"); err == nil {
		t.Error("units have names before there is a leader")
	}
	s.name(State{Units: []Unit{{Name: "a/0"}, {Name: "a/1", Leader: true}}})
	// Another one leads now, and a unit was added.
	s.name(State{Units: []Unit{{Name: "a/0", Leader: true}, {Name: "a/1"}, {Name: "a/2"}}})
	for role, want := range map[string]string{"leader": "a/1", "follower1": "a/0", "follower2": "a/2", "a/1": "a/1"} {
		if got, err := s.Unit(role); got != want || err != nil {
			t.Errorf("%s is %s (%v), want %s", role, got, err, want)
		}
	}
}

func TestParseTransitions(t *testing.T) {
	got, err := ParseTransitions([]byte(`{"ts":"1777025696.123456","unit":"a/0","event":"_x:start","parameters":{"delay":1}}` + "\n"))
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	if tr := got[0]; tr.Time.UnixMicro() != 1777025696123456 || tr.Unit != "a/0" || tr.Event != "_x:start" || tr.Parameters["delay"] != 1.0 {
		t.Errorf("got %+v", tr)
	}
	if _, err := ParseTransitions([]byte("no JSON\n")); err == nil {
		t.Error("a line that is no JSON was read")
	}
}
