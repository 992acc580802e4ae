package charm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"rolling-ops/internal/text"

	"golang.org/x/sys/unix"
)

// Commands runs programs of the machine.
type Commands interface {
	// Run runs a program to its end, without a shell. When limit is over or
	// ctx is done, it and all that it started are killed, in whatever session;
	// the program itself does not outlive this process either. What a program
	// that ended leaves behind, such as a daemon, is left alone. It returns the end of what the
	// program wrote. Any exit code but 0 is an error.
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
	output := text.Tail{Limit: maxOutput}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &output, &output
	// Should dispatch be killed, so is the program: it must not go on when the
	// unit has no more to do with the lock. The kernel does that at the end of the
	// thread that started the program, which this keeps from ending early.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	// A program may leave a daemon behind that keeps the output open.
	cmd.WaitDelay = 100 * time.Millisecond
	known := map[int]bool{}
	adopts := adoptOrphans() == nil // else the process group is all that is killed
	if adopts {
		known = children()
	}
	err := cmd.Run()
	if adopts && ctx.Err() != nil {
		killOrphans(known, time.Second)
	}
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return output.String(), nil
	case ctx.Err() != nil:
		return output.String(), context.Cause(ctx)
	}
	return output.String(), err
}
