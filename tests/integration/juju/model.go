package juju

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/juju/juju/api"
	"github.com/juju/juju/api/client/action"
	"github.com/juju/juju/api/client/application"
	"github.com/juju/juju/api/client/charms"
	"github.com/juju/juju/api/client/client"
	"github.com/juju/juju/api/client/modelconfig"
	"github.com/juju/juju/core/base"
	"github.com/juju/juju/rpc/params"
	"github.com/juju/names/v6"

	"rolling-ops/internal/operator/juju"
	"rolling-ops/tests/integration/steps"
)

// Setup is what the models of a run have in common.
type Setup struct {
	// Charms are the archives of the charms that scripts deploy.
	Charms map[steps.Charm]string
	// Base is what the units' machines run.
	Base base.Base
	// Arch is the machines' architecture, in Go's terms.
	Arch string
	// Keep says that models are not destroyed.
	Keep bool
	// Logf tells the reader of the test about the model.
	Logf func(format string, args ...any)
}

// Model is a real Juju model, as a [steps.Backend].
type Model struct {
	controller *Controller
	setup      Setup
	name       string
	conn       api.Connection

	applications *application.Client
	actions      *action.Client
	client       *client.Client
	uploads      *charms.LocalCharmClient

	logs    *logs
	changes *changes
}

var _ interface {
	steps.Backend
	steps.Settler
	steps.Logger
	steps.Operated
} = (*Model)(nil)

// How often units run update-status, and the longest interval that Juju takes.
const (
	updateStatusInterval = "update-status-hook-interval"
	longestInterval      = "60m"
)

// NewModel adds a model, whose name begins with the name given.
func NewModel(ctx context.Context, c *Controller, name string, setup Setup) (*Model, error) {
	m := &Model{controller: c, setup: setup, name: name + "-" + randomSuffix(), logs: newLogs()}
	tag, err := c.addModel(ctx, m.name, map[string]any{
		"logging-config": "<root>=INFO;unit=DEBUG",
		// A roll that stands still is not to be saved by the last resort.
		updateStatusInterval: longestInterval,
	})
	if err != nil {
		return nil, err
	}
	if m.conn, err = c.connect(ctx, tag.Id()); err == nil {
		m.uploads, err = charms.NewLocalCharmClient(m.conn)
	}
	if err != nil {
		if m.conn != nil {
			err = errors.Join(err, m.conn.Close())
		}
		return nil, errors.Join(err, c.beginDestroy(ctx, m.name))
	}
	m.applications = application.NewClient(m.conn)
	m.actions = action.NewClient(m.conn)
	m.client = client.NewClient(m.conn, nil)
	m.changes = follow(m.client)
	return m, nil
}

// Configure sets options of the model.
func (m *Model) Configure(ctx context.Context, options map[string]any) error {
	if err := modelconfig.NewClient(m.conn).ModelSet(ctx, options); err != nil {
		return fmt.Errorf("cannot configure the model: %w", err)
	}
	return nil
}

// Juju implements steps.Operated, with the user's own client.
func (m *Model) Juju() juju.Client { return juju.Client{Model: m.controller.name + ":" + m.name} }

// Name returns the model's name.
func (m *Model) Name() string { return m.name }

func randomSuffix() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Destroy has the model destroyed, unless it is to be kept. It does not wait
// until it is gone: [Controller.DestroyAll] does.
func (m *Model) Destroy(ctx context.Context) error {
	defer m.conn.Close()
	defer m.changes.stop()
	if m.setup.Keep {
		m.setup.Logf("kept model %s", m.name)
		return nil
	}
	return m.controller.beginDestroy(ctx, m.name)
}

// patience is how long what the charm has started may take to end when the
// model has become idle.
const patience = 10 * time.Second

// Settle implements steps.Settler. A worker may be left on each unit that waits
// for a time long after: the pause after which it was to bring the unit back was
// cut short by something else.
func (m *Model) Settle(ctx context.Context) error {
	return retry(ctx, patience, func() error { return m.checkProcesses(ctx) })
}

// listProcesses prints the names of the processes whose program or working
// directory lies in a charm's directory.
const listProcesses = `for p in $(find /proc -maxdepth 2 -regex "/proc/[0-9]*/\(exe\|cwd\)" -lname "/var/lib/juju/agents/unit-*/charm*" 2>/dev/null | ` +
	`cut -d/ -f3 | sort -u); do cat /proc/$p/comm 2>/dev/null; done; true`

