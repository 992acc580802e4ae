package rollingops

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// lookAfter is when a leader looks again at the unit that it waits for, and again
// after that. Juju may tell nobody that it is gone, or the leader has heard Juju's
// last word about it already.
const lookAfter = 30 * time.Second

// comeBackAfter is when a leader comes back that could not schedule.
const comeBackAfter = 10 * time.Second

// schedule is the leader's part: clear a grant that is used or whose holder is
// gone, then grant the lock to whoever is next. It returns after how long the
// leader has to come back, 0 for not at all: a paced retry is due then and the
// lock is free for want of anything else, or goal-state can be had again.
func (h *Hook) schedule(ctx context.Context) (time.Duration, error) {
	again, err := h.passOn(ctx)
	if blind := new(blindError); errors.As(err, &blind) {
		h.m.Log.Warn("nobody can be granted the lock now, the worker will bring the leader back", "error", err)
		h.report.Blind = err
		return h.blindPause(), nil
	}
	return again, err
}

func (h *Hook) passOn(ctx context.Context) (time.Duration, error) {
	ended, err := h.grantEnded(ctx)
	if err != nil {
		return 0, err
	}
	if !ended {
		return 0, h.nudgeHolder(ctx)
	}
	if !h.grant.free() {
		h.m.Log.Info("lock released", "unit", h.grant.unit)
	}
	released := h.grant
	if h.forced != "" {
		released = h.view.grant
	}
	h.release()
	if early, err := h.onlyAnswered(ctx); err != nil || early {
		return 0, err
	}
	candidates, err := h.candidates(ctx)
	if err != nil && !errors.As(err, new(*blindError)) {
		return 0, err
	}
	// Blind, too: that a step has ended well is seen in this hook alone.
	if err := errors.Join(h.settleRollout(released), err); err != nil {
		return 0, err
	}
	first, again, err := h.pick(ctx, candidates)
	if err != nil || first == nil {
		return again, err
	}
	h.grant = grant{unit: first.name, at: next(h.m.reading(), first.executedAt), principal: h.view.principalOf(first.name)}
	h.report.Granted = first.name
	log := h.m.Log
	if first.rolling {
		h.rolls.grant = rollout.Grant{At: h.grant.at, ID: h.rolls.record.ID}
		log = log.With("rollout", h.rolls.record.ID)
	}
	log.Info("lock granted", "unit", first.name)
	return 0, nil
}

// watchOther has the leader look at the unit that it waits for, the one that
// holds the lock or whose step is next, and calls that off when there is none.
func (h *Hook) watchOther(ctx context.Context) {
	delay := time.Duration(0)
	other := cmp.Or(h.grant.unit, h.awaited)
	if h.view.leads && !h.event.Leaving && other != "" && other != h.m.Unit {
		delay = lookAfter
	}
	if delay > 0 && h.report.Granted != "" {
		_ = h.m.Waker.Watch(ctx, 0) // the time of another holder does not count
	}
	if err := h.m.Waker.Watch(ctx, delay); err != nil {
		h.m.Log.Error("cannot ask for a look at the unit that others wait for", "unit", other, "error", err)
	}
}

// nudgeHolder has the holder run a hook if it is late, since nothing may bring it
// back: its worker died with its agent or its machine. What is written has no
// other purpose than a relation-changed there. Once a grant is enough, as any
// hook of the unit starts its worker.
func (h *Hook) nudgeHolder(ctx context.Context) error {
	v, read := h.view.others[h.grant.unit]
	if !read || h.nudge == h.grant.at.String() {
		return nil
	}
	now, since, late := h.m.Clock.Now(), h.grant.at.Time(), nudgeAfter
	if v.state == AwaitRetryHold {
		pacing, err := h.view.retryPacing(ctx)
		if err != nil || pacing.left(v, now) > 0 {
			return err
		}
		late = nudgePausedAfter
		if over := pacing.over(v); over.After(since) {
			since = over
		}
	}
	if now.Sub(since) > late {
		h.m.Log.Info("the holder of the lock is late, nudging it", "unit", h.grant.unit)
		h.nudge = h.grant.at.String()
	}
	return nil
}

// How late a holder may be: after its pause, which its worker ends to the
// second, and otherwise, when it may be at work.
const (
	nudgePausedAfter = 10 * time.Second
	nudgeAfter       = time.Minute
)

// maxBlindPause bounds the time until a leader without goal-state comes back.
const maxBlindPause = 2 * time.Minute

// blindPause is half as long as nobody has done anything: the longer goal-state
// fails, the more rarely it is asked.
func (h *Hook) blindPause() time.Duration {
	last := later(h.grant.at, h.own.lastActive())
	for _, v := range h.view.others {
		last = later(last, v.lastActive())
	}
	quiet := h.m.Clock.Now().Sub(last.Time())
	return min(max(quiet/2, comeBackAfter), maxBlindPause)
}

// release clears the grant.
func (h *Hook) release() {
	if !h.grant.free() {
		h.report.Released = h.grant.unit
	}
	h.grant, h.rolls.grant, h.nudge = grant{}, rollout.Grant{}, ""
}

