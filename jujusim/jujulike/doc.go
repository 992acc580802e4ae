// Package jujulike answers like the juju client does, for a model that is not
// Juju's: status, show-unit, run, show-task, cancel-task, exec, actions, config
// and remove-unit. What a program prints that is written for juju can so
// be seen and tested on a simulated model.
//
// [Answer] is one call of juju on a [World]. [Serve] answers for a
// [agent.Cluster] on a socket, and [Main] is the program juju that asks there: a link
// with that name to a program that calls Main when it is started as juju.
package jujulike

import (
	"context"

	"rolling-ops/jujusim/agent"
)

// World is what juju is asked about.
type World interface {
	Look() View
	// Start queues an action and returns the id of its task.
	Start(unit, action string, params map[string]any) (string, error)
	Task(id string) (Task, bool)
	// Wait waits until a task is over.
	Wait(ctx context.Context, id string) error
	// Cancel takes back a task that is pending.
	Cancel(id string) bool
	SetConfig(values map[string]string) error
	RemoveUnit(unit string, force bool) error
	// Exec runs a command on a unit's machine, in the unit's turn.
	Exec(ctx context.Context, unit, command string) (agent.ExecResponse, error)
}

// View is a model with one application.
type View struct {
	Controller string
	Model      string
	Status     agent.Status
	Interfaces map[string]string // of the peer relations, by endpoint
	Actions    map[string]string // what they say of themselves, by name
	Config     map[string]any
}

// Task is an action on a unit.
type Task struct {
	ID      string
	Unit    string
	Status  string // one of jujusim's
	Message string
	Results map[string]any
}

// Over reports whether the task has ended, whichever way.
func (t Task) Over() bool { return t.Status != "pending" && t.Status != "running" }
