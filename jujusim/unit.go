package jujusim

import (
	"time"
)

// unit is one unit and what its agent has in mind.
type unit struct {
	name string
	num  int
	// principal is the unit that this one is beside; empty if the charm is not
	// subordinate.
	principal string
	host      int    // the relation with it, or noRelation
	charm     *Charm // the one it runs, which may be behind the application's
	revision  int

	down          bool // the agent does not run
	dying         bool
	installed     bool
	started       bool
	stopped       bool
	rebooted      bool // the machine came up again: start is to run
	boots         int  // how often the machine was booted again
	leftPrincipal bool // a subordinate that leaves has left the relation with its principal
	accepted      bool // leader-elected ran for the present leadership

	configChanged bool
	updateStatus  bool

	queued    *Run // follows what ran last: start, config-changed after an upgrade, or what a reboot cut off
	failed    *Run // the hook in error
	retries   int
	notBefore time.Time

	actions []*queuedAction
	execs   []queuedExec

	state     map[string]string // state-set; replaced, never changed
	status    Status
	statusSet bool // the charm has set its status itself
	version   string
	ports     []string

	rels []membership // one for each of Model.relations
	hook *Hook
}

// resignIfDeposed notes that the unit is no longer leader. A unit that runs a
// hook only looks when that is over, so a leadership that went and came back
// meanwhile passes unseen.
func (u *unit) resignIfDeposed(m *Model) {
	if u.hook != nil || u.down || (m.leader == u.name && !u.dying) {
		return
	}
	u.accepted = false
	if u.failed != nil && u.failed.Name == "leader-elected" {
		u.clearError()
		m.enterScope(u)
	}
}

func (u *unit) clearError() {
	u.failed, u.retries, u.notBefore = nil, 0, time.Time{}
}

// fail puts the unit in error over a hook that will run again.
func (u *unit) fail(run Run, now time.Time) {
	wait := retryMax
	if u.retries < 7 {
		wait = min(retryMin<<u.retries, retryMax)
	}
	u.retries++
	u.notBefore = now.Add(wait)
	run.NotBefore, run.Attempt = time.Time{}, 0
	u.failed = &run
}

// UnitInfo is a unit at one moment.
type UnitInfo struct {
	Name     string
	Leader   bool
	Life     string // alive or dying
	Status   Status // of the workload; "error" while a hook is in error
	Version  string // of the workload
	Charm    *Charm // that it runs
	Revision int    // of that charm
	Down     bool   // the agent does not run
	// Principal is the unit that a subordinate is beside.
	Principal string
	// Boots counts the reboots of the unit's machine: what tells one boot id from
	// another.
	Boots   int
	Running *Run // nil if nothing runs
	Failed  *Run // the hook in error, nil if none
	// RetryAt is when the hook in error runs again.
	RetryAt time.Time
	Ports   []string
	State   map[string]string
}

// Unit returns a unit as it is now; ok is false if there is none of that name.
func (m *Model) Unit(name string) (info UnitInfo, ok bool) {
	u, err := m.unit(name)
	if err != nil {
		return UnitInfo{}, false
	}
	info = UnitInfo{
		Name:      u.name,
		Leader:    m.leader == u.name,
		Life:      life(u.dying),
		Principal: u.principal,
		Boots:     u.boots,
		Status:    u.workloadStatus(),
		Version:   u.version,
		Charm:     u.charm,
		Revision:  u.revision,
		Down:      u.down,
		RetryAt:   u.notBefore,
		Ports:     append([]string(nil), u.ports...),
		State:     cloneMap(u.state),
	}
	if u.hook != nil {
		run := u.hook.run
		info.Running = &run
	}
	if u.failed != nil {
		run := *u.failed
		info.Failed = &run
	}
	return info, true
}

func life(dying bool) string {
	if dying {
		return "dying"
	}
	return "alive"
}

// workloadStatus is what `juju status` and goal-state show: a hook in error
// hides what the charm set.
func (u *unit) workloadStatus() Status {
	if u.failed != nil {
		return Status{Status: "error", Message: `hook failed: "` + u.failed.Name + `"`, Since: u.status.Since}
	}
	return u.status
}

// AppStatus returns the status that a leader set for the application.
func (m *Model) AppStatus() Status { return m.appStatus }
