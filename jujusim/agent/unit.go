package agent

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rolling-ops/jujusim"
)

// unitAgent runs what the model has for one unit, one thing at a time.
type unitAgent struct {
	c    *Cluster
	name string
	dir  string
	log  *unitLog

	installed int // revision of the charm in dir, from 1; 0 for none. The loop's own

	// The rest is guarded by Cluster.mu.
	proc      *process  // its process, once started
	promised  bool      // is-leader said true to it
	cost      Cost      // of what runs, so far
	failedAt  time.Time // when the last hook ended
	commands  *server   // serves juju-exec; nil while the agent is down
	waiting   map[string]chan commandResult
	machine   machine
	staysDown bool // after its next reboot
}

// commandResult is what a juju-exec command came to.
type commandResult struct {
	ExecResponse
	err error
}

var errAborted = errors.New("command execution aborted")

// AddUnit adds a unit, starts its agent and returns its name. A subordinate
// application's units come with their principals': see AddPrincipalUnit.
func (c *Cluster) AddUnit() (string, error) {
	var name string
	err := c.update(func() error {
		if charm, _ := c.model.Charm(); charm.Subordinate {
			return fmt.Errorf("cannot add a unit: %w", jujusim.ErrSubordinate)
		}
		name = c.model.AddUnit()
		return c.startUnit(name)
	})
	return name, err
}

// Integrate integrates the charm, a subordinate, with an application that has no
// units yet: see [jujusim.Model.Integrate].
func (c *Cluster) Integrate(app string) error {
	return c.update(func() error { return c.model.Integrate(app) })
}

// AddPrincipalUnit adds a unit to an application that the charm, a subordinate,
// is integrated with, and the charm's unit beside it, whose agent it starts. It
// returns both names.
func (c *Cluster) AddPrincipalUnit(app string) (principal, unit string, err error) {
	err = c.update(func() error {
		if principal, unit, err = c.model.AddPrincipalUnit(app); err != nil {
			return err
		}
		return c.startUnit(unit)
	})
	return principal, unit, err
}

// startUnit gives a unit that the model has a machine and an agent; c.mu is held.
func (c *Cluster) startUnit(name string) error {
	a := &unitAgent{
		c:       c,
		name:    name,
		dir:     c.unitDir(name),
		waiting: map[string]chan commandResult{},
	}
	var err error
	if err = os.Mkdir(a.dir, 0o750); err != nil {
		return fmt.Errorf("cannot add unit: %w", err)
	}
	if err = a.bootFiles(); err != nil {
		return err
	}
	if a.log, err = openUnitLog(c.LogPath(name)); err != nil {
		return err
	}
	if err := a.serveCommands(); err != nil {
		return errors.Join(err, a.log.Close())
	}
	c.agents[name] = a
	c.wait.Go(a.loop)
	return nil
}

// loop is the agent's life: it runs whatever comes until its unit is gone.
func (a *unitAgent) loop() {
	defer a.leave()
	updateStatus := time.NewTimer(a.untilUpdateStatus())
	defer updateStatus.Stop()
	for {
		due, ok, changed, gone := a.next()
		switch {
		case gone:
			return
		case a.rebooting():
			a.comeUp()
			continue
		case ok && due <= 0:
			a.runNext()
			continue
		}
		var retry <-chan time.Time
		if ok {
			retry = time.After(due)
		}
		select {
		case <-changed:
		case <-retry:
		case <-a.c.ctx.Done():
			return
		case <-updateStatus.C:
			updateStatus.Reset(a.untilUpdateStatus())
			_ = a.c.update(func() error {
				a.c.dirty = true // the model does not tell of it
				return a.c.model.UpdateStatus(a.name)
			})
		}
	}
}

// next reports whether there is something to run, and in which time it is due.
func (a *unitAgent) next() (due time.Duration, ok bool, changed <-chan struct{}, gone bool) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.c.closed || a.c.agents[a.name] != a {
		return 0, false, nil, true
	}
	run, ok := a.c.model.Next(a.name)
	if ok && run.Attempt > 0 {
		due = time.Until(a.failedAt.Add(a.backoff(run.Attempt)))
	}
	return due, ok, a.c.changed, false
}

