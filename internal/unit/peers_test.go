package unit

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