// checkProcesses returns an error if a unit has processes of the charm other
// than one worker.
func (m *Model) checkProcesses(ctx context.Context) error {
	machines, err := m.machines(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for unit, machine := range machines {
		result, err := m.execAsRoot(ctx, machine, listProcesses)
		if err == nil && result.Code != 0 {
			err = errors.New(result.Stderr)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot list the processes of %s: %w", unit, err))
		} else if left := strings.Fields(result.Stdout); len(left) > 1 || len(left) == 1 && left[0] != "worker" {
			errs = append(errs, fmt.Errorf("%s has left %s", unit, strings.Join(left, ", ")))
		}
	}
	return errors.Join(errs...)
}

// State returns the units with their statuses and databags.
func (m *Model) State(ctx context.Context) (steps.State, error) {
	status, err := m.client.Status(ctx, nil)
	if err != nil {
		return steps.State{}, fmt.Errorf("cannot get the status: %w", err)
	}
	var state steps.State
	units := status.Applications[steps.Application].Units
	settled := settled(status, units)
	for name, unit := range units {
		state.Units = append(state.Units, steps.Unit{
			Name:    name,
			Leader:  unit.Leader,
			Status:  unit.WorkloadStatus.Status,
			Message: unit.WorkloadStatus.Info,
			// Juju names the charm of a unit that has not been upgraded yet.
			Idle: settled && unit.AgentStatus.Status == "idle" && unit.Charm == "",
		})
	}
	slices.SortFunc(state.Units, func(a, b steps.Unit) int { return unitNumber(a.Name) - unitNumber(b.Name) })
	if err := m.addDatabags(ctx, &state); err != nil {
		return steps.State{}, err
	}
	m.logs.setPresent(state.Units)
	return state, nil
}

// settle is how long after the last hook of a unit the others have heard what
// it has written. Juju delivers within a second while there is something to
// deliver; it looks less and less often in a model in which nothing happens.
const settle = 3 * time.Second

// settled reports whether no unit's agent has begun or ended anything lately.
func settled(status *params.FullStatus, units map[string]params.UnitStatus) bool {
	now := status.ControllerTimestamp
	for _, unit := range units {
		if since := unit.AgentStatus.Since; now == nil || since == nil || now.Sub(*since) < settle {
			return false
		}
	}
	return true
}

// addDatabags adds the databags of the peer relation to the state. Units that
// have gone since are taken out.
func (m *Model) addDatabags(ctx context.Context, state *steps.State) error {
	if len(state.Units) == 0 {
		return nil
	}
	var tags []names.UnitTag
	for _, unit := range state.Units {
		tags = append(tags, names.NewUnitTag(unit.Name))
	}
	infos, err := m.applications.UnitsInfo(ctx, tags)
	if err != nil {
		return fmt.Errorf("cannot get the databags: %w", err)
	}
	var present []steps.Unit
	for i, info := range infos {
		unit := state.Units[i]
		if info.Error != nil {
			switch text := info.Error.Error(); { // it comes without its code
			case strings.Contains(text, "not found"):
				continue
			case strings.Contains(text, "unit is dead"):
				unit.Idle = false // it is still to be removed
			default:
				return fmt.Errorf("cannot get the databag of %s: %w", unit.Name, info.Error)
			}
		}
		for _, relation := range info.RelationData {
			if relation.Endpoint == peerEndpoint {
				unit.Databag = databag(relation.UnitRelationData[unit.Name].UnitData)
				state.App = databag(relation.ApplicationData)
			}
		}
		present = append(present, unit)
	}
	state.Units = present
	return nil
}

const peerEndpoint = "restart"

func databag(settings map[string]any) map[string]string {
	texts := map[string]string{}
	for key, value := range settings {
		texts[key] = fmt.Sprint(value)
	}
	return texts
}

// unitNumber returns the number in a unit's name.
func unitNumber(name string) int {
	return names.NewUnitTag(name).Number()
}

// Changes returns a channel that tells when the model's log goes on.
func (m *Model) Changes(ctx context.Context) <-chan struct{} { return m.changes.subscribe(ctx) }

// machines returns the machine of each unit whose agent can be talked to.
func (m *Model) machines(ctx context.Context) (map[string]string, error) {
	status, err := m.client.Status(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot get the machines: %w", err)
	}
	machines := map[string]string{}
	for name, unit := range status.Applications[steps.Application].Units {
		if status.Machines[unit.Machine].AgentStatus.Status == "started" {
			machines[name] = unit.Machine
		}
	}
	return machines, nil
}

// machineOf returns the status of a unit's machine.
func (m *Model) machineOf(ctx context.Context, unit string) (params.MachineStatus, error) {
	status, err := m.client.Status(ctx, nil)
	if err != nil {
		return params.MachineStatus{}, fmt.Errorf("cannot get the machine of %s: %w", unit, err)
	}
	u, ok := status.Applications[steps.Application].Units[unit]
	if !ok {
		return params.MachineStatus{}, fmt.Errorf("cannot get the machine of %s: no such unit", unit)
	}
	return status.Machines[u.Machine], nil
}
