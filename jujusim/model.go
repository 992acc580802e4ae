package jujusim

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"
)

// LeasePromise is how long is-leader's "true" holds, counted from the call.
const LeasePromise = 30 * time.Second

// A hook in error is retried after retryMin, doubling up to retryMax.
const (
	retryMin = 5 * time.Second
	retryMax = 5 * time.Minute
)

// Errors of the model. They come wrapped: test with errors.Is.
var (
	// ErrNoUnit means that the application has no such unit (any more).
	ErrNoUnit = errors.New("no such unit")
	// ErrBusy means that the unit runs something already.
	ErrBusy = errors.New("unit is busy")
	// ErrIdle means that the unit has nothing to run.
	ErrIdle = errors.New("unit has nothing to run")
	// ErrAgentDown means that the unit's agent does not run.
	ErrAgentDown = errors.New("unit agent is down")
	// ErrHookGone means that a hook is over: finished, killed, or its unit was
	// removed by force.
	ErrHookGone = errors.New("hook is over")
)

// Options say what a model's Juju is like. The zero value is a Juju 4.1 model.
type Options struct {
	ModelName string // "sim" if empty
	ModelUUID string
	App       string // the charm's name if empty
	Version   string // JUJU_VERSION

	// Now is the controller's clock. If nil, time stands still.
	Now func() time.Time
	// Observer is told everything that happens, in order.
	Observer func(Event)

	// AutoElect hands a leadership that is free to the lowest-numbered unit at
	// once. Otherwise it stays free until SetLeader.
	AutoElect bool
	// QuietWriter keeps relation-changed for the application databag from the
	// unit that wrote it, as some versions of Juju do.
	QuietWriter bool
	// LostDepartures models juju#23326: survivors hear of a removed unit, and
	// drop it from relation-list, only when their agent restarts.
	LostDepartures bool
	// EarlyDepartures sends relation-departed to the others as soon as a unit
	// is told to leave, as Juju 3 does, rather than when it has left.
	EarlyDepartures bool

	// Env returns what the machine adds to a unit's hook environment.
	Env func(unit string) []string
	// ReadFile and WriteFile serve --file and --output of hook tools. If nil,
	// the tools refuse them.
	ReadFile  func(path string) ([]byte, error)
	WriteFile func(path string, data []byte) error
}

// Model is one application: its units, its peer relations and all that waits to
// happen to them. It is not safe for concurrent use.
type Model struct {
	opts  *Options
	now   func() time.Time
	tell  func(Event)
	charm *Charm
	// revision counts the charms the application has had, from 0.
	revision int

	app       string
	leader    string
	promise   time.Time
	config    map[string]any // only what was set; never changed in place
	appStatus Status

	relations []*relation
	units     []*unit // by number
	// principals are the units that a subordinate application's are beside.
	principalApps []principalApp
	principals    []principal
	done          []ActionResult

	nextUnit, nextAction, nextExec, nextContext int
}

// Status is a workload status.
type Status struct {
	Status  string
	Message string
	Since   time.Time
}

// New returns a model of an application without units. Its peer relations exist
// from the start.
func New(charm *Charm, opts Options) *Model {
	if opts.ModelName == "" {
		opts.ModelName = "sim"
	}
	if opts.ModelUUID == "" {
		opts.ModelUUID = "8b0f4a4e-6d0e-4b27-8a3c-0d5a2f5d9a01"
	}
	if opts.Version == "" {
		opts.Version = "4.1-beta2"
	}
	if opts.App == "" {
		opts.App = charm.Name
	}
	m := &Model{opts: &opts, now: opts.Now, tell: opts.Observer, charm: charm, app: opts.App}
	m.appStatus = Status{Status: "unknown", Since: m.Time()}
	m.addRelations()
	return m
}

// SetClock replaces the clock, for a clone that lives in another time.
func (m *Model) SetClock(now func() time.Time) { m.now = now }

// SetObserver replaces the observer, which may be nil.
func (m *Model) SetObserver(observer func(Event)) { m.tell = observer }

// Time returns the controller's time.
func (m *Model) Time() time.Time {
	if m.now == nil {
		return time.Unix(0, 0).UTC()
	}
	return m.now()
}

// App returns the application's name.
func (m *Model) App() string { return m.app }

// Charm returns the charm that the application is at, and its revision.
func (m *Model) Charm() (*Charm, int) { return m.charm, m.revision }

// addRelations makes the peer relations that the charm has and the model lacks.
func (m *Model) addRelations() {
	for _, endpoint := range m.charm.Peers {
		known := false
		for _, r := range m.relations {
			known = known || r.endpoint == endpoint && r.remote == ""
		}
		if known {
			continue
		}
		m.relations = append(m.relations, &relation{
			id: len(m.relations), key: fmt.Sprintf("%s:%d", endpoint.Name, len(m.relations)), endpoint: endpoint,
		})
		for _, u := range m.units {
			u.rels = append(u.rels, membership{})
		}
	}
}

// addHostRelation makes the relation between a subordinate and an application of
// principals, and returns its index.
func (m *Model) addHostRelation(app string) int {
	i := len(m.relations)
	m.relations = append(m.relations, &relation{
		id: i, key: fmt.Sprintf("%s:%d", m.charm.Host, i), endpoint: Endpoint{Name: m.charm.Host}, remote: app,
	})
	for _, u := range m.units {
		u.rels = append(u.rels, membership{})
	}
	return i
}

// Units returns the names of all units, dying ones too, by number.
func (m *Model) Units() []string {
	names := make([]string, len(m.units))
	for i, u := range m.units {
		names[i] = u.name
	}
	return names
}

