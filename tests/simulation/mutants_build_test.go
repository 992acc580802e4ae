package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/tests/simulation/world"
)

// mutantVariable is the environment variable that turns a mutant on, in a test
// binary that has them.
const mutantVariable = "ROLLINGOPS_MUTANT"

var flagSearch = flag.Bool("search", false, "mutants: look for schedules for those that have none")

// mutated is the mutant that is on.
var mutated = os.Getenv(mutantVariable)

// TestMutants builds this test with all mutants, each behind a switch that only
// this binary has, and expects each of them to be caught: by the schedule that
// is kept for it, and by random ones. With -search it looks for schedules for
// the mutants that have none yet.
func TestMutants(t *testing.T) {
	if mutated != "" {
		return // this is the binary with the mutants
	}
	binary := buildMutants(t)
	if out, caught := runMutant(t, binary, "", "TestSimulation|TestReplay", "-seed=1", "-seeds=25"); caught {
		t.Fatalf("without a mutant:\n%s", out)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join("testdata", "mutants", m.name+".txt")
			if _, err := os.Stat(file); *flagSearch && errors.Is(err, fs.ErrNotExist) {
				m.search(t, binary, file)
			}
			if w, broken := replayQuietly(t, file); broken != "" {
				t.Errorf("%s breaks an invariant without the mutant: %s\n%s", file, broken, w.Summary())
			}
			t.Setenv("SCHEDULE", file)
			out, caught := runMutant(t, binary, m.name, "TestReplay")
			if !caught {
				t.Errorf("%s does not catch it any more:\n%s", file, out)
			}
			t.Logf("%s\n%s\n%s", m.breaks, file, brokenLine(out))
			if m.seeds == 0 {
				return
			}
			if out, caught = runMutant(t, binary, m.name, "TestSimulation", "-seed=1", fmt.Sprint("-seeds=", m.seeds), "-shrink=false"); !caught {
				t.Errorf("not caught by %d random schedules:\n%s", m.seeds, out)
			}
			t.Logf("random schedules: %s", brokenLine(out))
		})
	}
}

// buildMutants builds the test binary with the mutants and returns its path.
func buildMutants(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	replace := make(map[string]string)
	put := func(name, text string) {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, name)] = path
	}
	for _, folder := range mutatedFolders() {
		put(folder+"/mutant.go", fmt.Sprintf(`package %s

import "os"

var mutated = os.Getenv(%q)

func mutant(name string) bool { return name == mutated }
`, filepath.Base(folder), mutantVariable))
	}
	for name, text := range mutatedFiles(t, root) {
		put(name, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutants.test")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlayFile, "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the mutants: %v\n%s", err, out)
	}
	return binary
}

// mutatedFolders are the packages that have mutants.
func mutatedFolders() []string {
	folders := make(map[string]bool)
	for _, m := range mutants {
		folders[filepath.Dir(m.file)] = true
	}
	return slices.Collect(maps.Keys(folders))
}

// mutatedFiles are the files of the product with the mutants in them. Where one
// of them has no place any more, the test fails: it has to be brought up to date
// or given up with a reason.
func mutatedFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	original, files := make(map[string]string), make(map[string]string)
	for _, m := range mutants {
		if _, ok := original[m.file]; !ok {
			text, err := os.ReadFile(filepath.Join(root, m.file))
			if err != nil {
				t.Fatal(err)
			}
			original[m.file], files[m.file] = string(text), string(text)
		}
		if n := strings.Count(original[m.file], m.before); n != 1 {
			t.Fatalf("mutant %s: its place is %d times in %s: %s", m.name, n, m.file, m.before)
		}
		switched := fmt.Sprintf("if mutant(%q) {\n%s\n}\n%s", m.name, m.code, m.before)
		files[m.file] = strings.Replace(files[m.file], m.before, switched, 1)
	}
	return files
}

// runMutant runs tests of the binary with a mutant on. It is caught if they
// find an invariant broken; whatever else goes wrong fails the test.
func runMutant(t *testing.T, binary, mutant, tests string, args ...string) (out string, caught bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.v", "-test.run", "^(" + tests + ")$"}, args...)...)
	cmd.Env = append(os.Environ(), mutantVariable+"="+mutant)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !strings.Contains(string(text), invariantBroken)) {
		t.Fatalf("%s with mutant %q: %v\n%s", tests, mutant, err, text)
	}
	return string(text), err != nil
}

var brokenLines = regexp.MustCompile(regexp.QuoteMeta(invariantBroken) + `.*(\n\s*seed \d+)?`)

// brokenLine is what a run says of the invariant.
func brokenLine(out string) string {
	return strings.Join(strings.Fields(brokenLines.FindString(out)), " ")
}

// search looks for a random schedule that catches the mutant, and keeps what it
// can be shortened to.
func (m mutant) search(t *testing.T, binary, file string) {
	t.Helper()
	out, caught := runMutant(t, binary, m.name, "TestSimulation", "-seed=1", "-seeds=5000")
	if !caught {
		t.Fatalf("%s is not caught by 5000 random schedules", m.name)
	}
	_, schedule, _ := strings.Cut(out, strings.TrimSpace(scheduleFollows))
	schedule, _, _ = strings.Cut(schedule, "---")
	lines := []string{"# Mutant " + m.name, "# " + m.breaks}
	for line := range strings.Lines(schedule) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replayQuietly runs a schedule, impossible steps left out.
func replayQuietly(t *testing.T, file string) (*world.World, world.Violation) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return world.Replay(string(script), func(string) {})
}
