package rollingops

import "time"

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

// left returns how long the unit still has to wait before its next attempt.
// Clocks differ: a stamp that lies ahead of the reader's by no more than the
// pause means the whole pause. One further ahead counts as due, so that no clock
// makes a pause endless.
func (p Pacing) left(v unitView, now time.Time) time.Duration {
	op, ok := v.head()
	if !ok || !v.paused() {
		return 0
	}
	pause := p.pause(op.Attempt.Int())
	since := now.Sub(v.executedAt.Time())
	if since < -pause {
		return 0
	}
	return min(pause, max(0, pause-since))
}
