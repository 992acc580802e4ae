package unit

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unitname"
	"rolling-ops/internal/worker"
)

// Kind is what an event is to the lock: the hook's name, without the peer
// relation's in front.
type Kind string

// The kinds of events.
const (
	Install          Kind = "install"
	Start            Kind = "start"
	ConfigChanged    Kind = "config-changed"
	UpgradeCharm     Kind = "upgrade-charm"
	LeaderElected    Kind = "leader-elected"
	UpdateStatus     Kind = "update-status"
	RelationCreated  Kind = "relation-created"
	RelationJoined   Kind = "relation-joined"
	RelationChanged  Kind = "relation-changed"
	RelationDeparted Kind = "relation-departed"
	RelationBroken   Kind = "relation-broken"
	LockGranted      Kind = worker.Hook // run by the worker, not by Juju
	Stop             Kind = "stop"
	Remove           Kind = "remove"
	Action           Kind = "action"
	Unknown          Kind = "unknown"
)

// Bounds of what the environment may hold, in bytes.
const (
	maxPath = 4096
	maxName = 255 // of a hook or an action
)

var hooks = map[string]Kind{
	"install":        Install,
	"start":          Start,
	"config-changed": ConfigChanged,
	"upgrade-charm":  UpgradeCharm,
	"leader-elected": LeaderElected,
	"update-status":  UpdateStatus,
	worker.Hook:      LockGranted,
	"stop":           Stop,
	"remove":         Remove,
}

// relationHooks are those of the peer relation, without its name in front.
var relationHooks = map[string]Kind{
	"-relation-created":  RelationCreated,
	"-relation-joined":   RelationJoined,
	"-relation-changed":  RelationChanged,
	"-relation-departed": RelationDeparted,
	"-relation-broken":   RelationBroken,
}

// Event is what Juju runs the charm for.
type Event struct {
	Kind Kind
	// Name is the hook's or the action's name.
	Name string
	// Unit is the local unit, such as "rolling-ops/0".
	Unit string
	// CharmDir is the absolute path of the charm on this machine.
	CharmDir string
	// Principal is the unit that a subordinate's is beside, such as
	// "postgresql/0"; "" if the charm is a principal one.
	Principal string
	// RelationID is the peer relation, such as "restart:0". Only in the hooks
	// of that relation.
	RelationID string
	// RemoteUnit is the unit that a relation-changed is about, "" if that is the
	// application.
	RemoteUnit string
	// DepartingUnit is the unit that is being removed. Only in
	// relation-departed.
	DepartingUnit string
}

// Library is the event as far as the protocol depends on it.
func (e Event) Library() rollingops.Event {
	event := rollingops.Event{Leaving: e.DepartingUnit == e.Unit, Departing: e.DepartingUnit}
	switch e.Kind {
	case RelationChanged:
		event.Kind, event.Remote = rollingops.RelationChanged, e.RemoteUnit
	case UpdateStatus:
		event.Kind = rollingops.UpdateStatus
	case LockGranted:
		event.Kind = rollingops.LockGranted
	}
	return event
}

// TakesPart reports whether the unit has a part in a roll in this hook. Before its
// peer relation is there, and when that is over, it has none.
func (e Event) TakesPart() bool {
	switch e.Kind {
	case Install, RelationBroken, Stop, Remove:
		return false
	}
	return true
}

// ParseEvent reads the event off the environment of a hook, an action or a
// juju-exec command. Relation is the endpoint of the peer relation in
// metadata.yaml. A hook that the lock has no use for is of Kind Unknown. It fails if a variable is
// missing that Juju always sets, or can't be what Juju would set.
func ParseEvent(getenv func(string) string, relation string) (Event, error) {
	p := parser{getenv: getenv, relation: relation}
	ev := p.event()
	ev.Unit = p.get("JUJU_UNIT_NAME", unitname.Valid)
	ev.CharmDir = p.get("JUJU_CHARM_DIR", isAbsolutePath)
	if getenv("JUJU_PRINCIPAL_UNIT") != "" {
		ev.Principal = p.get("JUJU_PRINCIPAL_UNIT", unitname.Valid)
	}
	switch ev.Kind {
	case RelationChanged:
		if getenv("JUJU_REMOTE_UNIT") != "" {
			ev.RemoteUnit = p.get("JUJU_REMOTE_UNIT", unitname.Valid)
		}
	case RelationDeparted:
		// Juju before 2.8 doesn't say who departs.
		if getenv("JUJU_DEPARTING_UNIT") != "" {
			ev.DepartingUnit = p.get("JUJU_DEPARTING_UNIT", unitname.Valid)
		}
	}
	switch ev.Kind {
	case RelationCreated, RelationJoined, RelationChanged, RelationDeparted, RelationBroken:
		ev.RelationID = p.get("JUJU_RELATION_ID", p.isPeerRelationID)
	}
	if err := errors.Join(p.errs...); err != nil {
		return Event{}, fmt.Errorf("cannot tell the event: %w", err)
	}
	return ev, nil
}

type parser struct {
	getenv   func(string) string
	relation string
	errs     []error
}

// get returns a variable that must be set and valid.
func (p *parser) get(name string, valid func(string) bool) string {
	value := p.getenv(name)
	switch {
	case value == "":
		p.errs = append(p.errs, fmt.Errorf("%s is not set", name))
	case !valid(value):
		p.errs = append(p.errs, fmt.Errorf("%s is invalid: %.100q", name, value))
	default:
		return value
	}
	return ""
}

// event reads JUJU_DISPATCH_PATH: hooks/NAME or actions/NAME, whatever
// directory is in front.
func (p *parser) event() Event {
	dispatch := p.get("JUJU_DISPATCH_PATH", isDispatchPath)
	dir, name := path.Split(dispatch)
	if path.Base(dir) == "actions" {
		return Event{Kind: Action, Name: name}
	}
	if kind, ok := hooks[name]; ok {
		return Event{Kind: kind, Name: name}
	}
	if suffix, ok := strings.CutPrefix(name, p.relation); ok && relationHooks[suffix] != "" {
		return Event{Kind: relationHooks[suffix], Name: name}
	}
	return Event{Kind: Unknown, Name: name}
}

func isDispatchPath(s string) bool {
	dir, name := path.Split(s)
	kind := path.Base(dir)
	return len(s) <= maxPath && (kind == "hooks" || kind == "actions") && isHookName(name)
}

// isHookName reports whether s can name a hook or an action.
func isHookName(s string) bool {
	return s != "" && len(s) <= maxName && isAlphanumeric(rune(s[0])) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '_' && r != '.' })
}

func (p *parser) isPeerRelationID(s string) bool {
	number, ok := strings.CutPrefix(s, p.relation+":")
	return ok && unitname.IsNumber(number)
}

func isAbsolutePath(s string) bool {
	return len(s) <= maxPath && filepath.IsAbs(s) && !strings.ContainsRune(s, 0)
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
