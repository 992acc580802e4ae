package processfaults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"rolling-ops/internal/jujusim/agent"
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
	if err := buildCharm(dir); err != nil {
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

func buildCharm(dir string) error {
	for _, program := range []string{"dispatch", "worker"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, program), "rolling-ops/cmd/"+program)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", program, err, out)
		}
	}
	for _, file := range []string{"metadata.yaml", "config.yaml", "actions.yaml"} {
		if err := copyFile(filepath.Join("..", "..", file), filepath.Join(dir, file), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, mode)
}
