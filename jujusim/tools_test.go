package jujusim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestFiles: --file and --output go through the options, relative to Dir.
func TestFiles(t *testing.T) {
	files := map[string]string{"/charm/in.yaml": "a: b\n"}
	m := newModel(t, 1, Options{
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		},
		WriteFile: func(path string, data []byte) error {
			files[path] = string(data)
			return nil
		},
	})
	if _, err := m.EnqueueExec("probe/0", "x"); err != nil {
		t.Fatal(err)
	}
	h, err := m.Begin("probe/0")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
	}{
		{"relation-set -r 0 --file in.yaml", 0},
		{"relation-set -r 0 --file /charm/in.yaml", 0},
		{"relation-set -r 0 --file nosuch", 1},
		{"relation-get -r 0 -o out a probe/0", 0},
		{"is-leader --output=/tmp/leader --format json", 0},
	} {
		words := strings.Fields(test.args)
		r, err := h.Call(Request{Dir: "/charm", Command: words[0], Args: words[1:]})
		if err != nil || r.Code != test.code || len(r.Stdout) > 0 {
			t.Errorf("%s: code %d, stdout %q, stderr %q, error %v", test.args, r.Code, r.Stdout, r.Stderr, err)
		}
	}
	want := map[string]string{"/charm/in.yaml": "a: b\n", "/charm/out": "b\n", "/tmp/leader": "true\n"}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestPromise: is-leader's promise runs out by the model's clock.
func TestPromise(t *testing.T) {
	now := time.Unix(1000, 0)
	m := newModel(t, 2, Options{Now: func() time.Time { return now }})
	if _, err := m.EnqueueExec("probe/0", "x"); err != nil {
		t.Fatal(err)
	}
	h, err := m.Begin("probe/0")
	if err != nil {
		t.Fatal(err)
	}
	if !h.IsLeader() || !m.PromisedUntil().Equal(now.Add(LeasePromise)) {
		t.Errorf("the promise holds until %v", m.PromisedUntil())
	}
	now = now.Add(10 * time.Second)
	if !h.IsLeader() || !m.PromisedUntil().Equal(now.Add(LeasePromise)) {
		t.Errorf("asked again, the promise holds until %v", m.PromisedUntil())
	}
	if err := m.SetLeader("probe/1"); err != nil {
		t.Fatal(err)
	}
	if h.IsLeader() || !m.PromisedUntil().IsZero() {
		t.Errorf("nobody asked the new leader, who is promised until %v", m.PromisedUntil())
	}
}

// TestReadSettings: what --file holds is YAML, even when it looks like JSON.
func TestReadSettings(t *testing.T) {
	for _, test := range []struct {
		data string
		want map[string]string // nil for an error
	}{
		{"", map[string]string{}},
		{"{}", map[string]string{}},
		{"null", map[string]string{}},
		{"a: b\nc: 1\nd: true\ne:\n", map[string]string{"a": "b", "c": "1", "d": "true", "e": ""}},
		{`{"a":"b","c":1,"d":null}`, map[string]string{"a": "b", "c": "1", "d": ""}},
		{`{"a":"[\"{\\\"b\\\"}\"]"}`, map[string]string{"a": `["{\"b\"}"]`}},
		{`{"a":"\u003c\u00e9 é"}`, map[string]string{"a": "<é é"}},
		{`{"a":"\ud83d\ude00"}`, nil}, // JSON's surrogate pairs are no YAML
		{"{\"a\":\"\x7f\"}", nil},     // nor is a bare DEL
		{`{"a":["b"]}`, nil},
		{`["a"]`, nil},
		{`{"a":`, nil},
	} {
		got, err := readSettings([]byte(test.data))
		if (err != nil) != (test.want == nil) || err == nil && !cmp.Equal(got, test.want) {
			t.Errorf("%q: got %v, %v, want %v", test.data, got, err, test.want)
		}
	}
}

// TestFormatJSON: hook tools print JSON exactly as encoding/json does.
func TestFormatJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bag := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "bag")
		list := rapid.SliceOf(rapid.String()).Draw(t, "list")
		if list == nil {
			list = []string{}
		}
		for _, value := range []any{bag, list} {
			want, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			got, err := formatJSON(value)
			if err != nil || string(got) != string(want)+"\n" {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
	})
}
