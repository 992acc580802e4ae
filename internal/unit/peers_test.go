package unit

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
)

// fullRelation is a peer relation whose databags are too large to be read
// whole, and so are the values of some keys.
type fullRelation struct {
	bag      map[string]string
	tooLarge []string
	broken   bool // a key can't be read for another reason
}

func (f *fullRelation) Run(_ context.Context, tool string, args []string, _ []byte) ([]byte, error) {
	key := args[slices.Index(args, "--")+1]
	switch {
	case key == "-" || slices.Contains(f.tooLarge, key):
		return nil, &hooktool.Error{Tool: tool, Code: -1, Err: hooktool.ErrTooMuchOutput}
	case f.broken:
		return nil, &hooktool.Error{Tool: tool, Code: 1, Stderr: "relation not found"}
	}
	if value, ok := f.bag[key]; ok {
		return json.Marshal(value)
	}
	return json.Marshal(nil)
}

// What others keep in a databag, however large, does not matter.
func TestDatabagThatIsTooLarge(t *testing.T) {
	type bag = map[string]string
	full := bag{"state": "request", "operations": "[]", "executed_at": "x", "granted_unit": "rolling-ops/1", "granted_at": "y", "junk": "z"}
	tests := []struct {
		name     string
		app      bool
		tooLarge []string
		want     bag
		err      error
	}{
		{"unit", false, nil, bag{"state": "request", "operations": "[]", "executed_at": "x"}, nil},
		{"queue too large", false, []string{"operations"}, bag{"state": "request", "operations": tooLarge, "executed_at": "x"}, codec.ErrTooLarge},
		{"stamp too large", false, []string{"executed_at"}, bag{"state": "request", "operations": "[]", "executed_at": tooLarge}, nil},
		{"application", true, nil, bag{"granted_unit": "rolling-ops/1", "granted_at": "y"}, nil},
		{"holder too large", true, []string{"granted_unit"}, bag{"granted_unit": tooLarge, "granted_at": "y"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fullRelation{bag: full, tooLarge: tt.tooLarge}
			p := &Peers{tools: hooktool.New(f), id: "restart:0", unit: "rolling-ops/0"}
			read := func() (bag, error) { return p.Unit(t.Context(), "rolling-ops/1") }
			if tt.app {
				read = func() (bag, error) { return p.App(t.Context()) }
			}
			got, err := read()
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			f.broken = true
			if _, err := read(); err == nil || errors.Is(err, codec.ErrTooLarge) {
				t.Errorf("relation-get KEY fails, and the error is %v", err)
			}
		})
	}
}

// answers are a unit's hook tools, by what they are called with.
type answers map[string]string

func (a answers) Run(_ context.Context, tool string, args []string, _ []byte) ([]byte, error) {
	words := []string{tool}
	for _, arg := range args {
		if arg != "--format=json" && arg != "--" {
			words = append(words, arg)
		}
	}
	answer, ok := a[strings.Join(words, " ")]
	if !ok {
		return nil, &hooktool.Error{Tool: tool, Code: 2, Stderr: "relation not found"}
	}
	return []byte(answer), nil
}

// As a controller of 4.1 answers a principal charm and a subordinate of two
// applications, which has a relation to a third as well.
const (
	ownGoal = `{"units":{"rolling/0":{"status":"active","since":"2026-01-01 00:00:00Z"},"rolling/1":{"status":"dying","since":"2026-01-01 00:00:00Z"}},"relations":{}}`
	subGoal = `{"units":{},"relations":{"host":{"kafka":{"status":"joined","since":"2026-01-01 00:00:00Z"},` +
		`"kafka/0":{"status":"dying","since":"2026-01-01 00:00:00Z"},"postgresql":{"status":"joined","since":"2026-01-01 00:00:00Z"},` +
		`"postgresql/0":{"status":"active","since":"2026-01-01 00:00:00Z"},"postgresql/1":{"status":"maintenance","since":"2026-01-01 00:00:00Z"}},` +
		`"metrics":{"prometheus":{"status":"joined","since":""},"prometheus/0":{"status":"waiting","since":""}}}}`
	noGoal = `{"units":{},"relations":{}}`
)

func TestUnitsOfGoalState(t *testing.T) {
	for _, tt := range []struct {
		name, principal, goal string
		want                  map[string]bool
	}{
		{"principal charm", "", ownGoal, map[string]bool{"rolling/0": false, "rolling/1": true}},
		{"principal charm with a subordinate beside it", "", subGoal, map[string]bool{}},
		{"subordinate", "kafka/0", subGoal, map[string]bool{"kafka/0": true, "postgresql/0": false, "postgresql/1": false, "prometheus/0": false}},
		{"subordinate, not by its own units", "kafka/0", ownGoal, map[string]bool{}},
		{"subordinate of nobody any more", "kafka/0", noGoal, map[string]bool{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &Peers{tools: hooktool.New(answers{"goal-state": tt.goal}), id: "restart:0", unit: "rolling/0", principal: tt.principal}
			got, err := p.GoalState(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	p := &Peers{tools: hooktool.New(answers{}), principal: "kafka/0"}
	if got, err := p.GoalState(t.Context()); err == nil || got != nil {
		t.Errorf("goal-state fails, and the units are %v, %v", got, err)
	}
}

func TestBesideThePrincipal(t *testing.T) {
	for _, tt := range []struct {
		name      string
		principal string
		tools     answers
		want      bool
		fails     bool
	}{
		{"beside it", "postgresql/1", answers{"relation-ids host": `["host:3"]`, "relation-list -r host:3": `["postgresql/1"]`}, true, false},
		{"beside one that is leaving", "kafka/0", answers{"relation-ids host": `["host:3"]`, "relation-list -r host:3": `["kafka/0"]`}, true, false},
		{"the second of two relations", "kafka/0", answers{"relation-ids host": `["host:3","host:4"]`,
			"relation-list -r host:3": `[]`, "relation-list -r host:4": `["kafka/0"]`}, true, false},
		{"principal has departed", "kafka/0", answers{"relation-ids host": `["host:3"]`, "relation-list -r host:3": `[]`}, false, false},
		{"relation is broken, others still have it", "kafka/0", answers{"relation-ids host": `[]`}, false, false},
		{"another's principal", "postgresql/0", answers{"relation-ids host": `["host:3"]`, "relation-list -r host:3": `["postgresql/1"]`}, false, false},
		{"goal-state does not name it", "kafka/7", answers{"relation-ids host": `["host:3"]`, "relation-list -r host:3": `["kafka/7"]`}, false, false},
		{"relations can't be had", "kafka/0", answers{}, false, true},
		{"units can't be had", "kafka/0", answers{"relation-ids host": `["host:3"]`}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tools := maps.Clone(tt.tools)
			tools["goal-state"] = subGoal
			p := &Peers{tools: hooktool.New(tools), id: "restart:0", unit: "rolling/0", principal: tt.principal}
			if got, err := p.Beside(t.Context()); got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	p := &Peers{tools: hooktool.New(answers{}), principal: "kafka/0"}
	if got, err := p.Beside(t.Context()); err == nil || got {
		t.Errorf("goal-state fails, and Beside is %v, %v", got, err)
	}
}
