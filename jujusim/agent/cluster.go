package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rolling-ops/jujusim"
)

// Options say how a Cluster runs a charm.
type Options struct {
	// CharmDir is the charm's directory, with an executable dispatch in it.
	CharmDir string
	// Dir is where the model keeps its units; it must be empty or not exist.
	// Its path should be short: sockets are in it.
	Dir string
	// App names the application; the charm's name if empty.
	App string
	// Env is added to the environment of every hook. {unit-dir} stands for the
	// unit's own directory and {unit} for its name.
	Env []string
	// UpdateStatus is the time between update-status hooks, give or take a
	// fifth; 0 for none.
	UpdateStatus time.Duration
	// RetryDelay is how long a hook in error waits for its first retry. Each
	// failure doubles it, up to RetryDelayMax. They are 5 s and 5 min if 0.
	RetryDelay, RetryDelayMax time.Duration
	// Executable is the program that is linked to as every hook tool: it must
	// call ToolMain when IsTool says so. The running program if empty.
	Executable string
	// Notify is told every event of the trace as it happens. It must not call
	// the Cluster, nor take long.
	Notify func(Event)
}

// Cluster is a Juju model with one application, whose units run as they do on
// machines: each has an agent of its own that runs the charm as processes.
// Create one with New and end it with Close.
type Cluster struct {
	opts  Options
	id    string // marks the model's processes
	trace trace

	ctx    context.Context // of the agents
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	model   *jujusim.Model
	agents  map[string]*unitAgent
	sources []string      // where the charm's revisions are
	dirty   bool          // something happened since changed was last renewed
	changed chan struct{} // closed when something happened
	version int           // counts what happened
	closed  bool
}

// ErrClosed means that the Cluster was closed.
var ErrClosed = errors.New("model is closed")

// New loads the charm and makes the model's directory. There are no units yet.
func New(opts Options) (*Cluster, error) {
	charm, err := loadCharm(opts.CharmDir)
	if err != nil {
		return nil, err
	}
	if opts.RetryDelay == 0 {
		opts.RetryDelay = 5 * time.Second
	}
	if opts.RetryDelayMax == 0 {
		opts.RetryDelayMax = 5 * time.Minute
	}
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, fmt.Errorf("cannot use working directory: %w", err)
	}
	if opts.Executable == "" {
		if opts.Executable, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("cannot find own program: %w", err)
		}
	}
	c := &Cluster{
		opts:    opts,
		id:      rand.Text(),
		trace:   trace{notify: opts.Notify},
		agents:  map[string]*unitAgent{},
		sources: []string{charm.Dir},
		changed: make(chan struct{}),
	}
	app := opts.App
	if app == "" {
		app = charm.Name
	}
	if err := c.makeDirs(app); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.model = jujusim.New(charm, jujusim.Options{
		App:       opts.App,
		Now:       time.Now,
		AutoElect: true,
		Observer:  c.observe,
		Env:       c.hookEnv,
		ReadFile:  readFile,
		WriteFile: func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) },
	})
	return c, nil
}

func loadCharm(dir string) (*jujusim.Charm, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use charm: %w", err)
	}
	if err := checkCharm(dir); err != nil {
		return nil, err
	}
	return jujusim.LoadCharm(dir)
}

func (c *Cluster) makeDirs(app string) error {
	if socket := c.unitDir(app+"/999") + "/" + agentSocket; len(socket) > maxSocketPath {
		return fmt.Errorf("cannot use working directory: its path is %d bytes too long for the sockets in it", len(socket)-maxSocketPath)
	}
	if entries, err := os.ReadDir(c.opts.Dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("cannot use working directory: %s is not empty", c.opts.Dir)
	}
	for _, dir := range []string{"agents", "log", "removed"} {
		if err := os.MkdirAll(filepath.Join(c.opts.Dir, dir), 0o750); err != nil {
			return fmt.Errorf("cannot make working directory: %w", err)
		}
	}
	return linkTools(c.toolsDir(), c.opts.Executable)
}

func (c *Cluster) toolsDir() string { return filepath.Join(c.opts.Dir, "tools") }

// Dir returns the model's directory. The units' own are in it: see UnitDir.
func (c *Cluster) Dir() string { return c.opts.Dir }

// UnitDir returns the directory of a unit: its charm, and what Env put there.
// Once the unit is removed, that is a directory to look at it afterwards.
func (c *Cluster) UnitDir(unit string) string {
	removed := filepath.Join(c.opts.Dir, "removed", unitTag(unit))
	if _, err := os.Stat(removed); err == nil {
		return removed
	}
	return c.unitDir(unit)
}

func (c *Cluster) unitDir(unit string) string {
	return filepath.Join(c.opts.Dir, "agents", unitTag(unit))
}

// LogPath returns the file with what the hooks of a unit printed and logged.
func (c *Cluster) LogPath(unit string) string {
	return filepath.Join(c.opts.Dir, "log", unitTag(unit)+".log")
}

