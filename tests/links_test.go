// Package tests checks properties of the project as a whole.
package tests

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"rolling-ops/tests/product"
)

// links returns the packages from which what go list's arguments mean is linked.
func links(t *testing.T, args ...string) []string {
	t.Helper()
	root, err := product.Watch()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"list", "-deps"}, args...)...)
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot list what %q link: %v\n%s", args, err, stderr.String())
	}
	return strings.Fields(string(out))
}

// within reports whether a package is the one of that path, or below it.
func within(pkg, path string) bool {
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}

// TestLinks checks that no program is linked from packages that it must not be:
// Juju's, which are under the AGPL and would put the charm under it as well, and
// what makes dispatch, which runs for every event, large and slow to start.
func TestLinks(t *testing.T) {
	for _, test := range []struct {
		what     string
		mustLink string // shows that the list is the one meant
		mustNot  []string
	}{
		{"./cmd/dispatch", "rolling-ops/internal/charm", []string{
			"github.com/juju/juju", "github.com/spf13/cobra", "github.com/spf13/pflag", "gopkg.in/yaml.v3", "crypto/tls", "html/template",
			"net/http", "net/rpc", "testing", "rolling-ops/jujusim",
		}},
		{"./roll", "rolling-ops/internal/unit", []string{
			"github.com/juju/juju", "github.com/spf13/cobra", "github.com/spf13/pflag", "gopkg.in/yaml.v3", "crypto/tls", "html/template",
			"net/http", "net/rpc", "testing", "rolling-ops/jujusim", "rolling-ops/internal/charm",
		}},
		{"./cmd/worker", "rolling-ops/internal/worker", []string{"github.com/juju/juju", "net/http", "testing"}},
		// What the simulation checks the library by shares the codec with it, no more.
		{"./tests/simulation/invariant", "rolling-ops/internal/codec", []string{
			"rolling-ops/internal/rollingops", "rolling-ops/internal/charm", "rolling-ops/internal/worker", "rolling-ops/jujusim", "rolling-ops/hooktool",
		}},
		{"-test ./...", "rolling-ops/internal/rollingops", []string{"github.com/juju/juju"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			packages := links(t, strings.Fields(test.what)...)
			if !slices.Contains(packages, test.mustLink) {
				t.Errorf("does not link %s", test.mustLink)
			}
			for _, pkg := range packages {
				if i := slices.IndexFunc(test.mustNot, func(path string) bool { return within(pkg, path) }); i >= 0 {
					t.Errorf("links %s", pkg)
				}
			}
		})
	}
}