// backoff is the time from a hook's failure to its next attempt.
func (a *unitAgent) backoff(attempt int) time.Duration {
	delay := a.c.opts.RetryDelay
	for range min(attempt-1, 20) {
		delay = min(2*delay, a.c.opts.RetryDelayMax)
	}
	return delay
}

// untilUpdateStatus is the configured time, give or take a fifth.
func (a *unitAgent) untilUpdateStatus() time.Duration {
	every := a.c.opts.UpdateStatus
	if every <= 0 {
		return 1<<63 - 1
	}
	return time.Duration(float64(every) * (0.8 + 0.4*rand.Float64()))
}

// runNext runs one hook, action or command from beginning to end.
func (a *unitAgent) runNext() {
	var hook *jujusim.Hook
	var env []string
	var revision int
	var source string
	err := a.c.update(func() error {
		var err error
		if hook, err = a.c.model.Begin(a.name); err != nil {
			return err
		}
		a.promised, a.cost = false, Cost{}
		env = hook.Env()
		info, _ := a.c.model.Unit(a.name)
		revision, source = info.Revision+1, a.c.sources[info.Revision]
		return nil
	})
	if err != nil {
		return // something else happened meanwhile
	}
	if a.installed != revision {
		if err := installCharm(source, filepath.Join(a.dir, "charm")); err != nil {
			a.log.Printf("%v", err)
			a.finish(hook, 1, false, commandResult{err: err})
			return
		}
		a.installed = revision
	}
	a.execute(hook, env)
}

// execute runs the process of a hook and tells the model how it ended.
func (a *unitAgent) execute(hook *jujusim.Hook, env []string) {
	label := hookName(hook.Run())
	out, errOut := a.log.stream(label), a.log.stream(label+" (stderr)")
	stdout, stderr := &boundedBuffer{max: maxOutput}, &boundedBuffer{max: maxOutput}
	code, killed, err := a.run(hook, env, io.MultiWriter(out, stdout), io.MultiWriter(errOut, stderr))
	out.Flush()
	errOut.Flush()
	result := commandResult{ExecResponse: ExecResponse{Code: code, Stdout: stdout.buf.Bytes(), Stderr: stderr.buf.Bytes()}}
	switch {
	case err != nil:
		a.log.Printf("%s: %v", label, err)
		result.err = err
	case killed:
		result.err = fmt.Errorf("r.runner.RunCommands: signal: %v", syscall.Signal(code-128))
	}
	a.finish(hook, code, killed, result)
}

// maxOutput is how much of a juju-exec command's output is passed on, in bytes
// of each stream.
const maxOutput = 4 << 20

// run starts dispatch, or the shell for a juju-exec command, with the hook
// tools at its service, and waits for its end. An error means that it did not
// run.
func (a *unitAgent) run(hook *jujusim.Hook, env []string, stdout, stderr io.Writer) (code int, killed bool, err error) {
	argv := []string{filepath.Join(a.dir, "charm", "dispatch")}
	if run := hook.Run(); run.Kind == jujusim.ExecRun {
		script := filepath.Join(a.dir, "exec-"+run.ID+".sh")
		if err := os.WriteFile(script, []byte(run.Command), 0o600); err != nil {
			return 1, false, fmt.Errorf("cannot write command: %w", err)
		}
		defer os.Remove(script)
		argv = []string{shell(), script}
	}
	tools, err := serve(filepath.Join(a.dir, agentSocket), &Jujuc{contextID: hook.ContextID(), run: func(req Request) (ExecResponse, error) {
		return a.tool(hook, req)
	}})
	if err != nil {
		return 1, false, err
	}
	defer tools.Close()

	begin := time.Now()
	proc, err := a.start(hook, argv, env, stdout, stderr)
	if err != nil {
		return 1, false, err
	}
	code, killed = proc.wait()
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	a.proc = nil
	a.cost.Wall, a.cost.CPU = time.Since(begin), proc.cpu()
	return code, killed, nil
}

