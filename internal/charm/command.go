package charm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Commands runs programs of the machine.
type Commands interface {
	// Run runs a program to its end, without a shell. When limit is over or
	// ctx is done, it and all that it started are killed. It returns the end
	// of what the program wrote. Any exit code but 0 is an error.
	Run(ctx context.Context, limit time.Duration, argv ...string) (output string, err error)
}

// maxOutput is how many bytes of a program's output are kept: its end, where
// the reason of a failure is.
const maxOutput = 4096

// Programs is the Commands of the machine that it runs on.
type Programs struct{}

// Run implements Commands.
func (Programs) Run(ctx context.Context, limit time.Duration, argv ...string) (string, error) {
	timeout := fmt.Errorf("took longer than %s", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, timeout)
	defer cancel()
	var output tail
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	// A program may leave a daemon behind that keeps the output open.
	cmd.WaitDelay = 100 * time.Millisecond
	err := cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return output.String(), nil
	case ctx.Err() != nil:
		return output.String(), context.Cause(ctx)
	}
	return output.String(), err
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-maxOutput):]...)
	t.kept = t.kept[max(0, len(t.kept)-maxOutput):]
	return len(p), nil
}

func (t *tail) String() string {
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
}
