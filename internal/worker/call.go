package worker

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rolling-ops/internal/text"

	"golang.org/x/sys/unix"
)

// maxStderr is how many bytes of what a failed call said are told.
const maxStderr = 512

// call has the unit's agent run the hook and waits until it has run. When ctx
// is done juju-exec is killed; a hook that runs already is the agent's matter.
func (w *worker) call(ctx context.Context) error {
	program, err := w.runCmd()
	if err != nil {
		return err
	}
	stderr := text.Tail{Limit: maxStderr}
	cmd := exec.CommandContext(ctx, program, "-u", w.Unit, hookCommand(w.CharmDir))
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stderr = &stderr
	// A group of its own, so that nothing which it started is left behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	// Should the hook leave a child that holds stderr: do not wait for it.
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if err != nil && cmd.ProcessState != nil && cmd.ProcessState.Success() {
		return nil
	}
	if said := stderr.String(); err != nil && said != "" {
		return fmt.Errorf("%s: %w: %s", program, err, said)
	} else if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}

// runCmd finds the program that runs a command in a unit's context. It is
// looked for at each call, as an upgrade of the agent may replace it.
func (o Options) runCmd() (string, error) {
	if o.RunCmd != "" {
		return o.RunCmd, nil
	}
	// Juju 2.9 has juju-run only. /usr/bin need not be on PATH.
	for _, name := range []string{"juju-exec", "/usr/bin/juju-exec", "juju-run", "/usr/bin/juju-run"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("found neither juju-exec nor juju-run")
}

// hookCommand returns the shell command that runs the hook.
func hookCommand(charmDir string) string {
	return "JUJU_DISPATCH_PATH=hooks/" + Hook + " " + quote(filepath.Join(charmDir, "dispatch"))
}

// quote returns s as one word for sh.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r)
	}
	if strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
