package hooktool

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// TestEncodeSettings checks that YAML, which Juju reads, and JSON give the very values back.
func TestEncodeSettings(t *testing.T) {
	var everyRune strings.Builder
	for r := rune(0); r < 0x11000; r++ {
		if r < 0xd800 || r > 0xdfff {
			everyRune.WriteRune(r)
		}
	}
	cases := []struct {
		name   string
		values kv
	}{
		{"one", kv{"state": "idle"}},
		{"several", kv{"b": "2", "a": "1", "c": ""}},
		{"looks like something else", kv{"a": "1", "b": "true", "c": "null", "d": "- x", "e": "{", "f": "# x", "g": "~", "no": "y", "<<": "x"}},
		{"space matters", kv{"a": " x ", "b": "\tx\n\n", "c": "x\r\ny"}},
		{"odd keys", kv{"a b": "1", "a: b": "2", "\n": "3", `"`: "4", strings.Repeat("k", maxKey-2): "5"}},
		{"every rune", kv{"a": everyRune.String(), "b": "\U0001f600\U0010ffff"}},
		{"large", kv{"a": strings.Repeat("0123456789 ", 200_000)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			encoded, err := encodeSettings(c.values)
			if err != nil {
				t.Fatal(err)
			}
			var fromYAML, fromJSON kv
			if err := yaml.Unmarshal(encoded, &fromYAML); err != nil {
				t.Error(err)
			}
			if err := json.Unmarshal(encoded, &fromJSON); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.values, fromYAML); diff != "" {
				t.Errorf("YAML (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.values, fromJSON); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeSettingsRefuses(t *testing.T) {
	cases := []struct {
		name   string
		values kv
		want   string
	}{
		{"no key", kv{"": "x"}, "a key is empty"},
		{"key not UTF-8", kv{"\xff": "x"}, `key "�" or its value is not valid UTF-8`},
		{"value not UTF-8", kv{"a": "\xffx"}, `key "a" or its value is not valid UTF-8`},
		{"key too long", kv{strings.Repeat("k", maxKey-1): "x"}, `key "` + strings.Repeat("k", 59) + `[...]" is too long`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := encodeSettings(c.values); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			err := New(answering("")).RelationSet(t.Context(), "restart:0", c.values)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot run relation-set -r restart:0 --file - ") {
				t.Errorf("relation-set: %v", err)
			}
		})
	}
}
