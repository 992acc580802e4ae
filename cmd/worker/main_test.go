package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be the program when it is started as "worker".
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "worker" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "worker")
	if err := os.Symlink(test, program); err != nil {
		t.Fatal(err)
	}
	jujuExec := filepath.Join(dir, "juju-exec")
	script := "#!/bin/sh\necho \"$@\" > " + dir + "/called\n"
	if err := os.WriteFile(jujuExec, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   string
		ok     bool
		stderr string // what standard error has to contain
		called string
	}{
		{"--unit-name app/0 --charm-dir DIR --state-dir DIR/state --run-cmd DIR/juju-exec --delay 1ms", true,
			"the hook has run", "-u app/0 JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted DIR/dispatch\n"},
		{"--unit-name app/0 --charm-dir DIR/gone --state-dir DIR/state", true, "the charm directory is gone", ""},
		{"--unit-name app/0 --charm-dir DIR", false, `state directory "" is not an absolute path`, ""},
		{"--charm-dir DIR", false, `invalid unit name ""`, ""},
		{"--unit-name app/0", false, `charm directory "" is not an absolute path`, ""},
		{"--delay soon", false, "invalid argument", ""},
		{"--unknown", false, "unknown flag", ""},
		{"argument", false, "unknown command", ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			expand := strings.NewReplacer("DIR", dir)
			called := filepath.Join(dir, "called")
			_ = os.Remove(called)
			cmd := exec.Command(program, strings.Fields(expand.Replace(test.args))...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); (err == nil) != test.ok {
				t.Errorf("ended with %v, want ok=%t", err, test.ok)
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("standard error has no %q:\n%s", test.stderr, &stderr)
			}
			got, _ := os.ReadFile(called)
			if want := expand.Replace(test.called); string(got) != want {
				t.Errorf("juju-exec got %q, want %q", got, want)
			}
		})
	}
}