// Leader returns the unit that holds the leadership, or "".
func (m *Model) Leader() string { return m.leader }

// PromisedUntil returns the time until which is-leader's promise to the present
// leader holds. It is zero if none was made. Moving the leadership before that
// time breaks the promise; real Juju does not, and the model leaves the choice
// to its caller.
func (m *Model) PromisedUntil() time.Time { return m.promise }

// SetLeader gives the leadership to a unit, which then gets leader-elected. The
// unit that loses it gets no hook.
func (m *Model) SetLeader(name string) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot make %s leader: %w", name, err)
	}
	m.moveLeader(u.name)
	return nil
}

// LoseLeadership leaves the application without a leader.
func (m *Model) LoseLeadership() { m.moveLeader("") }

func (m *Model) moveLeader(name string) {
	if m.leader == name {
		return
	}
	was := m.leader
	m.leader = name
	m.promise = time.Time{}
	for _, u := range m.units {
		u.resignIfDeposed(m)
	}
	m.emit(Event{Kind: LeaderChanged, Unit: name, Previous: was})
}

func (m *Model) autoElect() {
	if !m.opts.AutoElect || m.leader != "" {
		return
	}
	for _, u := range m.units {
		if !u.dying {
			m.moveLeader(u.name)
			return
		}
	}
}

// AddUnit adds a unit and returns its name. It panics if the application is
// subordinate: see AddPrincipalUnit.
func (m *Model) AddUnit() string {
	if m.charm.Subordinate {
		panic("jujusim: AddUnit: " + ErrSubordinate.Error())
	}
	return m.addUnit("", noRelation)
}

// noRelation is no index of a relation.
const noRelation = -1

func (m *Model) addUnit(principal string, host int) string {
	u := &unit{
		host:          host,
		num:           m.nextUnit,
		principal:     principal,
		name:          fmt.Sprintf("%s/%d", m.app, m.nextUnit),
		charm:         m.charm,
		revision:      m.revision,
		configChanged: true,
		status:        Status{Status: "waiting", Message: "agent initialising", Since: m.Time()},
		rels:          make([]membership, len(m.relations)),
	}
	m.nextUnit++
	u.watchHosts(m)
	m.units = append(m.units, u)
	m.emit(Event{Kind: UnitAdded, Unit: u.name})
	m.autoElect()
	return u.name
}

// RemoveUnit tells a unit to leave: it departs from the others, runs stop and
// remove and is gone then. By force it vanishes at once, with whatever it runs.
// A subordinate leaves with its principal: see RemovePrincipalUnit and
// RemoveRelation.
func (m *Model) RemoveUnit(name string, force bool) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot remove %s: %w", name, err)
	}
	switch {
	case u.principal != "":
		return fmt.Errorf("cannot remove %s: %w", name, ErrSubordinate)
	case force:
		m.vanish(u)
	default:
		m.tellToLeave(u)
	}
	return nil
}

func (m *Model) tellToLeave(u *unit) {
	if !u.installed && u.hook == nil && u.failed == nil && u.queued == nil {
		m.vanish(u)
		return
	}
	if u.dying {
		return
	}
	u.dying = true
	m.emit(Event{Kind: UnitLeaving, Unit: u.name})
	if m.opts.EarlyDepartures {
		m.depart(u.name)
	}
	u.resignIfDeposed(m)
}

// vanish takes a unit out of the model.
func (m *Model) vanish(u *unit) {
	if u.hook != nil {
		u.hook.die("unit removed")
	}
	for i := range m.units {
		if m.units[i] == u {
			m.units = append(m.units[:i:i], m.units[i+1:]...)
			break
		}
	}
	for _, r := range m.relations {
		if b := r.bag(u.name); b != nil {
			b.inScope = false
		}
	}
	m.depart(u.name)
	for _, a := range u.actions {
		m.finishAction(u, a, ActionCancelled, "unit removed", nil)
	}
	m.loseExecs(u)
	m.subordinateGone(u)
	m.emit(Event{Kind: UnitGone, Unit: u.name})
	if m.leader == u.name {
		m.moveLeader("")
		m.autoElect()
	}
}

// Refresh upgrades the application to another charm, or another revision of it.
// Each unit takes it up when its agent gets to it, with upgrade-charm.
func (m *Model) Refresh(charm *Charm) error {
	if charm.Name != m.charm.Name {
		return fmt.Errorf("cannot refresh charm %q to %q", m.charm.Name, charm.Name)
	}
	config := make(map[string]any, len(m.config))
	for name, value := range m.config {
		if option, ok := charm.Options[name]; ok && option.Type == m.charm.Options[name].Type {
			config[name] = value
		}
	}
	m.config = config
	m.charm = charm
	m.revision++
	m.addRelations()
	m.emit(Event{Kind: Refreshed, Revision: m.revision})
	return nil
}

// UpdateStatus says that a unit's update-status timer fired.
func (m *Model) UpdateStatus(name string) error {
	u, err := m.unit(name)
	if err != nil {
		return fmt.Errorf("cannot queue update-status: %w", err)
	}
	if !u.down {
		u.updateStatus = true
	}
	return nil
}

func (m *Model) unit(name string) (*unit, error) {
	for _, u := range m.units {
		if u.name == name {
			return u, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNoUnit, name)
}

// has reports whether a unit is still there.
func (m *Model) has(u *unit) bool { return slices.Contains(m.units, u) }

// searchBag returns where the bag of a unit is, or belongs, in bags.
func searchBag(bags []bag, unit string) int {
	return sort.Search(len(bags), func(i int) bool { return bags[i].unit >= unit })
}
