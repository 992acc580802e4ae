package tests

import (
	"archive/zip"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/tests/product"
)

// maxExampleLines is how long the dispatch of an example may be, imports apart:
// the library has to be worth it.
const maxExampleLines = 60

// TestExamples builds, packs and rolls the charms that authors copy, as they
// would: each is a module of its own.
func TestExamples(t *testing.T) {
	root, err := product.Watch()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		files []string // of the charm
	}{
		{"config", []string{"config.yaml", "dispatch", "manifest.yaml", "metadata.yaml"}},
		{"minimal", []string{"actions.yaml", "dispatch", "manifest.yaml", "metadata.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, out := filepath.Join(root, "examples", test.name), t.TempDir()
			if lines := codeLines(t, filepath.Join(dir, "main.go")); lines > maxExampleLines {
				t.Errorf("main.go has %d lines besides imports and comments in front, more than %d", lines, maxExampleLines)
			}
			command(t, dir, "go", "vet", "./...")
			command(t, dir, "go", "test", "-count=1", "./...")
			command(t, dir, "go", "run", "rolling-ops/cmd/charmpack", "-name", test.name, "-out", out)
			charm, err := zip.OpenReader(filepath.Join(out, test.name+"_"+runtime.GOARCH+".charm"))
			if err != nil {
				t.Fatal(err)
			}
			defer charm.Close()
			modes := map[string]os.FileMode{}
			for _, f := range charm.File {
				modes[f.Name] = f.Mode()
			}
			if diff := cmp.Diff(test.files, slices.Sorted(maps.Keys(modes))); diff != "" {
				t.Error(diff)
			}
			if modes["dispatch"] != 0o755 {
				t.Errorf("dispatch has mode %v", modes["dispatch"])
			}
		})
	}
}

func command(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// codeLines counts the lines of a Go file that follow its imports, without blank
// ones.
func codeLines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	imports := file.Decls[len(file.Decls)-1].(*ast.GenDecl)
	code := strings.Split(string(text), "\n")[files.Position(imports.End()).Line:]
	return len(slices.DeleteFunc(code, func(line string) bool { return strings.TrimSpace(line) == "" }))
}
