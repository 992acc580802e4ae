// Package sim runs the steps of integration scripts on a simulated Juju model:
// the charm's real programs as processes, with the model in this process.
package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rolling-ops/internal/operator/juju"
	"rolling-ops/jujusim"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
	"rolling-ops/jujusim/jujulike"
	"rolling-ops/tests/integration/steps"
)

// Charms are the directories of the charms that can be deployed.
type Charms map[steps.Charm]string

// A hook in error is run again sooner than by Juju: after retryDelay, and at
// the latest after retryDelayMax.
const (
	retryDelay    = 100 * time.Millisecond
	retryDelayMax = time.Second
)

// Backend is a simulated model. All its units are on this machine; each has a
// directory of its own for what a machine has one of.
type Backend struct {
	charms Charms
	dir    string

	cluster *agent.Cluster // nil until Deploy
	server  *jujulike.Server

	mu       sync.Mutex
	watchers map[chan struct{}]bool
	units    []string // that ever were
}

var _ interface {
	steps.Backend
	steps.Settler
	steps.Logger
	steps.Elector
	steps.HookKiller
	steps.WorkerKiller
	steps.Ticker
	steps.AgentStopper
	steps.Subordinator
	steps.Rebooter
	steps.Operated
} = (*Backend)(nil)

// New returns a model without an application. The program that calls it must
// call ProgramMain when IsProgram says so.
func New(charms Charms) (*Backend, error) {
	// Unix sockets are in there, whose paths have to be short.
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory for the model: %w", err)
	}
	b := &Backend{charms: charms, dir: dir, watchers: map[chan struct{}]bool{}}
	if err := writeSystemctl(b.programs()); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err == nil {
		err = jujulike.Link(filepath.Join(dir, "operator"), self)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Backend) socket() string { return filepath.Join(b.dir, "juju.socket") }

// Juju implements steps.Operated.
func (b *Backend) Juju() juju.Client {
	return juju.Client{Program: filepath.Join(b.dir, "operator", "juju"), Env: []string{jujulike.Socket + "=" + b.socket()}}
}

// IsProgram reports whether the test program was started as one that a model needs;
// then it must call ProgramMain.
func IsProgram(arg0 string) bool { return agent.IsTool(arg0) || jujulike.IsJuju(arg0) }

// ProgramMain is a hook tool, or juju.
func ProgramMain(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if jujulike.IsJuju(args[0]) {
		return jujulike.Main(args, stdout, stderr)
	}
	return agent.ToolMain(args, stdin, stdout, stderr)
}

// programs is a directory with what the units have of programs besides those
// of this machine.
func (b *Backend) programs() string { return filepath.Join(b.dir, "programs") }

func (b *Backend) charmDir(charm steps.Charm) (string, error) {
	dir, ok := b.charms[charm]
	if !ok {
		return "", fmt.Errorf("there is no charm %q", charm)
	}
	return dir, nil
}

// Deploy implements steps.Backend.
func (b *Backend) Deploy(ctx context.Context, d steps.Deployment) error {
	if b.cluster != nil {
		return errors.New("the application is deployed already")
	}
	charmDir, err := b.charmDir(d.Charm)
	if err != nil {
		return err
	}
	modelDir := filepath.Join(b.dir, "model")
	cluster, err := agent.New(agent.Options{
		CharmDir: charmDir,
		Dir:      modelDir,
		App:      steps.Application,
		Env: append(charmfacts.Env(),
			"PATH="+filepath.Join(modelDir, "tools")+":"+b.programs()+":"+os.Getenv("PATH")),
		RetryDelay:    retryDelay,
		RetryDelayMax: retryDelayMax,
		Notify:        func(agent.Event) { b.notify() },
	})
	if err != nil {
		return err
	}
	b.cluster = cluster
	if b.server, err = jujulike.Serve(cluster, jujulike.Names{Controller: "sim", Model: "sim"}, b.socket(), nil); err != nil {
		return err
	}
	if err := cluster.SetConfig(d.Config); err != nil {
		return err
	}
	if len(d.Principals) == 0 {
		return b.AddUnits(ctx, d.Units)
	}
	for _, p := range d.Principals {
		if err := cluster.Integrate(p.App); err != nil {
			return err
		}
	}
	for _, p := range d.Principals {
		if err := b.AddPrincipalUnits(ctx, p.App, p.Units); err != nil {
			return err
		}
	}
	return nil
}

// AddUnits implements steps.Backend.
func (b *Backend) AddUnits(_ context.Context, n int) error {
	return b.addUnits(n, b.cluster.AddUnit)
}

