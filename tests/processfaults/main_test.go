package processfaults

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"rolling-ops/jujusim/agent"
	"rolling-ops/tests/product"
)

// The test program is also the hook tools, juju-exec and the health check of the
// units in it.
func TestMain(m *testing.M) {
	switch {
	case filepath.Base(os.Args[0]) == witnessProgram:
		os.Exit(witnessMain(os.Args[0]))
	case agent.IsTool(os.Args[0]):
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(toolMain(os.Args))
	}
	// Tests spend most of their time waiting for pauses.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "charm")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := product.Charm(dir); err != nil {
		return 1, err
	}
	charmDir = dir
	code := m.Run()
	if code != 0 {
		return code, nil
	}
	return 0, goleak.Find()
}

// charmDir is the charm under test, as a directory like a unit's.
var charmDir string
