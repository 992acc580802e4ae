package rollingops

import (
	"context"
	"errors"
	"slices"
	"time"

	"rolling-ops/internal/unitname"
)

// StallAfter is how long a grant may go unused before its holder is called
// stalled. Nothing is released then: that is an operator's decision.
const StallAfter = 15 * time.Minute

// StatusKind is what a unit is doing as far as the lock is concerned.
type StatusKind int

const (
	// StatusNotReady: the peer relation does not exist yet.
	StatusNotReady StatusKind = iota
	// StatusIdle: nothing is queued.
	StatusIdle
	// StatusWaiting: operations are queued and another unit's turn it is.
	StatusWaiting
	// StatusGranted: the unit holds the lock and has not used it yet.
	StatusGranted
	// StatusRetrying: the last attempt failed, the next one is due at Until.
	StatusRetrying
	// StatusStalled: the unit has held the lock for longer than StallAfter.
	StatusStalled
	// StatusUnreadable: the unit's own databag can't be used; clearing its queue
	// is the way out.
	StatusUnreadable
)

func (k StatusKind) String() string {
	return [...]string{"not-ready", "idle", "waiting", "granted", "retrying", "stalled", "unreadable"}[k]
}

// Status is what a charm may show of the unit. The package sets no Juju status.
type Status struct {
	Kind      StatusKind
	Operation string // the callback at the head of the queue, "" if none
	Requested string // when that operation was requested, as it is stored
	Queued    int    // operations in the unit's own queue
	// Position is the unit's place among the units that wait for the lock, 1
	// for the next one; 0 when it doesn't wait or others were not read.
	Position int
	Holder   string    // the unit that holds the lock, "" if it is free
	Since    time.Time // when Holder was granted the lock
	Until    time.Time // StatusRetrying: when the next attempt is due
	Failed   int       // failed attempts of the head operation so far
	// Holds says that the unit waits for its next attempt without letting
	// others go first.
	Holds bool
	// Unreadable names the units whose databag can't be used, as far as this
	// hook has read them.
	Unreadable []string
	// Surveyed says that this hook has read every unit: Unreadable is complete.
	Surveyed bool
	// Blind is why the leader could not schedule, as in Report.
	Blind error
	// StalledHolder says that Holder is another unit and late.
	StalledHolder bool
}

// Status returns what the local unit will be doing when this hook is
// committed, from what the hook has read so far.
func (h *Hook) Status(ctx context.Context) (Status, error) {
	if h.m.Juju == nil {
		return Status{Kind: StatusNotReady}, nil
	}
	s := Status{Kind: StatusIdle, Queued: h.own.queue.Len(), Holder: h.grant.unit, Surveyed: h.view.surveyed, Blind: h.report.Blind}
	if !h.grant.at.IsZero() {
		s.Since = h.grant.at.Time()
	}
	for _, v := range h.view.others {
		if v.unreadable() && !h.view.gone(v.name) {
			s.Unreadable = append(s.Unreadable, v.name)
		}
	}
	if h.own.unreadable() {
		s.Unreadable = append(s.Unreadable, h.m.Unit)
	}
	slices.SortFunc(s.Unreadable, unitname.Compare)
	late := !s.Since.IsZero() && h.m.Clock.Now().Sub(s.Since) > StallAfter
	s.StalledHolder = late && h.grant.unit != h.m.Unit
	if h.own.unreadable() {
		s.Kind = StatusUnreadable
		return s, nil
	}
	op, waits := h.own.head()
	s.Operation, s.Requested, s.Failed = op.CallbackID, op.RequestedAt.String(), op.Attempt.Int()
	s.Holds = waits && h.own.state == AwaitRetryHold
	if waits {
		s.Kind = StatusWaiting
		s.Position = h.position()
	}
	if h.own.state == AwaitRetry || h.own.state == AwaitRetryHold {
		wait, err := h.pauseLeft(ctx, h.own)
		if err != nil {
			return s, err
		}
		if wait > 0 {
			s.Kind, s.Until = StatusRetrying, h.m.Clock.Now().Add(wait)
			return s, nil
		}
	}
	if h.holdsUnused() {
		s.Kind = StatusGranted
		if late {
			s.Kind = StatusStalled
		}
	}
	return s, nil
}

// Survey reads every unit's databag, so that Status can tell the position in
// the line and name the unreadable queues. It costs one hook tool call a unit.
func (h *Hook) Survey(ctx context.Context) error {
	if h.m.Juju == nil {
		return nil
	}
	_, err := h.candidates(ctx)
	if errors.As(err, new(*blindError)) {
		return nil // the leader says so when it schedules
	}
	return err
}

// position counts the units whose turn comes before the local one's.
func (h *Hook) position() int {
	if !h.view.listed {
		return 0
	}
	place := 1
	for _, name := range h.view.members {
		v, read := h.view.others[name]
		if !read && !h.view.gone(name) {
			return 0
		}
		if v.waits() && !h.view.gone(name) && name != h.grant.unit && h.before(v, h.own) {
			place++
		}
	}
	return place
}