// start starts the process, unless the hook is over already. Whoever ends the
// hook later finds the process.
func (a *unitAgent) start(hook *jujusim.Hook, argv, env []string, stdout, stderr io.Writer) (*process, error) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.c.closed || hook.Over() != nil {
		return nil, errAborted
	}
	proc, err := start(argv, filepath.Join(a.dir, "charm"), env, stdout, stderr, hook.Run().Kind == jujusim.ExecRun)
	if err != nil {
		return nil, err
	}
	a.proc = proc
	a.c.dirty = true
	a.c.publish()
	return proc, nil
}

// shell is what runs juju-exec's commands: bash as on a real unit, where the
// machine has it.
func shell() string {
	if _, err := os.Stat("/bin/bash"); err == nil {
		return "/bin/bash"
	}
	return "/bin/sh"
}

// finish tells the model how the hook ended. The model refuses when it has
// ended the hook itself, because the agent was stopped or the unit removed.
func (a *unitAgent) finish(hook *jujusim.Hook, code int, killed bool, result commandResult) {
	_ = a.c.update(func() error {
		a.failedAt, a.promised = time.Now(), false
		hook.Output(result.Stdout, result.Stderr)
		var err error
		if killed {
			err = hook.Kill()
		} else {
			err = hook.Finish(code)
		}
		if err != nil && !errors.Is(err, jujusim.ErrHookGone) {
			a.log.Printf("%s: %v", hookName(hook.Run()), err)
			if result.err == nil {
				result = commandResult{err: err}
			}
		}
		if run := hook.Run(); run.Kind == jujusim.ExecRun {
			a.answer(run.ID, result)
		}
		return nil
	})
}

// observe keeps the unit's log and state in step with what the model tells;
// c.mu is held.
func (a *unitAgent) observe(e jujusim.Event, out *Event) {
	switch e.Kind {
	case jujusim.HookBegan:
		a.log.Printf("%s: begins", fullName(e.Run))
	case jujusim.HookEnded, jujusim.HookKilled:
		cost := a.cost
		out.Cost = &cost
		a.log.Printf("%s: ended with exit code %d", out.Hook, e.Exit)
	case jujusim.Logged:
		a.log.Printf("juju-log %s: %s", e.Level, e.Message)
	case jujusim.ExecLost:
		a.answer(e.Run.ID, commandResult{err: errAborted})
	case jujusim.Rebooted:
		a.machine = goingDown
		if a.proc != nil {
			_ = a.proc.signal(syscall.SIGKILL)
		}
	case jujusim.UnitGone:
		delete(a.c.agents, a.name) // the loop ends, and cleans up
		if a.proc != nil {
			_ = a.proc.signal(syscall.SIGKILL)
		}
		a.abandon(errAborted)
	}
}

// down ends what runs and fails the juju-execs that wait; c.mu is held. The
// returned server is for the caller to close, without c.mu.
func (a *unitAgent) down() *server {
	if a.proc != nil {
		_ = a.proc.signal(syscall.SIGKILL)
	}
	a.abandon(errAborted)
	commands := a.commands
	a.commands = nil
	return commands
}

// leave cleans up when the agent is through. The directory of a unit that is
// gone is moved out of the way: its juju-exec must not find it any more, but
// a person may want to.
func (a *unitAgent) leave() {
	a.c.mu.Lock()
	commands := a.commands
	a.commands = nil
	gone := !a.c.closed
	a.c.mu.Unlock()
	if commands != nil {
		commands.Close()
	}
	if gone {
		os.RemoveAll(filepath.Join(a.dir, "charm"))
		if err := os.Rename(a.dir, filepath.Join(a.c.opts.Dir, "removed", unitTag(a.name))); err != nil {
			a.log.Printf("%v", err)
		}
	}
	a.log.Close()
}
