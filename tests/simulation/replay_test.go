package simulation

import (
	"os"
	"testing"

	"rolling-ops/tests/simulation/world"
)

// TestReplay runs a schedule that a failing test has printed and shows what it
// does: SCHEDULE=FILE go test ./tests/simulation -run TestReplay -v. Without
// SCHEDULE it runs those in testdata/schedules, which once broke something.
func TestReplay(t *testing.T) {
	if file := os.Getenv("SCHEDULE"); file != "" {
		replayFile(t, file, t.Log)
		return
	}
	files, err := os.ReadDir("testdata/schedules")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			if w := replayFile(t, "testdata/schedules/"+file.Name(), func(...any) {}); w.Skipped > 0 {
				t.Errorf("%d steps of the schedule are impossible", w.Skipped)
			}
		})
	}
}

// replayFile runs a schedule that has to break nothing.
func replayFile(t *testing.T, file string, report func(...any)) *world.World {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, broken := world.Replay(string(data), func(line string) { report(line) })
	if broken != "" {
		t.Fatalf("%s%s\n%s", invariantBroken, broken, w.Summary())
	}
	return w
}

// invariantBroken begins the report of a broken invariant.
const invariantBroken = "an invariant is broken: "
