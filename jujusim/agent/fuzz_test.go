package agent

import (
	"path/filepath"
	"strings"
	"testing"

	"rolling-ops/internal/unitname"
)

// FuzzParseExec: whatever juju-exec is called with (a NUL between two
// arguments), the unit that it names has its directory among those of the units.
func FuzzParseExec(f *testing.F) {
	for _, seed := range []string{
		"-u\x00gate/0\x00echo hi", "unit-gate-0\x00echo\x00it's", "gate/0", "-u", "--relation=gate:7\x00-u\x00gate/0\x00true",
		"-u\x00../../etc/0\x00true", "--remote-unit\x00a/1\x00--force-remote-unit\x00a/0\x00--\x00-x", "-u\x00unit-a-b-1-0\x00x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		req, err := parseExec(strings.Split(text, "\x00"))
		if err != nil {
			return
		}
		dir := filepath.Join("/m/agents", unitTag(req.UnitName))
		if filepath.Dir(dir) != "/m/agents" || !unitname.Valid(req.UnitName) {
			t.Errorf("unit %q", req.UnitName)
		}
		if again, err := parseUnit(unitTag(req.UnitName)); err != nil || again != req.UnitName {
			t.Errorf("the tag of %q is that of %q: %v", req.UnitName, again, err)
		}
	})
}
