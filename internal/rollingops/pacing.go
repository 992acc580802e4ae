package rollingops

import (
	"context"
	"time"
)

// Pacing is the pause before a retry: Delay before the first, twice as long
// before each further one, never longer than Max. The zero value means none;
// Max 0 means no limit.
type Pacing struct {
	Delay, Max time.Duration
}

// pause returns the pause before the attempt that follows the given number of
// failed ones.
func (p Pacing) pause(failed int) time.Duration {
	d := p.Delay
	for i := 1; i < failed && d > 0 && d < p.limit(); i++ {
		d *= 2
	}
	return min(d, p.limit())
}

// longest keeps doubling from overflowing.
const longest = 365 * 24 * time.Hour

func (p Pacing) limit() time.Duration {
	if p.Max > 0 {
		return min(p.Max, longest)
	}
	return longest
}

// over is when the unit's pause is over by the clock that wrote its stamp, the
// zero time if it makes none.
func (p Pacing) over(v unitView) time.Time {
	op, ok := v.head()
	if !ok || !v.paused() {
		return time.Time{}
	}
	return v.executedAt.Time().Add(p.pause(op.Attempt.Int()))
}

// left returns how long the unit still has to wait before its next attempt.
// Clocks differ: a stamp that lies ahead of the reader's by no more than the
// pause means the whole pause. One further ahead counts as due, so that no clock
// makes a pause endless.
func (p Pacing) left(v unitView, now time.Time) time.Duration {
	op, _ := v.head()
	pause, left := p.pause(op.Attempt.Int()), p.over(v).Sub(now)
	if left > 2*pause {
		return 0
	}
	return min(pause, max(0, left))
}

// pauseLeft is how long the unit still pauses before its retry. The clock is read
// only when pauses are configured.
func (h *Hook) pauseLeft(ctx context.Context, v unitView) (time.Duration, error) {
	pacing, err := h.view.retryPacing(ctx)
	if err != nil || pacing.Delay <= 0 {
		return 0, err
	}
	return pacing.left(v, h.m.Clock.Now()), nil
}