// hookEnv is the part of a hook's environment that its machine adds. As on a
// real unit nothing else of this process' own environment gets there.
func (c *Cluster) hookEnv(unit string) []string {
	dir := c.unitDir(unit)
	charmDir := filepath.Join(dir, "charm")
	env := []string{
		"CHARM_DIR=" + charmDir,
		"JUJU_CHARM_DIR=" + charmDir,
		"JUJU_AGENT_SOCKET_ADDRESS=" + filepath.Join(dir, agentSocket),
		"JUJU_AGENT_SOCKET_NETWORK=unix",
		"APT_LISTCHANGES_FRONTEND=none",
		"DEBIAN_FRONTEND=noninteractive",
		"LANG=C.UTF-8",
		"TERM=tmux-256color",
		"PATH=" + c.toolsDir() + ":" + os.Getenv("PATH"),
		idVariable + "=" + c.id + ":" + unit,
		dirVariable + "=" + c.opts.Dir,
	}
	placeholders := strings.NewReplacer("{unit-dir}", dir, "{unit}", unit)
	for _, entry := range c.opts.Env {
		env = append(env, placeholders.Replace(entry))
	}
	return env
}

// maxFile bounds what a hook tool reads from a file, in bytes.
const maxFile = 64 << 20

// readFile reads a file for a hook tool. The model stands still meanwhile, so
// only what cannot block is read.
func readFile(path string) ([]byte, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if missing := new(fs.PathError); errors.As(err, &missing) {
		missing.Op = "open" // what the charm did
	}
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("cannot read %s: not a regular file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// observe is told by the model what happens in it; c.mu is held.
func (c *Cluster) observe(e jujusim.Event) {
	c.dirty = true
	event := convert(e)
	if a := c.agents[e.Unit]; a != nil {
		a.observe(e, &event)
	}
	c.trace.add(event)
}

// update changes the model, and wakes whoever waits for a change if there was
// one.
func (c *Cluster) update(change func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	err := change()
	c.publish()
	return err
}

// publish wakes whoever waits for a change; c.mu is held.
func (c *Cluster) publish() {
	if c.dirty {
		c.dirty = false
		c.version++
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// await waits until done says so. It is asked, with c.mu held, after each
// change, and may make changes itself.
func (c *Cluster) await(ctx context.Context, done func() bool) error {
	for {
		c.mu.Lock()
		ok, closed := !c.closed && done(), c.closed
		c.publish()
		changed := c.changed
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Note puts a line of the caller's into the trace.
func (c *Cluster) Note(format string, args ...any) {
	c.trace.add(Event{Kind: Said, Text: fmt.Sprintf(format, args...)})
}

// Trace returns what has happened so far.
func (c *Cluster) Trace() []Event { return c.trace.all() }

// Close ends every process of the model, waits for the agents and returns the
// processes that had outlived their hooks: background ones that had to be
// killed. The directory is left.
func (c *Cluster) Close() ([]Process, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	background, scanErr := c.background()
	c.closed, c.dirty = true, true
	for _, a := range c.agents {
		a.abandon(ErrClosed)
	}
	c.publish()
	c.mu.Unlock()
	c.cancel()

	_, err := c.end(c.Processes)
	c.wait.Wait()
	return background, errors.Join(scanErr, err)
}

// end kills the processes that find finds until it finds none: one may start
// another while it is being killed. It returns which they were.
func (c *Cluster) end(find func() ([]Process, error)) ([]Process, error) {
	const rounds = 1000
	var ended []Process
	for range rounds {
		processes, err := find()
		if err != nil || len(processes) == 0 {
			return ended, err
		}
		for _, p := range processes {
			if err := p.signal(c.id, os.Kill); err != nil {
				return ended, err
			}
			if !slices.ContainsFunc(ended, func(e Process) bool { return e.PID == p.PID }) {
				ended = append(ended, p)
			}
		}
		time.Sleep(time.Millisecond) // until the kernel has ended them
	}
	return ended, errors.New("cannot end all processes of the model")
}

// Processes returns all processes of the model, by pid: what runs as part of a
// hook, and what hooks left running.
func (c *Cluster) Processes() ([]Process, error) { return findProcesses(c.id) }

// of keeps those processes that belong to a unit.
func of(unit string, find func() ([]Process, error)) func() ([]Process, error) {
	return func() ([]Process, error) {
		processes, err := find()
		return slices.DeleteFunc(processes, func(p Process) bool { return p.Unit != unit }), err
	}
}

// Background returns the processes that outlived their hook, or are not part
// of its process group.
func (c *Cluster) Background() ([]Process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.background()
}

func (c *Cluster) background() ([]Process, error) {
	processes, err := findProcesses(c.id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(processes, func(p Process) bool {
		a := c.agents[p.Unit]
		return a != nil && a.proc != nil && a.proc.pgid() == p.PGID
	}), nil
}