// AddPrincipalUnits implements steps.Subordinator.
func (b *Backend) AddPrincipalUnits(_ context.Context, app string, n int) error {
	return b.addUnits(n, func() (unit string, err error) {
		_, unit, err = b.cluster.AddPrincipalUnit(app)
		return unit, err
	})
}

func (b *Backend) addUnits(n int, add func() (string, error)) error {
	for range n {
		unit, err := add()
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.units = append(b.units, unit)
		b.mu.Unlock()
	}
	return nil
}

// RemovePrincipalUnit implements steps.Subordinator.
func (b *Backend) RemovePrincipalUnit(_ context.Context, unit string, force bool) error {
	return b.cluster.RemoveUnit(unit, force)
}

// RemoveRelation implements steps.Subordinator.
func (b *Backend) RemoveRelation(_ context.Context, app string) error {
	return b.cluster.RemoveRelation(app)
}

// RemoveUnit implements steps.Backend.
func (b *Backend) RemoveUnit(_ context.Context, unit string, force bool) error {
	return b.cluster.RemoveUnit(unit, force)
}

// SetConfig implements steps.Backend.
func (b *Backend) SetConfig(_ context.Context, options map[string]string) error {
	return b.cluster.SetConfig(options)
}

// Refresh implements steps.Backend.
func (b *Backend) Refresh(_ context.Context, charm steps.Charm) error {
	dir, err := b.charmDir(charm)
	if err != nil {
		return err
	}
	return b.cluster.Refresh(dir)
}

// RunAction implements steps.Backend.
func (b *Backend) RunAction(ctx context.Context, unit, action string, params map[string]any) (steps.ActionResult, error) {
	id, err := b.cluster.StartAction(unit, action, params)
	switch {
	case errors.Is(err, agent.ErrClosed) || errors.Is(err, jujusim.ErrNoUnit):
		return steps.ActionResult{}, err
	case err != nil:
		return steps.ActionResult{Status: "refused", Message: err.Error()}, nil
	}
	result, err := b.cluster.WaitAction(ctx, id)
	if err != nil {
		return steps.ActionResult{}, err
	}
	return steps.ActionResult{
		Status: result.Status, Message: result.Message, Results: result.Results, Log: result.Log,
	}, nil
}

// Exec implements steps.Backend.
func (b *Backend) Exec(ctx context.Context, unit, command string) (steps.ExecResult, error) {
	r, err := b.cluster.Exec(ctx, unit, command)
	return steps.ExecResult{Stdout: string(r.Stdout), Stderr: string(r.Stderr), Code: r.Code}, err
}

// State implements steps.Backend.
func (b *Backend) State(context.Context) (steps.State, error) {
	if b.cluster == nil {
		return steps.State{}, errors.New("nothing is deployed")
	}
	status := b.cluster.Status()
	peers := status.Relations[0]
	out := steps.State{App: peers.Databag}
	for _, u := range status.Units {
		out.Units = append(out.Units, steps.Unit{
			Name: u.Name, Leader: u.Leader, Principal: u.Principal, Status: u.Status, Message: u.Message,
			Idle: u.Idle(), Databag: u.Databags[peers.ID],
		})
	}
	return out, nil
}

// Transitions implements steps.Backend.
func (b *Backend) Transitions(context.Context) ([]steps.Transition, error) {
	b.mu.Lock()
	units := b.units
	b.mu.Unlock()
	var all []steps.Transition
	for _, unit := range units {
		log, err := os.ReadFile(charmfacts.TransitionsLog(b.cluster.UnitDir(unit)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		transitions, err := steps.ParseTransitions(log)
		if err != nil {
			return nil, err
		}
		all = append(all, transitions...)
	}
	steps.SortTransitions(all)
	return all, nil
}

// notify tells whoever watches the model that something has happened. All that
// the charm writes into its transitions.log it follows up with a hook tool.
func (b *Backend) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for watcher := range b.watchers {
		select {
		case watcher <- struct{}{}:
		default: // it has one to take already
		}
	}
}

// Changes implements steps.Backend.
func (b *Backend) Changes(ctx context.Context) <-chan struct{} {
	watcher := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[watcher] = true
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, watcher)
	})
	return watcher
}

// Destroy implements steps.Backend.
func (b *Backend) Destroy(context.Context) error {
	var err error
	if b.server != nil {
		err = b.server.Close()
	}
	if b.cluster != nil {
		_, closeErr := b.cluster.Close()
		err = errors.Join(err, closeErr)
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
