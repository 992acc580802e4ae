package agent

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a running dispatch or juju-exec command, in a process group of
// its own.
type process struct {
	cmd *exec.Cmd

	mu    sync.Mutex
	ended bool
}

// start runs argv with exactly the environment env. As on a real unit stdin
// is empty. The process counts as running until nobody holds its stdout or
// stderr open any more.
func start(argv []string, dir string, env []string, stdout, stderr io.Writer) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stdout = stdout
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", argv[0], err)
	}
	return &process{cmd: cmd}, nil
}

// wait returns how the process ended and what it took. Killed is true if that
// was by a signal; code is then 128 and its number, as a shell has it.
func (p *process) wait() (code int, killed bool) {
	err := p.cmd.Wait()
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, false
	case !errors.As(err, &exit):
		return 1, false
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), true
	}
	return exit.ExitCode(), false
}

// cost returns the CPU time and the memory of the process that has ended and
// those that it waited for.
func (p *process) cost() (cpu time.Duration, maxRSS int64) {
	state := p.cmd.ProcessState
	if state == nil {
		return 0, 0
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		maxRSS = usage.Maxrss * 1024
	}
	return state.UserTime() + state.SystemTime(), maxRSS
}

// pgid is the id of the process group.
func (p *process) pgid() int { return p.cmd.Process.Pid }

// signal sends sig to the process group.
func (p *process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return errors.New("cannot signal: the process has ended")
	}
	if err := syscall.Kill(-p.pgid(), sig); err != nil {
		return fmt.Errorf("cannot signal process group %d: %w", p.pgid(), err)
	}
	return nil
}
