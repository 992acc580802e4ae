package steps

import (
	"context"

	"rolling-ops/internal/operator/juju"
	"rolling-ops/jujusim/charmfacts"
)

// Backend is a Juju model with one application in it, the charm under test,
// as the steps of a script drive it: the simulated model or a real one. One
// script has one Backend to itself. The methods are called by several
// goroutines at once.
//
// Unless it says otherwise a method returns when Juju has taken the request,
// as the juju command does, and not when the units have acted on it: the
// scripts wait for what they need.
type Backend interface {
	// Deploy adds the application, with its first units. It is called once,
	// before everything else.
	Deploy(ctx context.Context, d Deployment) error
	// AddUnits adds n units.
	AddUnits(ctx context.Context, n int) error
	// RemoveUnit removes a unit; with force without waiting for its hooks.
	RemoveUnit(ctx context.Context, unit string, force bool) error
	// SetConfig sets options of the application.
	SetConfig(ctx context.Context, options map[string]string) error
	// Refresh upgrades the application to another charm.
	Refresh(ctx context.Context, charm Charm) error

	// RunAction runs an action and returns when it has ended. That it failed, or
	// that Juju refused its parameters, is no error but part of the result.
	RunAction(ctx context.Context, unit, action string, params map[string]any) (ActionResult, error)
	// Exec runs a shell command in the context of a unit, as juju exec does: the
	// unit's hook tools are on its PATH, and it waits its turn with the unit's
	// hooks.
	Exec(ctx context.Context, unit, command string) (ExecResult, error)

	// State returns the model as it is now.
	State(ctx context.Context) (State, error)
	// Transitions returns what the units have written to their transitions.log
	// since they were deployed, in the order of time; lines of the same time in
	// the order in which their unit wrote them. What units that are gone have
	// written is part of it if the backend can still tell.
	Transitions(ctx context.Context) ([]Transition, error)
	// Changes returns a channel that gets a value, soon, whenever what State or
	// Transitions return may have changed; several changes may be one value, and
	// a value may come without a change. It ends with ctx.
	Changes(ctx context.Context) <-chan struct{}

	// Destroy removes the model and everything that the backend has started.
	Destroy(ctx context.Context) error
}

// A Charm names one of the charms that the test has built.
type Charm string

const (
	// RollingOps is the charm of this project.
	RollingOps Charm = "rolling-ops"
	// Subordinate is the same charm for the machines of other applications.
	Subordinate Charm = "rolling-ops-subordinate"
	// Other is a charm of the same name with other operations, see package
	// tests/integration/othercharm.
	Other Charm = "other"
)

// Application is the name under which the charm is deployed.
const Application = "rolling-ops"

// Deployment says what to deploy.
type Deployment struct {
	Charm  Charm
	Units  int
	Config map[string]string
	// Principals are what a subordinate charm is integrated with: Units is the
	// sum of theirs.
	Principals []Principal
}

// Principal is an application that a subordinate charm is integrated with.
type Principal struct {
	App   string
	Units int
}

// ActionResult is how an action ended.
type ActionResult struct {
	Status  string // completed, or else: failed, cancelled ...
	Message string // why it failed
	Results map[string]any
	Log     []string
}

// ExecResult is how a command on a unit ended.
type ExecResult struct {
	Stdout string
	Stderr string
	Code   int
}

// State is what an operator can see of a model.
type State struct {
	Units []Unit // in the order of their numbers
	// App is the application's side of the peer relation.
	App map[string]string
}

// Unit is what an operator can see of a unit.
type Unit struct {
	Name   string
	Leader bool
	// Principal is the unit that a subordinate's is beside.
	Principal string
	Status    string // workload status: active, waiting, error ...
	Message   string
	// Idle reports that the unit's agent runs nothing and has nothing to run. Scripts
	// take it that the unit has heard what the others have written, so a backend
	// that can't tell lets some time go by before it says so.
	Idle bool
	// Databag is the unit's side of the peer relation.
	Databag map[string]string
}

// Transition is a line of a unit's transitions.log.
type Transition = charmfacts.Transition

// The interfaces below are for what not every backend can do. A step that
// needs one fails on a backend that does not have it, so such steps belong
// into scripts of that backend alone.

// Operated is a Backend that the operators' program can be run on.
type Operated interface {
	// Juju returns how to call a juju that is about the model.
	Juju() juju.Client
}

// Settler is a Backend that can tell when nothing of the charm runs any more.
// Every script has to come to that point.
type Settler interface {
	// Settle waits until no unit runs anything, and no process is left that the
	// charm has started in the background.
	Settle(ctx context.Context) error
}

// Logger is a Backend that can show what the units have logged, for the report
// of a failure.
type Logger interface {
	// Log returns the end of a unit's log.
	Log(ctx context.Context, unit string) (string, error)
}

// Elector is a Backend that can move leadership.
type Elector interface {
	// Elect makes the unit the leader. Unless it is to be now it waits, as Juju
	// does, until the leader runs no hook that was told that it leads.
	Elect(ctx context.Context, unit string, now bool) error
}

// HookKiller is a Backend that can kill what a unit runs.
type HookKiller interface {
	// KillHook kills the hook or action that the unit runs now.
	KillHook(ctx context.Context, unit string) error
}

// WorkerKiller is a Backend that can kill a unit's worker.
type WorkerKiller interface {
	// KillWorker kills the worker that waits in the background of the unit; it
	// waits until there is one.
	KillWorker(ctx context.Context, unit string) error
}

// Ticker is a Backend in which update-status can be had at once.
type Ticker interface {
	// UpdateStatus has the unit run update-status.
	UpdateStatus(ctx context.Context, unit string) error
}

// Subordinator is a Backend on which a subordinate charm can be deployed. A unit
// of a principal comes with one of the subordinate's.
type Subordinator interface {
	// AddPrincipalUnits adds units to a principal application.
	AddPrincipalUnits(ctx context.Context, app string, n int) error
	// RemovePrincipalUnit removes a unit of a principal application.
	RemovePrincipalUnit(ctx context.Context, unit string, force bool) error
	// RemoveRelation ends the integration with a principal application.
	RemoveRelation(ctx context.Context, app string) error
}

// Rebooter is a Backend whose units' machines can be rebooted.
type Rebooter interface {
	// Reboot reboots the machine of a unit and waits until it has come up, or
	// stays down.
	Reboot(ctx context.Context, unit string) error
	// StayDown has the machine stay down from its next reboot until Boot.
	StayDown(ctx context.Context, unit string) error
	// Boot boots a machine that stayed down.
	Boot(ctx context.Context, unit string) error
}

// AgentStopper is a Backend that can stop the agent of a unit.
type AgentStopper interface {
	// StopAgent stops the unit's agent, which kills what the unit runs.
	StopAgent(ctx context.Context, unit string) error
	// StartAgent starts it again.
	StartAgent(ctx context.Context, unit string) error
}
