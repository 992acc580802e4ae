package jujusim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// FuzzTools calls a hook tool with any arguments (a NUL between two) and any
// stdin, in an action and outside of one. It answers as Juju's do, asks for
// stdin once at most, writes the databags of its unit alone, and what it commits
// a hook can read.
func FuzzTools(f *testing.F) {
	for _, seed := range []struct{ tool, args, stdin string }{
		{"relation-set", "-r\x00restart:0\x00--file\x00-", `{"a": "b", "c": ""}`},
		{"relation-set", "--app\x00-r0\x00a=b\x00c= d ", ""},
		{"relation-get", "-r\x000\x00--format=json\x00-\x00probe/0", ""},
		{"relation-get", "--app\x00--\x00-\x00probe", ""},
		{"relation-list", "--format=yaml\x00--output=x", ""},
		{"goal-state", "--format=json", ""},
		{"config-get", "-a\x00--format\x00smart", ""},
		{"status-set", "--application\x00active\x00ok", ""},
		{"state-set", "--file=-\x00k=v", "k: [1]"},
		{"action-set", "a.b.c=1\x00a.b=2\x00a=3", ""},
		{"action-get", "x.y.z", ""},
		{"open-port", "80-90/tcp\x00--endpoints=a,b", ""},
		{"juju-log", "-l\x00ERROR\x00--\x00-x", ""},
		{"network-get", "restart\x00--bind-address", ""},
	} {
		f.Add(uint8(slices.Index(Tools(), seed.tool)), seed.args, []byte(seed.stdin), true)
	}
	base := newModel(f, 2, Options{ReadFile: func(string) ([]byte, error) { return []byte("{}"), nil },
		WriteFile: func(string, []byte) error { return nil }})
	f.Fuzz(func(t *testing.T, tool uint8, args string, stdin []byte, action bool) {
		m := base.Clone()
		start := func() error { _, err := m.EnqueueExec("probe/0", "x"); return err }
		if action {
			start = func() error { _, err := m.EnqueueAction("probe/0", "restart", nil); return err }
		}
		if err := start(); err != nil {
			t.Fatal(err)
		}
		h, err := m.Begin("probe/0")
		if err != nil {
			t.Fatal(err)
		}
		other := m.UnitDatabag(0, "probe/1")
		name := Tools()[int(tool)%len(Tools())]
		words := strings.Split(args, "\x00")
		r, err := h.Call(Request{Dir: "/", Command: name, Args: words})
		if err == ErrNoStdin {
			r, err = h.Call(Request{Dir: "/", Command: name, Args: words, Stdin: stdin, StdinSet: true})
		}
		if err != nil {
			t.Fatalf("%s %q: %v", name, words, err)
		}
		if r.Code < 0 || r.Code > 2 || (r.Code > 0) != strings.Contains(string(r.Stderr), "ERROR ") {
			t.Errorf("%s %q: code %d, stderr %q", name, words, r.Code, r.Stderr)
		}
		if slices.Equal(words, []string{"--format=json"}) && r.Code == 0 && !json.Valid(r.Stdout) {
			t.Errorf("%s: no JSON: %q", name, r.Stdout)
		}
		rebooted := h.Over() != nil // by juju-reboot --now
		if err := h.Finish(0); err != nil && !rebooted {
			t.Fatal(err)
		}
		if diff := cmp.Diff(other, m.UnitDatabag(0, "probe/1")); diff != "" {
			t.Errorf("another unit's databag has changed: %s", diff)
		}
		readable(t, m)
	})
}

// readable reads what was committed as another unit does.
func readable(t *testing.T, m *Model) {
	t.Helper()
	if _, err := m.EnqueueExec("probe/1", "x"); err != nil {
		t.Fatal(err)
	}
	h, err := m.Begin("probe/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-r", "0", "--format=json", "-", "probe/0"}, {"-r", "0", "--format=json", "--app", "-", "probe"}} {
		var bag map[string]string
		r, err := h.Tool("relation-get", args, nil, false)
		if err != nil || r.Code != 0 {
			t.Fatalf("relation-get %q: %v, %s", args, err, r.Stderr)
		}
		if err := json.Unmarshal(r.Stdout, &bag); err != nil {
			t.Errorf("relation-get %q: %v", args, err)
		}
	}
}

// FuzzReadSettings: a databag read the fast way, as JSON, is what YAML makes of
// it; and what is read can be written and read again.
func FuzzReadSettings(f *testing.F) {
	for _, seed := range []string{`{"a": "b"}`, "a: b\nc: 1", "{\"a\":\n \"\\n\\\"\"}", "null", "- a", "{a: ~}", `{"a": "b", "a": "c"}`, "a: &x {}", "{\"a\":null}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := readSettings(data)
		if err != nil {
			return
		}
		if plainJSON(data) {
			var slow map[string]string
			if err := yaml.Unmarshal(data, &slow); err == nil && len(slow)+len(settings) > 0 {
				if diff := cmp.Diff(slow, settings); diff != "" {
					t.Errorf("%q (-YAML +JSON):\n%s", data, diff)
				}
			}
		}
		for key, value := range settings {
			if !utf8.ValidString(key + value) {
				return // JSON has no way to write it
			}
		}
		written, err := format("json", settings)
		if err != nil {
			t.Fatal(err)
		}
		var again map[string]string
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(settings, again); diff != "" {
			t.Errorf("%q (-read +read again):\n%s", data, diff)
		}
	})
}
