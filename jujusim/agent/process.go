package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// outputPatience is how long the agent waits for the rest of a hook's output
// when its process has ended: a child of it may hold the pipe open for ever.
const outputPatience = 100 * time.Millisecond

// process is a running dispatch or juju-exec command, in a process group of
// its own.
type process struct {
	cmd     *exec.Cmd
	outputs []*output

	mu    sync.Mutex
	ended bool
}

// start runs argv with exactly the environment env. As on a real unit stdin
// is empty. The process counts as running until it has ended; if waitAll, as for
// juju-exec, until nobody holds its stdout or stderr open any more.
func start(argv []string, dir string, env []string, stdout, stderr io.Writer, waitAll bool) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{cmd: cmd}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	var ends []*os.File
	defer func() {
		for _, end := range ends {
			end.Close()
		}
	}()
	if !waitAll {
		for _, stream := range []*io.Writer{&cmd.Stdout, &cmd.Stderr} {
			r, w, err := os.Pipe()
			if err != nil {
				return nil, fmt.Errorf("cannot start %s: %w", argv[0], err)
			}
			ends = append(ends, w)
			p.outputs = append(p.outputs, follow(r, *stream))
			*stream = w
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", argv[0], err)
	}
	return p, nil
}

// output passes on what comes out of a pipe, until it is stopped. What comes
// later is thrown away.
type output struct {
	done chan struct{} // closed when nobody holds the other end any more

	mu sync.Mutex
	to io.Writer
}

func follow(r *os.File, to io.Writer) *output {
	o := &output{done: make(chan struct{}), to: to}
	go func() {
		defer close(o.done)
		defer r.Close()
		_, _ = io.Copy(o, r)
	}()
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(p)
}

// stop waits for the end of the output, though not long.
func (o *output) stop() {
	select {
	case <-o.done:
	case <-time.After(outputPatience):
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = io.Discard
}

// wait returns how the process ended and what it took. Killed is true if that
// was by a signal; code is then 128 and its number, as a shell has it.
func (p *process) wait() (code int, killed bool) {
	err := p.cmd.Wait()
	for _, o := range p.outputs {
		o.stop()
	}
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

// cpu returns the CPU time of the process that has ended and those that it
// waited for.
func (p *process) cpu() time.Duration {
	state := p.cmd.ProcessState
	if state == nil {
		return 0
	}
	return state.UserTime() + state.SystemTime()
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
