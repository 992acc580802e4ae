package jujusim

import (
	"fmt"
	"time"
)

// EventKind says what happened.
type EventKind int

// What may happen.
const (
	UnitAdded EventKind = iota
	UnitLeaving
	UnitGone
	LeaderChanged
	ConfigSet
	Refreshed
	HookBegan
	HookEnded
	HookKilled // by a signal, with its agent, or with its unit
	ActionQueued
	ActionEnded
	ActionLogged
	ExecLost
	StatusSet
	AppStatusSet
	Logged // juju-log
	AgentStopped
	AgentStarted
	Rebooted // the unit's machine goes down and is to come up again
)

var eventNames = [...]string{
	"unit-added", "unit-leaving", "unit-gone", "leader-changed", "config-set", "refreshed",
	"hook-began", "hook-ended", "hook-killed", "action-queued", "action-ended", "action-logged",
	"exec-lost", "status-set", "app-status-set", "logged", "agent-stopped", "agent-started",
	"rebooted",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) && k >= 0 {
		return eventNames[k]
	}
	return fmt.Sprintf("event-%d", int(k))
}

// MarshalText writes the kind by its name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Event is one thing that happened in a model. Fields that do not belong to its
// kind are zero.
type Event struct {
	Time     time.Time
	Kind     EventKind
	Unit     string
	Previous string // the leader before
	Revision int
	Run      Run     // what began, ended, was queued or lost
	Exit     int     // of what ended; -1 if killed
	Err      error   // why a commit was refused
	Calls    int     // hook-tool calls made
	Writes   []Write // databag changes committed
	Status   Status
	Level    string // of a log line
	Message  string // logged
	Action   *ActionResult
}

// Write is a committed change of one databag.
type Write struct {
	Relation string // "restart:0"
	Unit     string // empty for the application databag
	// Changes are the keys that changed; "" is a key deleted.
	Changes map[string]string
}

func (m *Model) emit(e Event) {
	if m.tell == nil {
		return
	}
	e.Time = m.Time()
	m.tell(e)
}
