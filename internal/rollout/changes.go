package rollout

import (
	"errors"
	"fmt"

	"rolling-ops/internal/codec"
)

// ErrActive says that a rollout can't start because one has not ended.
var ErrActive = errors.New("one rollout at a time")

// ErrNotActive says that there is no rollout to pause, resume or abort.
var ErrNotActive = errors.New("no rollout is under way: start-rollout starts one")

// TokenError says that a record was written since an operator had looked.
type TokenError struct{ Expected, Is Token }

func (e *TokenError) Error() string {
	return fmt.Sprintf("the rollout has changed: its token is %s, not %s; look at it with show-rollout and give the new token",
		e.Is, e.Expected)
}

// room is what Start leaves of MaxRecord for what is written later: revisions,
// rounds, why, and skipped units.
const room = 96

// Start begins a rollout after r, the last one. The id comes from NextID.
//
// Errors: ErrActive; something in the request is out of its bounds, or all of
// it together does not fit into the record.
func (r Record) Start(q Request, id int, at codec.Timestamp) (Record, error) {
	if r.Active() {
		return r, fmt.Errorf("rollout %d is %s: %w; abort-rollout ends it", r.ID, r.State, ErrActive)
	}
	started := Record{ID: id, Rev: 1, At: at, Request: q, State: Running}
	if err := started.check(); err != nil {
		return r, err
	}
	if size := len(started.encode()); size > MaxRecord-room {
		return r, fmt.Errorf("the rollout would need %d bytes, and may need %d: its list of units has %d; "+
			"give a shorter one, units that follow each other as a range such as 0-99, and start another rollout for the rest",
			size, MaxRecord-room, len(q.Units.String()))
	}
	return started, nil
}

// Pause stops the rollout before its next step; a paused one stays as it is.
// It reports whether there is something to write. The zero expect fits any
// record.
//
// Errors: *TokenError, ErrNotActive.
func (r Record) Pause(expect Token) (Record, bool, error) {
	if err := r.underWay(expect); err != nil || r.State == Paused {
		return r, false, err
	}
	return r.paused(ByOperator), true, nil
}

// Resume goes on with a paused rollout: units that have failed get another
// turn, the ones in skip get none, and PauseFirst becomes PauseNever. A running rollout
// takes skip alone, and without any stays as it is.
//
// Errors: *TokenError, ErrNotActive, or skip names units that are not the
// rollout's or does not fit into the record.
func (r Record) Resume(expect Token, skip Units) (Record, bool, error) {
	if err := r.underWay(expect); err != nil {
		return r, false, err
	}
	next := r
	next.Skip = r.Skip.With(skip...)
	if err := r.checkSkip(skip); err != nil {
		return r, false, err
	}
	if r.State == Running && len(next.Skip) == len(r.Skip) {
		return r, false, nil
	}
	if r.State == Paused {
		next.State, next.Why = Running, ""
		next.Round++
		if next.PauseAfter == PauseFirst {
			next.PauseAfter = PauseNever
		}
	}
	next = next.written()
	if _, err := next.Encode(); err != nil {
		return r, false, fmt.Errorf("cannot skip so many units: abort-rollout, and start one without them: %w", err)
	}
	return next, true, nil
}

// Abort ends the rollout: no unit has its turn any more, and retries are
// dropped before they run. An aborted one stays as it is.
//
// Errors: *TokenError, ErrNotActive.
func (r Record) Abort(expect Token) (Record, bool, error) {
	if r.State == Aborted {
		return r, false, r.expect(expect)
	}
	if err := r.underWay(expect); err != nil {
		return r, false, err
	}
	r.State, r.Why = Aborted, ""
	return r.written(), true, nil
}

// Released takes note that an operator has taken the lock from unit n in its
// step: the unit is skipped, and the rollout pauses.
//
// Errors: one more unit does not fit into the record.
func (r Record) Released(n int) (Record, error) {
	next := r.paused(AfterRelease)
	next.Skip = r.Skip.With(n)
	if _, err := next.Encode(); err != nil {
		return r, fmt.Errorf("cannot skip unit %d: abort-rollout first: %w", n, err)
	}
	return next, nil
}

// Settle ends or pauses a running rollout if its units say so. It is for a
// leader that finds the lock free: doneNow says that a step has just ended well.
// It reports whether there is something to write.
//
// A rollout whose units had all their turn, some of them in vain but no more
// than it bears, is paused: a person tries them again or skips them, or aborts.
func (r Record) Settle(t Tally, doneNow bool) (Record, bool) {
	switch {
	case r.State != Running:
		return r, false
	case t.Done+t.Skipped == t.Total():
		r.State = Done
		return r.written(), true
	case r.PauseAfter == PauseFirst && t.Done > 0, r.PauseAfter == PauseEach && doneNow:
		return r.paused(AfterCanary), true
	case t.Failing > 0 || t.Failed == 0:
		return r, false
	case !r.WithinBudget(t), t.toCome() == 0:
		return r.paused(AfterFailure), true
	}
	return r, false
}

func (r Record) paused(why Why) Record {
	r.State, r.Why = Paused, why
	return r.written()
}

// written is the record with its next revision. None ends in 0: what an operator
// types after expect= is read as a number, and 7.10 is 7.1 then.
func (r Record) written() Record {
	r.Rev++
	if r.Rev%10 == 0 {
		r.Rev++
	}
	return r
}

// underWay checks that an operator may act on the rollout.
func (r Record) underWay(expect Token) error {
	if err := r.expect(expect); err != nil {
		return err
	}
	switch {
	case r.State == None:
		return ErrNotActive
	case !r.Active():
		return fmt.Errorf("rollout %d is %s: %w", r.ID, r.State, ErrNotActive)
	}
	return nil
}

func (r Record) expect(token Token) error {
	if token != (Token{}) && token != r.Token() {
		return &TokenError{Expected: token, Is: r.Token()}
	}
	return nil
}

// NextID is the id of a new rollout, given all that the record, the history and
// the units' steps show: one more than the highest, or at the end of all
// numbers the lowest that is not shown.
func NextID(shown ...int) int {
	seen := make(map[int]bool, len(shown))
	highest := 0
	for _, id := range shown {
		seen[id] = true
		highest = max(highest, id)
	}
	if highest < maxNumber {
		return highest + 1
	}
	id := 1
	for seen[id] {
		id++
	}
	return id
}
