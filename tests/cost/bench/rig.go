package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
)

// Rig runs the hooks of one charm as processes, one at a time. It is an
// Executor, and needs to be the only one in this process that starts others.
type Rig struct {
	Charm *jujusim.Charm
	// Env is added to the environment of every hook.
	Env []string
	// WatchMemory has Memory measured, which takes time at every hook-tool call.
	WatchMemory bool

	source string // the charm's directory
	dir    string // the rig's own
	log    *os.File
	calls  *server // hook tools
	execs  *server // juju-exec
	wakes  chan wakeCall

	active   map[string]moment // units whose worker may call, and since when
	called   []Wake            // those that have called and are not due yet
	children int               // processes in the background
	latent   time.Duration     // CPU time of background processes that have ended

	mu     sync.Mutex
	hook   *jujusim.Hook // the one that runs
	begun  time.Time
	pid    int
	cost   Cost
	memory int64
}

// moment is one point in time by both clocks.
type moment struct {
	driver time.Duration
	real   time.Time
}

// NewRig makes a rig for the charm in dir. Hook tools are links to the program
// hookTool, or if that is empty to the running one. That must behave as a hook
// tool when it is started as one, and is juju-exec in any case: see agent.IsTool.
func NewRig(dir, hookTool string, env []string) (*Rig, error) {
	source, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	charm, err := jujusim.LoadCharm(source)
	if err != nil {
		return nil, err
	}
	r := &Rig{Charm: charm, Env: env, source: source, wakes: make(chan wakeCall), active: map[string]moment{}}
	// What a hook leaves in the background becomes this process's child, so that
	// its CPU time is known when it ends.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("cannot become the parent of background processes: %w", err)
	}
	if err := r.open(hookTool); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Rig) open(hookTool string) (err error) {
	if r.dir, err = os.MkdirTemp("", "jujusim-bench"); err != nil {
		return err
	}
	if r.log, err = os.Create(r.path("log")); err != nil {
		return err
	}
	if err := r.linkTools(hookTool); err != nil {
		return err
	}
	if r.calls, err = listen(r.path("agent.socket"), "Jujuc", &jujuc{r}); err != nil {
		return err
	}
	r.execs, err = listen(r.path("run.socket"), "JujuExecServer", &jujuExec{r})
	return err
}

func (r *Rig) linkTools(hookTool string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	if hookTool == "" {
		hookTool = executable
	}
	if hookTool, err = filepath.Abs(hookTool); err != nil {
		return err
	}
	links := map[string]string{"juju-exec": executable, "juju-run": executable}
	for _, name := range jujusim.Tools() {
		links[name] = hookTool
	}
	if err := os.Mkdir(r.path("tools"), 0o750); err != nil {
		return err
	}
	for name, program := range links {
		if err := os.Symlink(program, r.path("tools", name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rig) path(names ...string) string {
	return filepath.Join(append([]string{r.dir}, names...)...)
}

// Close ends what is left in the background and removes the rig's directory.
func (r *Rig) Close() {
	if r.calls != nil {
		r.calls.close()
	}
	if r.execs != nil {
		r.execs.close()
	}
	_ = r.Kill() // the rest is removed all the same
	if r.log != nil {
		r.log.Close()
	}
	os.RemoveAll(r.dir)
}

// unitDir returns the directory of a unit, with the charm in it. It is made the
// first time. The charm's files are links: units only have the directory
// itself to themselves, which is where a charm keeps its state.
func (r *Rig) unitDir(unit string) (string, error) {
	dir := r.path("agents", "unit-"+strings.ReplaceAll(unit, "/", "-"))
	charm := filepath.Join(dir, "charm")
	if _, err := os.Stat(charm); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(charm, 0o750); err != nil {
		return "", err
	}
	files, err := os.ReadDir(r.source)
	if err != nil {
		return "", err
	}
	for _, file := range files {
		if err := os.Symlink(filepath.Join(r.source, file.Name()), filepath.Join(charm, file.Name())); err != nil {
			return "", err
		}
	}
	return dir, os.Symlink(r.path("run.socket"), filepath.Join(dir, "run.socket"))
}

// env returns the environment of a hook, as on a real unit.
func (r *Rig) env(h *jujusim.Hook, unitDir string) []string {
	charm := filepath.Join(unitDir, "charm")
	return slices.Concat(h.Env(), []string{
		"CHARM_DIR=" + charm,
		"JUJU_CHARM_DIR=" + charm,
		"JUJU_AGENT_SOCKET_ADDRESS=" + r.path("agent.socket"),
		"JUJU_AGENT_SOCKET_NETWORK=unix",
		"LANG=C.UTF-8",
		"PATH=" + r.path("tools") + ":" + os.Getenv("PATH"),
		"JUJUSIM_DIR=" + r.dir, // where juju-exec looks for the unit
		charmfacts.EnvIn(unitDir),
	}, r.Env)
}

// Execute runs dispatch, or juju-exec's command in a shell.
func (r *Rig) Execute(h *jujusim.Hook, now time.Duration) (Cost, int, error) {
	dir, err := r.unitDir(h.Unit())
	if err != nil {
		return Cost{}, 0, err
	}
	argv := []string{filepath.Join(dir, "charm", "dispatch")}
	if run := h.Run(); run.Kind == jujusim.ExecRun {
		argv = []string{"/bin/sh", "-c", run.Command}
	}
	fmt.Fprintf(r.log, "--- %s: %s\n", h.Unit(), h.Run())
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(dir, "charm"), r.env(h, dir)
	// A file: with pipes a hook would last as long as what it leaves behind.
	cmd.Stdout, cmd.Stderr = r.log, r.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	r.mu.Lock()
	r.hook, r.cost, r.memory = h, Cost{}, 0
	begin := time.Now()
	r.begun = begin
	err = cmd.Start()
	if err == nil {
		r.pid = cmd.Process.Pid
	}
	r.mu.Unlock()
	if err != nil {
		return Cost{}, 0, err
	}
	_ = cmd.Wait() // its exit code says it
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cost.Wall = time.Since(begin)
	r.cost.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.hook = nil
	r.adopt(h.Unit(), moment{now, begin})
	return r.cost, cmd.ProcessState.ExitCode(), nil
}

// Memory is the resident memory of the largest process of the last hook, in
// bytes, as it was at its last hook-tool call.
func (r *Rig) Memory() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.memory
}

// tool makes one hook-tool call for the hook that runs.
func (r *Rig) tool(req agent.Request) (agent.ExecResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hook == nil || req.ContextId != r.hook.ContextID() {
		return agent.ExecResponse{}, fmt.Errorf("bad request: wrong context ID; got %q", req.ContextId)
	}
	if r.cost.Calls == 0 {
		r.cost.Start = time.Since(r.begun)
	}
	if BeginsAttempt(req.CommandName, req.Args) {
		r.cost.Attempt = time.Since(r.begun)
	}
	if r.WatchMemory {
		r.memory = max(r.memory, peakOfGroup(r.pid))
	}
	resp, err := r.hook.Call(jujusim.Request{
		Dir: req.Dir, Command: req.CommandName, Args: req.Args, Stdin: req.Stdin, StdinSet: req.StdinSet,
	})
	if err != nil {
		return agent.ExecResponse{}, err
	}
	r.cost.Calls++
	r.cost.Bytes += len(req.Stdin) + len(resp.Stdout) + len(resp.Stderr)
	for _, arg := range req.Args {
		r.cost.Bytes += len(arg)
	}
	return agent.ExecResponse(resp), nil
}
