package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rolling-ops/tests/simulation/world"
)

// TestVerificationIsUpToDate checks that docs/verification.md tells of every
// step, fault and mutant.
func TestVerificationIsUpToDate(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "verification.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[strings.TrimSpace(cells[1])] = line
		}
	}
	expect := func(name string, says ...string) {
		for _, text := range says {
			if !strings.Contains(rows[name], "| "+text+" |") {
				t.Errorf("%s: want a row that says %q, got %q", name, text, rows[name])
			}
		}
	}
	for name, v := range world.Verbs {
		usage := name
		if v.OnUnit {
			usage += " UNIT"
		}
		expect("`"+usage+"`", v.Help)
	}
	for _, f := range world.Faults {
		expect(f.Name, f.Matters)
	}
	for _, m := range mutants {
		expect(m.name, m.breaks)
	}
}
