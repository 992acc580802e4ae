// Package picture is what is known of an application's lock and rollout at one
// moment, drawn from juju status and the databags. Its JSON is schema 1, which
// docs/reference.md describes: what is absent is unknown; an enum may grow, and
// nothing is ever renamed.
package picture

import (
	"time"

	"rolling-ops/internal/rollout"
)

// Schema is the version of the JSON.
const Schema = 1

// Picture is an application at one moment.
type Picture struct {
	Schema      int       `json:"schema"`
	Taken       time.Time `json:"taken"`
	Application string    `json:"application"`
	Controller  string    `json:"controller"`
	Model       string    `json:"model"`
	Leader      string    `json:"leader,omitempty"`
	Lock        Lock      `json:"lock"`
	Rollout     *Rollout  `json:"rollout,omitempty"` // the newest one
	Units       []Unit    `json:"units"`             // by number
	Warnings    []Warning `json:"warnings"`
	History     []Ended   `json:"history"` // the newest first
}

// Lock is who holds it.
type Lock struct {
	Holder  string     `json:"holder,omitempty"` // nobody if absent
	Since   *time.Time `json:"since,omitempty"`
	Stalled bool       `json:"stalled"` // held for 15 minutes, or its holder's agent is lost
}

// Rollout is the newest one.
type Rollout struct {
	ID          int           `json:"id"`
	Token       string        `json:"token"`
	Operation   string        `json:"operation"`
	State       rollout.State `json:"state"`
	Why         rollout.Why   `json:"why,omitempty"`       // of a paused one
	WaitsFor    string        `json:"waits-for,omitempty"` // the unit that runs, fails, or has to answer
	Total       int           `json:"total"`               // without those that are gone
	Done        int           `json:"done"`
	Failing     []string      `json:"failing"`
	Failed      []string      `json:"failed"`
	Skipped     []string      `json:"skipped"`
	Gone        []string      `json:"gone"`
	Order       []string      `json:"order"` // of all that are not gone, as it would be now
	PauseAfter  string        `json:"pause-after"`
	MaxFailures int           `json:"max-failures"`
	Retries     int           `json:"retries"`
	Started     time.Time     `json:"started"`
	Ended       *time.Time    `json:"ended,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Parameters  string        `json:"parameters,omitempty"` // of the operation, as JSON
}

// Active reports whether the rollout has not ended.
func (r *Rollout) Active() bool {
	return r != nil && (r.State == rollout.Running || r.State == rollout.Paused)
}

// Unit is one unit of the application, or one that was.
type Unit struct {
	Name      string     `json:"name"`
	Principal string     `json:"principal,omitempty"` // the unit that a subordinate's is beside
	Leader    bool       `json:"leader"`
	Primary   bool       `json:"primary,omitempty"` // it asked for the last turn when it answered last
	Agent     string     `json:"agent,omitempty"`   // as in juju status: idle, executing, lost ...
	Status    string     `json:"status,omitempty"`  // of the workload, as in juju status
	Message   string     `json:"message,omitempty"`
	Step      Step       `json:"step,omitempty"` // absent: no rollout names the unit
	Attempts  int        `json:"attempts"`       // of the step that ended
	Granted   *time.Time `json:"granted,omitempty"`
	Ended     *time.Time `json:"ended,omitempty"`
	Error     string     `json:"error,omitempty"`
	Queued    *int       `json:"queued,omitempty"`
	Asks      string     `json:"asks,omitempty"` // request, retry-release, retry-hold
	Last      *Last      `json:"last,omitempty"` // single operation that ended
}

// Step is what the unit is to the rollout: a rollout.Phase, or
type Step = rollout.Phase

// Running is the step of a unit that was ready and holds the lock for it.
const Running Step = "running"

// Last is how a unit's last single operation ended.
type Last struct {
	Operation string     `json:"operation"`
	Requested *time.Time `json:"requested,omitempty"`
	Ended     *time.Time `json:"ended,omitempty"`
	Attempts  int        `json:"attempts"`
	Outcome   string     `json:"outcome"` // done, gave-up
	Error     string     `json:"error,omitempty"`
}

// Ended is a rollout that has ended.
type Ended struct {
	ID        int           `json:"id"`
	Operation string        `json:"operation,omitempty"`
	State     rollout.State `json:"state"` // done, aborted
	Started   *time.Time    `json:"started,omitempty"`
	Ended     *time.Time    `json:"ended,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	*Counts                 // nil if its record could not be read
}

// Counts are numbers of units at the end of a rollout.
type Counts struct {
	Total   int `json:"total"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Gone    int `json:"gone"`
}

// Warning is something that a person should know.
type Warning struct {
	Code Code   `json:"code"`
	Unit string `json:"unit,omitempty"`
	Text string `json:"text"`
}

// Code says what a warning is about.
type Code string

const (
	AgentLost         Code = "agent-lost"         // Juju does not hear of the unit's agent
	UnitError         Code = "unit-error"         // a hook fails
	UnitUnhealthy     Code = "unit-unhealthy"     // the workload is blocked for a reason of its own, or its status unknown
	UnitFailed        Code = "unit-failed"        // in all its attempts of the rollout: the text is why
	QueueNotEmpty     Code = "queue-not-empty"    // single operations wait
	QueueUnreadable   Code = "queue-unreadable"   // clear it
	StepUnreadable    Code = "step-unreadable"    // what the unit says of its step or last operation
	RecordUnreadable  Code = "record-unreadable"  // abort the rollout
	HistoryUnreadable Code = "history-unreadable" // the next rollout that ends writes a new one
	LockStalled       Code = "lock-stalled"       // held for 15 minutes, or the holder's agent is lost
	HolderGone        Code = "holder-gone"        // the leader frees it within 30 s
	LockUnreadable    Code = "lock-unreadable"    // the grant has no stamp: the leader clears it
	NoLeader          Code = "no-leader"          // Juju elects one
	NoAnswer          Code = "no-answer"          // the unit whose turn it is has not said that it is ready
	NoHealthCheck     Code = "no-health-check"    // the option is empty (plan)
	NoRollouts        Code = "no-rollouts"        // the charm has no such actions (plan)
	UnderWay          Code = "rollout-under-way"  // another one has to end first (plan)
	ConfigUnknown     Code = "options-unknown"    // juju config fails (plan)
	WindowTooShort    Code = "window-too-short"   // the rollout goes on in the next one (plan)
	WindowUnusable    Code = "window-unusable"    // the option can't be read (plan)
)

// Label is the unit's name for people: of one beside another with that one's.
func (u *Unit) Label() string {
	if u.Principal == "" {
		return u.Name
	}
	return u.Name + " on " + u.Principal
}

// Label is that of the unit with this name, and for one that is gone the name.
func (p *Picture) Label(name string) string {
	if u := p.Unit(name); u != nil {
		return u.Label()
	}
	return name
}

// Warn adds a warning.
func (p *Picture) Warn(code Code, unit, text string) {
	p.Warnings = append(p.Warnings, Warning{code, unit, text})
}

// Unit finds a unit by its name.
func (p *Picture) Unit(name string) *Unit {
	for i := range p.Units {
		if p.Units[i].Name == name {
			return &p.Units[i]
		}
	}
	return nil
}
