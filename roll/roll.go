package roll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"

	"rolling-ops/hooktool"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
	"rolling-ops/internal/worker"
)

// Charm is a charm whose units roll operations. Name, Relation and Operations are
// required.
type Charm struct {
	// Name is the charm's, as in metadata.yaml. The directory /var/lib/charm-NAME
	// holds what the library keeps on a machine: locks, the worker's log and notes.
	// The environment variable ROLLINGOPS_STATE_DIR moves it, for units that share
	// a machine as on the simulated model.
	Name string
	// Relation is the endpoint of the peer relation, of interface rolling_op.
	Relation string
	// Operations are what the units run one at a time, by the names under which
	// they are requested.
	Operations map[string]Operation
	// Handle is the charm's part of every hook and action. Nil means none.
	Handle func(ctx context.Context, h *Hook) error
	// Pacing returns the pause before a retry. It is asked in hooks in which a retry
	// waits. Nil means no pause.
	Pacing func(ctx context.Context, h *Hook) (Pacing, error)
	// Status turns what the unit does into a status: active, waiting, maintenance
	// or blocked, and a message. It is set at the end of the hooks that change what
	// the unit does or take stock. [Describe] is one to begin with. Nil means that
	// the library sets no status.
	Status func(Status) (name, message string)
}

// Operation does something on the local unit while no other unit runs one.
type Operation func(ctx context.Context, h *Hook, args Args) (Result, error)

// workerArgument, as dispatch's first, makes it the charm's worker.
const workerArgument = "worker"

// Main is the main function of a charm's dispatch. It does not return. SIGTERM
// ends the context of what runs; errors and panics go to Juju's log, and make Juju
// run the hook again.
func Main(c Charm) {
	if len(os.Args) > 1 && os.Args[1] == workerArgument {
		os.Exit(worker.Main(os.Args[2:]))
	}
	os.Exit(unit.Process(func(ctx context.Context, tools *hooktool.Tools, log *slog.Logger) error {
		return Run(ctx, c, Environment{Getenv: os.Getenv, Tools: tools, Log: log})
	}))
}

// Environment is what surrounds a hook. All fields are required.
type Environment struct {
	Getenv func(string) string // Juju's variables
	Tools  *hooktool.Tools
	Log    *slog.Logger
}

// Run runs one hook or action from beginning to end. It is Main without the
// process around it, for a main function with more to do, and for tests. Since the
// worker is started as "dispatch worker ...", such a main has to call [Main] then.
//
// The error says what is missing in c or env, what Juju refused, or what Handle
// returned in a hook. In an action an error of Handle is the action's failure.
func Run(ctx context.Context, c Charm, env Environment) error {
	if err := errors.Join(c.validate(), env.validate()); err != nil {
		return err
	}
	event, err := unit.ParseEvent(env.Getenv, c.Relation)
	if err != nil {
		return err
	}
	h := newHook(c, env, event)
	err = h.run(ctx)
	h.ended = true
	if err != nil && h.Event.Action {
		h.fail(ctx, err)
	}
	return err
}

// charmName is Juju's grammar of charm names.
var charmName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (c Charm) validate() error {
	switch {
	case c.Name == "":
		return errors.New("cannot use roll.Charm: Name is empty")
	case !charmName.MatchString(c.Name):
		return fmt.Errorf("cannot use roll.Charm: Name %q is no name of a charm", c.Name)
	case c.Relation == "":
		return errors.New("cannot use roll.Charm: Relation is empty")
	case len(c.Operations) == 0:
		return errors.New("cannot use roll.Charm: Operations is empty")
	}
	for name, operation := range c.Operations {
		if name == "" {
			return errors.New("cannot use roll.Charm: Operations has one without a name")
		}
		if operation == nil {
			return fmt.Errorf("cannot use roll.Charm: Operations[%q] is nil", name)
		}
	}
	return nil
}

func (e Environment) validate() error {
	switch {
	case e.Getenv == nil:
		return errors.New("cannot use roll.Environment: Getenv is nil")
	case e.Tools == nil:
		return errors.New("cannot use roll.Environment: Tools is nil")
	case e.Log == nil:
		return errors.New("cannot use roll.Environment: Log is nil")
	}
	return nil
}

// manager is the library's part of the charm in one hook.
func (h *Hook) manager() *rollingops.Manager {
	stateDir := unit.StateDir(h.env.Getenv, h.charm.Name)
	config := rollingops.Config{
		Unit:     h.Event.Unit,
		Clock:    unit.Clock{},
		Waker:    unit.WakerOf(h.event, stateDir, h.Log, "dispatch", workerArgument),
		Log:      h.Log,
		Attempts: unit.Attempts{Notes: unit.NotesOf(h.event, stateDir), Log: h.Log},
	}
	h.peers.Join(&config)
	if h.charm.Pacing != nil {
		config.Pacing = func(ctx context.Context) (Pacing, error) { return h.charm.Pacing(ctx, h) }
	}
	m := rollingops.New(config)
	for name, operation := range h.charm.Operations {
		m.Register(name, func(ctx context.Context, args Args) (Result, error) { return operation(ctx, h, args) })
	}
	return m
}
