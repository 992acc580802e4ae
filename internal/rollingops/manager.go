package rollingops

import (
	"context"
	"log/slog"
	"time"
)

// LeaseMargin is how long after is-leader was asked the leader may still write
// the application databag. The promise holds for 30 s; the rest is for the
// writes themselves and their commit.
const LeaseMargin = 20 * time.Second

// Config is what the package needs of the world. All fields but Juju, Principal,
// Pacing, Order, Primary, Window and Attempts are required.
type Config struct {
	Unit  string // the local unit, such as "rolling-ops/0"
	Juju  Juju   // nil while the peer relation does not exist
	Clock Clock
	Waker Waker
	Log   *slog.Logger
	// Principal is the unit that the local one is beside, such as "postgresql/0".
	// It is empty unless the charm is subordinate.
	Principal string
	// Pacing is asked for when a retry is waiting, so that a hook without one
	// need not read the charm's configuration. Nil means no pause.
	Pacing func(ctx context.Context) (Pacing, error)
	// Order puts units in the order in which a rollout over all of them takes
	// them, such as a database's primary last. It is asked at each grant. Nil
	// means the highest number first and the leader last.
	Order func(ctx context.Context, units []string, leader string) ([]string, error)
	// Primary reports whether the local unit is one that should go last in a rollout
	// over all units without an Order, such as a database's primary. It is asked when
	// the unit answers a rollout, and takes a few seconds at most. Nil means no.
	Primary func(ctx context.Context) (bool, error)
	// Window returns when a step of a rollout may begin, now or later. Nil means
	// at any time.
	Window func(ctx context.Context, now time.Time) (opens time.Time, err error)
	// Attempts counts the attempts that were cut short. Nil means that nobody
	// does: they are made again without end.
	Attempts Attempts
}

// Manager knows the callbacks of one unit and begins its hooks.
type Manager struct {
	Config
	callbacks map[string]Callback
	rollable  map[string]bool
}

// New returns a manager without callbacks.
func New(c Config) *Manager {
	return &Manager{Config: c, callbacks: make(map[string]Callback), rollable: make(map[string]bool)}
}

// Register names a callback. The name is stored in databags: a charm that
// renames it drops the operations that wait for the old name.
func (m *Manager) Register(id string, cb Callback) { m.callbacks[id] = cb }

// EventKind is as much of a Juju event as the protocol depends on.
type EventKind int

const (
	// OtherEvent is any hook or action not named below.
	OtherEvent EventKind = iota
	RelationChanged
	UpdateStatus
	// LockGranted is the custom hook rollingops_lock_granted, which the worker
	// runs.
	LockGranted
)

// Event is the hook that runs.
type Event struct {
	Kind EventKind
	// Leaving says that the local unit is being removed: in relation-departed
	// JUJU_DEPARTING_UNIT is its own name.
	Leaving bool
	// Remote is the unit that a RelationChanged is about; "" if that is the
	// application, or unknown. It only spares a leader to read the others.
	Remote string
	// Departing is the unit of which a relation-departed of the peer relation tells
	// that it leaves; else "".
	Departing string
}

// Begin opens a hook. It asks is-leader, the application databag and the own one.
func (m *Manager) Begin(ctx context.Context, ev Event) (*Hook, error) {
	h := &Hook{m: m, event: ev, view: &view{m: m, others: make(map[string]unitView)}}
	if m.Juju == nil {
		return h, nil
	}
	if err := h.view.begin(ctx); err != nil {
		return nil, err
	}
	h.grant, h.rolls, h.nudge, h.own = h.view.grant, h.view.rolls, h.view.nudge, h.view.own
	return h, nil
}