// grantEnded reports whether the lock is free to be granted: nobody holds it,
// the holder's own databag says that it has used its grant, or the holder is
// gone. Goal-state alone tells that, and is asked when the rest does not.
func (h *Hook) grantEnded(ctx context.Context) (bool, error) {
	g := h.grant
	switch {
	case g.free() || g.void():
		return true, nil
	case g.unit == h.m.Unit:
		return h.event.Leaving || g.usedBy(h.own), nil
	}
	used, err := h.saysUsed(ctx, g)
	if err == nil && used {
		return true, nil
	}
	exists, goalErr := h.view.inGoalState(ctx, g.unit)
	if goalErr != nil {
		return false, goalErr
	}
	if !exists && !h.mayStillRun(g.unit) {
		return true, nil
	}
	if err != nil && h.view.listed && (!exists || h.view.beyondKnowing(g.unit)) {
		h.m.Log.Warn("the holder's databag can't be read: it keeps the lock, and may be gone", "unit", g.unit, "error", err)
		return false, nil
	}
	return false, err
}

// saysUsed reports whether the databag of the holder, another unit, says that
// it has used its grant. One that has just joined may not be listed here yet; a
// subordinate that is not may have given the lock back as it left.
func (h *Hook) saysUsed(ctx context.Context, g grant) (bool, error) {
	members, err := h.view.relationList(ctx)
	if err != nil {
		return false, err
	}
	listed := slices.Contains(members, g.unit)
	if !listed && h.m.Principal == "" {
		return false, nil
	}
	holder, err := h.view.unit(ctx, g.unit)
	if err != nil && !listed {
		return false, nil
	}
	return err == nil && g.usedBy(holder), err
}

// candidates returns the units that wait for the lock. Goal-state is asked only
// if another unit does, or can't be read, which may be because it is gone.
func (h *Hook) candidates(ctx context.Context) ([]unitView, error) {
	others, err := h.view.everybody(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(others, func(v unitView) bool { return !v.waits() })
	if len(found) > 0 || h.view.anyUnreadable() || h.rollsOthers() {
		if _, err := h.view.inGoalState(ctx, h.m.Unit); err != nil {
			return nil, err
		}
	}
	if h.own.waits() && !h.event.Leaving {
		found = append(found, h.own)
	}
	return slices.DeleteFunc(found, func(v unitView) bool { return h.view.gone(v.name) }), nil
}

// pick returns the unit whose turn it is: one that holds on to the lock or has a
// single request, else the rollout's next step, else a retry that is due. Without
// one it returns when to look again, 0 for when something changes.
func (h *Hook) pick(ctx context.Context, candidates []unitView) (*unitView, time.Duration, error) {
	first, retry, err := h.pickSingle(ctx, candidates)
	if err != nil || first != nil && first.state != AwaitRetry && !h.isMarked(*first) {
		return first, 0, err
	}
	step, window, err := h.pickStep(ctx)
	switch {
	case err != nil:
		return nil, 0, err
	case step != nil:
		step.rolling = true
		return step, 0, nil
	case first != nil:
		return first, 0, nil
	case retry == 0 || window > 0 && window < retry:
		return nil, window, nil
	}
	return nil, retry, nil
}

// pickSingle returns the unit whose turn it is without the rollout. Without one
// it returns when the next pause before a retry is over.
func (h *Hook) pickSingle(ctx context.Context, candidates []unitView) (*unitView, time.Duration, error) {
	var first *unitView
	var due time.Duration
	for i := range candidates {
		v := &candidates[i]
		v.rolling = false // as the local unit's is after an attempt at its step
		if v.state == AwaitRetry {
			wait, err := h.pauseLeft(ctx, *v)
			if err != nil {
				return nil, 0, err
			}
			if wait > 0 {
				if due == 0 || wait < due {
					due = wait
				}
				continue
			}
		}
		if first == nil || h.before(*v, *first) {
			first = v
		}
	}
	return first, due, nil
}

// before reports whether a's turn comes before b's. Who lost the lock to an
// operator is last.
func (h *Hook) before(a, b unitView) bool {
	if last := h.isMarked(a); last != h.isMarked(b) {
		return !last
	}
	return inTurn(a, b)
}

// inTurn reports whether a's turn comes before b's: a unit that holds on to the
// lock for a retry, else the oldest request, else the retry whose last attempt
// is longest ago. Ties go to the lowest unit number.
func inTurn(a, b unitView) bool {
	order := cmp.Compare(turn[a.state], turn[b.state])
	if order == 0 && a.state == Requested {
		order = a.requestedAt().Compare(b.requestedAt())
	}
	if order == 0 && a.state == AwaitRetry {
		order = a.executedAt.Compare(b.executedAt)
	}
	return cmp.Or(order, unitname.Compare(a.name, b.name)) < 0
}

// turn orders the states that wait for the lock.
var turn = map[State]int{AwaitRetryHold: 1, Requested: 2, AwaitRetry: 3}

// lastActive is the latest that the unit's databag tells of it.
func (v unitView) lastActive() codec.Timestamp { return later(v.executedAt, v.requestedAt()) }

func (v unitView) requestedAt() codec.Timestamp {
	op, _ := v.head()
	return op.RequestedAt
}
