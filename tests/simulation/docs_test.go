package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	for name, v := range verbs {
		usage := name
		if v.onUnit {
			usage += " UNIT"
		}
		expect("`"+usage+"`", v.help)
	}
	for _, f := range faults {
		expect(f.name, f.matters)
	}
	for _, m := range mutants {
		expect(m.name, m.breaks)
	}
}
