// Package charm is the rolling-ops charm: which event leads to what, the
// actions, the configuration, the statuses, and the operations that the units
// run one at a time.
//
// Everything that the charm needs of the world is in Deps, so that a simulation
// can run the real handlers in one process, without files, programs or clocks.
package charm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unit"
	"rolling-ops/internal/unitname"
)

// Deps is what the charm needs of the world. All fields are required.
type Deps struct {
	Tools       *hooktool.Tools
	Clock       rollingops.Clock
	Waker       rollingops.Waker
	Commands    Commands
	Transitions Transitions
	Notes       unit.Notes
	Boots       Boots
	Log         *slog.Logger
	// Sleep waits; it returns early with an error when ctx is done.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Charm handles the events of one unit.
type Charm struct{ Deps }

// New returns the charm.
func New(deps Deps) *Charm { return &Charm{deps} }

// hook is the handling of one event. Hook tools are asked only when the event
// calls for it, and each of them once.
type hook struct {
	Deps
	event Event
	peers *unit.Peers      // nil while the peer relation does not exist
	ops   *rollingops.Hook // the library's part in this hook
	conf  *loadedConfig    // once asked for

	operation string // what this hook's attempt is about, as in progress
	requested string // the operation that an action queued in this hook
	cleared   bool   // an action emptied the queue in this hook
	released  bool   // an action took the lock from its holder in this hook
	rolledOut bool   // an action changed the rollout in this hook
	failure   string // what was wrong in this hook's attempt
	shown     shownNote
}

// Handle handles one event. An error means that what the event asked for is
// not done and dispatch has to fail; whatever goes wrong in an operation is no
// error but a retry, and a request that can't be met fails its action alone.
func (c *Charm) Handle(ctx context.Context, event Event) error {
	if event.Kind == unit.Unknown {
		c.Log.Debug("nothing to do for this hook", "hook", event.Name)
		return nil
	}
	if !event.TakesPart() {
		return nil
	}
	h := &hook{Deps: c.Deps, event: event}
	err := h.run(ctx)
	if err != nil && event.Kind == unit.Action {
		h.fail(ctx, err)
	}
	return err
}

// run is the way of every event through the library. Its writes come last:
// what follows them can't fail.
func (h *hook) run(ctx context.Context) error {
	if err := h.begin(ctx); err != nil {
		return err
	}
	if h.event.Kind == unit.Action {
		h.act(ctx)
	}
	if h.event.Kind == unit.ConfigChanged {
		if err := h.retryChanged(ctx); err != nil {
			return err
		}
	}
	if h.peers.Leads() && h.surveys() {
		// The leader alone tells of units whose queue can't be read: a look at
		// every unit by every unit would cost too much.
		if err := h.ops.Survey(ctx); err != nil {
			return err
		}
	}
	report, err := h.ops.Finish(ctx)
	if err != nil {
		return err
	}
	if a := report.Attempt; a != nil && errors.Is(a.Err, rollingops.ErrCutShort) {
		h.cutShort(a)
	}
	if report.Late && h.rolledOut {
		h.fail(ctx, errors.New("cannot change the rollout: the hook took too long and wrote nothing; run the action again"))
	}
	if report.Late && h.released {
		h.fail(ctx, errors.New("cannot release the lock: the hook took too long and wrote nothing; run the action again"))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unit.AfterWrite)
	defer cancel()
	h.Tools.Bound(ctx)
	h.showStatus(ctx, report.Attempt)
	return nil
}

// begin finds the peer relation and hands it to the library.
func (h *hook) begin(ctx context.Context) error {
	config := rollingops.Config{
		Unit:    h.event.Unit,
		Clock:   h.Clock,
		Waker:   h.Waker,
		Log:     h.Log,
		Pacing:  h.pacing,
		Window:  h.window,
		Primary: h.primary,

		Attempts: h,
	}
	var err error
	if h.peers, err = unit.FindPeers(ctx, h.Tools, h.event, PeerRelation); err != nil {
		return err
	}
	h.peers.Join(&config)
	manager := rollingops.New(config)
	for operation := range works {
		manager.Register(operation, h.callback(operation))
	}
	manager.Register(failedRestart, h.failedRestart)
	manager.Register(deferredRestart, h.deferredRestart)
	for _, operation := range rollable {
		manager.Rollable(operation)
	}
	h.load(statusNote, &h.shown)
	h.ops, err = manager.Begin(ctx, h.event.Library())
	return err
}

// surveys reports whether the leader reads every unit in this hook: to take
// stock, and until its status says how it is.
func (h *hook) surveys() bool {
	record, _, _ := h.ops.Step()
	return h.event.Kind == unit.UpdateStatus || len(h.shown.Unreadable) > 0 || record.Active() && h.shown.Rollout == line{}
}

// retryChanged spares the unit the rest of its pause if the configuration is not
// the one with which its last attempt failed.
func (h *hook) retryChanged(ctx context.Context) error {
	status, err := h.ops.Status(ctx)
	if err != nil || status.Failed == 0 {
		return err
	}
	config, err := h.config(ctx)
	if err != nil {
		return err
	}
	failed := h.progressOf(status.Requested + " " + status.Operation).Config
	if failed == "" || failed == config.fingerprint || config.err != nil {
		return nil
	}
	if h.ops.RetryNow() {
		h.Log.Info("the configuration has changed: the next attempt need not wait", "operation", status.Operation)
	}
	return nil
}

// loadedConfig is the configuration and what is wrong with it.
type loadedConfig struct {
	Config
	err         error
	fingerprint string
	anyCommand  bool // some application's
}

// config asks for the configuration, once a hook. It fails when Juju does;
// options that can't be used are the error inside.
func (h *hook) config(ctx context.Context) (*loadedConfig, error) {
	if h.conf == nil {
		settings, err := h.Tools.Config(ctx)
		if err != nil {
			return nil, fmt.Errorf("cannot read the configuration: %w", err)
		}
		c := &loadedConfig{fingerprint: fingerprint(settings)}
		text, _ := settings.String("command") // ParseConfig tells of its error
		c.anyCommand = strings.TrimSpace(text) != ""
		if c.Config, c.err = ParseConfig(settings, h.workload()); c.err != nil {
			h.Log.Warn("configuration can't be used", "error", c.err)
		}
		h.conf = c
	}
	return h.conf, nil
}

// workload is the application that the unit works on: the principal's beside a
// subordinate unit, else its own.
func (h *hook) workload() string {
	return unitname.Application(cmp.Or(h.event.Principal, h.event.Unit))
}

// maxPrimaryCheck is how long the primary-check may take: the leader that answers its
// own rollout has the application databag to write soon.
const maxPrimaryCheck = 10 * time.Second

// primary reports whether the unit should go last in a rollout.
func (h *hook) primary(ctx context.Context) (bool, error) {
	config, err := h.config(ctx)
	if err != nil || len(config.PrimaryCheck) == 0 {
		return false, err
	}
	err = h.program(ctx, maxPrimaryCheck, config.PrimaryCheck...)
	if exitCode(err) >= 0 {
		return false, nil // the command says no
	}
	return err == nil, err
}

// window returns when a step of a rollout may begin: not before the configuration
// can be used, of which there will be a hook.
func (h *hook) window(ctx context.Context, now time.Time) (time.Time, error) {
	config, err := h.config(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if config.err != nil {
		return now.Add(time.Hour), nil
	}
	return config.Window.Opens(now), nil
}

func (h *hook) pacing(ctx context.Context) (rollingops.Pacing, error) {
	config, err := h.config(ctx)
	if err != nil {
		return rollingops.Pacing{}, err
	}
	return config.Pacing, nil
}
