package jujusim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCharm(t *testing.T) {
	charm := probe(t)
	if diff := cmp.Diff([]Endpoint{{Name: "restart", Interface: "rolling_op"}}, charm.Peers); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	want := map[string]Option{
		"service":     {Type: "string", Default: "", Description: "Units to restart."},
		"retry-delay": {Type: "int", Default: int64(5)},
		"ratio":       {Type: "float", Default: 0.5},
		"strict":      {Type: "boolean"},
	}
	if diff := cmp.Diff(want, charm.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if got := sortedKeys(charm.Actions); !cmp.Equal(got, []string{"check", "restart"}) {
		t.Errorf("actions are %v", got)
	}
}

func TestParseCharmRefuses(t *testing.T) {
	const name = "name: probe\n"
	for _, test := range []struct{ metadata, config, actions, want string }{
		{"", "", "", `cannot use charm name ""`},
		{"name: Probe", "", "", `cannot use charm name "Probe"`},
		{"name: probe-1", "", "", `cannot use charm name "probe-1"`},
		{"{", "", "", "cannot parse charm metadata"},
		{"- probe", "", "", "cannot parse charm metadata"},
		{name + "peers: {restart: {}}", "", "", `cannot use endpoint "restart": no interface`},
		{name + "peers: {'a:b': {interface: x}}", "", "", `cannot use endpoint name "a:b"`},
		{name + "peers: [restart]", "", "", "cannot parse charm metadata"},
		{name, "options: {a: {type: list}}", "", `cannot use option "a": unknown type "list"`},
		{name, "options: {a: {type: int, default: x}}", "", `cannot use default of option "a": expected int, got x`},
		{name, "options: {a: {type: float, default: .inf}}", "", `cannot use default of option "a": expected float`},
		{name, "options: {'': {type: int}}", "", `cannot use option name ""`},
		{name, "", "Restart: {}", `cannot use action name "Restart"`},
		{name, "", "juju-run: {}", `cannot use action name "juju-run"`},
		{name, "", "restart: [x]", `cannot parse action "restart"`},
		{name, "", "restart: {params: x}", "params must be a map"},
		{name, "", "restart: {params: {a: x}}", `parameter "a": must be a map`},
		{name, "", "restart: {params: {a: {type: text}}}", `parameter "a": unknown type text`},
		{name, "", "restart: {params: {a: {type: integer, default: x}}}", "default must be of type integer"},
		{name, "", "restart: {required: a}", "required must be a list"},
		{name, "", "restart: {additionalProperties: maybe}", "additionalProperties must be true or false"},
		{name + strings.Repeat(" ", maxYAML), "", "", "cannot parse charm metadata: larger than"},
	} {
		_, err := ParseCharm([]byte(test.metadata), []byte(test.config), []byte(test.actions))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.40q %q %q: got error %v, want %q", test.metadata, test.config, test.actions, err, test.want)
		}
	}
}

func TestCheckParams(t *testing.T) {
	charm, err := ParseCharm([]byte("name: probe"), nil, []byte(`
closed: {}
open: {additionalProperties: true}
typed:
  required: [name]
  params:
    name: {type: string}
    count: {type: integer, minimum: 1, maximum: 9}
    ratio: {type: number}
    list: {type: array, items: {type: string}}
    map: {type: object, properties: {a: {type: boolean}}, additionalProperties: false}
    any: {}
`))
	if err != nil {
		t.Fatal(err)
	}
	type params = map[string]any
	for _, test := range []struct {
		action string
		params params
		want   string
	}{
		{"closed", nil, ""},
		{"closed", params{"a": 1}, `does not take "a"`},
		{"open", params{"a": 1}, ""},
		{"typed", nil, `needs "name"`},
		{"typed", params{"name": "x"}, ""},
		{"typed", params{"name": 1}, `"name" must be of type string`},
		{"typed", params{"name": "x", "count": 3}, ""},
		{"typed", params{"name": "x", "count": 3.0}, ""},
		{"typed", params{"name": "x", "count": 3.5}, `"count" must be of type integer`},
		{"typed", params{"name": "x", "count": 0}, `"count" must be at least 1`},
		{"typed", params{"name": "x", "count": 10}, `"count" must be at most 9`},
		{"typed", params{"name": "x", "ratio": 1}, ""},
		{"typed", params{"name": "x", "ratio": 1.5}, ""},
		{"typed", params{"name": "x", "list": []any{"a", "b"}}, ""},
		{"typed", params{"name": "x", "list": []any{"a", 1}}, `"list"[1] must be of type string`},
		{"typed", params{"name": "x", "map": params{"a": true}}, ""},
		{"typed", params{"name": "x", "map": params{"b": true}}, `does not take "b"`},
		{"typed", params{"name": "x", "any": nil}, ""},
	} {
		err := charm.Actions[test.action].Check(test.params)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %v: got error %v, want %q", test.action, test.params, err, test.want)
		}
	}
}

func TestLoadCharm(t *testing.T) {
	charmcraft := probeMetadata + "config:\n" + indent(probeConfig) + "actions:\n" + indent(probeActions)
	for name, files := range map[string]map[string]string{
		"three files": {"metadata.yaml": probeMetadata, "config.yaml": probeConfig, "actions.yaml": probeActions},
		"one file":    {"charmcraft.yaml": charmcraft},
	} {
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := LoadCharm(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := probe(t)
		want.Dir = dir
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Action{}, schema{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := LoadCharm(t.TempDir()); err == nil {
		t.Error("an empty directory was loaded as a charm")
	}
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") + "\n" }

// FuzzParseCharm: any YAML is parsed or refused, and what is parsed makes a model
// that runs.
func FuzzParseCharm(f *testing.F) {
	f.Add([]byte(probeMetadata), []byte(probeConfig), []byte(probeActions))
	f.Add([]byte("name: a\npeers: {b: c}"), []byte("options: {a: {default: 1, type: float}}"), []byte("a: {params: {b: {enum: [1, [2]]}}}"))
	f.Add([]byte("name: a\nactions: {b: }\nconfig: {options: }"), []byte("{}"), []byte("a: &a {params: {b: *a}}"))
	f.Fuzz(func(t *testing.T, metadata, config, actions []byte) {
		charm, err := ParseCharm(metadata, config, actions)
		if err != nil {
			return
		}
		m := New(charm, Options{AutoElect: true})
		unit := m.AddUnit()
		for _, name := range sortedKeys(charm.Actions) {
			if _, err := m.EnqueueAction(unit, name, nil); err != nil && charm.Actions[name].Check(nil) == nil {
				t.Errorf("action %q is refused: %v", name, err)
			}
		}
		for range 100 {
			h, err := m.Begin(unit)
			if err != nil {
				break
			}
			for _, r := range m.Relations() {
				h.Tool("relation-get", []string{"-r", r.Key, "-", unit}, nil, false)
			}
			if r, err := h.Tool("config-get", []string{"--format=json"}, nil, false); err != nil || r.Code != 0 {
				t.Fatalf("config-get: %v, %s", err, r.Stderr)
			}
			if err := h.Finish(0); err != nil {
				t.Fatal(err)
			}
		}
		if run, ok := m.Next(unit); ok {
			t.Errorf("never settles: %s waits", run)
		}
		m.AppendFingerprint(nil)
	})
}
