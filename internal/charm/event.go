package charm

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// PeerRelation is the endpoint in metadata.yaml that the units share.
const PeerRelation = "restart"

// Kind is what an event is to this charm: the hook's name, without the
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
	LockGranted      Kind = "rollingops_lock_granted" // run by the worker, not by Juju
	Stop             Kind = "stop"
	Remove           Kind = "remove"
	Action           Kind = "action"
	Unknown          Kind = "unknown"
)

// Bounds of what the environment may hold, in bytes.
const (
	maxPath       = 4096
	maxName       = 255 // of a hook or an action
	maxIdentifier = 255 // of a unit
)

var hooks = map[string]Kind{
	"install":                 Install,
	"start":                   Start,
	"config-changed":          ConfigChanged,
	"upgrade-charm":           UpgradeCharm,
	"leader-elected":          LeaderElected,
	"update-status":           UpdateStatus,
	"rollingops_lock_granted": LockGranted,
	"stop":                    Stop,
	"remove":                  Remove,

	PeerRelation + "-relation-created":  RelationCreated,
	PeerRelation + "-relation-joined":   RelationJoined,
	PeerRelation + "-relation-changed":  RelationChanged,
	PeerRelation + "-relation-departed": RelationDeparted,
	PeerRelation + "-relation-broken":   RelationBroken,
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
	// RelationID is the peer relation, such as "restart:0". Only in the hooks
	// of that relation.
	RelationID string
	// DepartingUnit is the unit that is being removed. Only in
	// relation-departed.
	DepartingUnit string
}

// ParseEvent reads the event off the environment of a hook, an action or a
// juju-exec command. A hook that the charm has no use for is of Kind Unknown.
// It fails if a variable is missing that Juju always sets, or can't be what
// Juju would set.
func ParseEvent(getenv func(string) string) (Event, error) {
	p := parser{getenv: getenv}
	ev := p.event()
	ev.Unit = p.get("JUJU_UNIT_NAME", isUnitName)
	ev.CharmDir = p.get("JUJU_CHARM_DIR", isAbsolutePath)
	switch ev.Kind {
	case RelationDeparted:
		// Juju before 2.8 doesn't say who departs.
		if getenv("JUJU_DEPARTING_UNIT") != "" {
			ev.DepartingUnit = p.get("JUJU_DEPARTING_UNIT", isUnitName)
		}
		fallthrough
	case RelationCreated, RelationJoined, RelationChanged, RelationBroken:
		ev.RelationID = p.get("JUJU_RELATION_ID", isPeerRelationID)
	}
	if err := errors.Join(p.errs...); err != nil {
		return Event{}, fmt.Errorf("cannot tell the event: %w", err)
	}
	return ev, nil
}

type parser struct {
	getenv func(string) string
	errs   []error
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
	kind, ok := hooks[name]
	if !ok {
		kind = Unknown
	}
	return Event{Kind: kind, Name: name}
}

func isDispatchPath(s string) bool {
	dir, name := path.Split(s)
	kind := path.Base(dir)
	return len(s) <= maxPath && (kind == "hooks" || kind == "actions") && isName(name)
}

// isName tells whether s can name a hook or an action.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && isAlphanumeric(rune(s[0])) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '_' && r != '.' })
}

// isUnitName tells whether s is APPLICATION/NUMBER. Each part of an
// application's name between hyphens has a letter, so that no application is
// called "app-1".
func isUnitName(s string) bool {
	application, number, ok := strings.Cut(s, "/")
	if !ok || len(s) > maxIdentifier || !isNumber(number) || application == "" || !isLower(rune(application[0])) {
		return false
	}
	for part := range strings.SplitSeq(application, "-") {
		if !strings.ContainsFunc(part, isLower) ||
			strings.ContainsFunc(part, func(r rune) bool { return !isLower(r) && !isDigit(r) }) {
			return false
		}
	}
	return true
}

func isPeerRelationID(s string) bool {
	number, ok := strings.CutPrefix(s, PeerRelation+":")
	return ok && isNumber(number)
}

func isAbsolutePath(s string) bool {
	return len(s) <= maxPath && filepath.IsAbs(s) && !strings.ContainsRune(s, 0)
}

// isNumber tells whether s is a number as Juju writes it, without leading zeros.
func isNumber(s string) bool {
	return s != "" && len(s) <= 10 && (s == "0" || s[0] != '0') &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isDigit(r) })
}

func isLower(r rune) bool        { return 'a' <= r && r <= 'z' }
func isDigit(r rune) bool        { return '0' <= r && r <= '9' }
func isAlphanumeric(r rune) bool { return isLower(r) || 'A' <= r && r <= 'Z' || isDigit(r) }
