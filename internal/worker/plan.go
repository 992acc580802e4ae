package worker

import "time"

const (
	defaultRetryMin = time.Second
	defaultRetryMax = time.Minute
	// patience is for how many looks a call may go on after others have asked for
	// the hook.
	patience = 3
)

// A Plan says when a unit's worker makes its next call. It is all that a worker
// decides, without processes, files or a clock: times are those of any clock
// that only goes forward. The process runs it, and so do simulations of one.
//
// The zero Plan wants no call and pauses for 1 s to 60 s after calls that fail.
type Plan struct {
	// RetryMin and RetryMax bound the pause after a failed call: it starts at
	// RetryMin and doubles up to RetryMax. They default to 1 s and 60 s.
	RetryMin, RetryMax time.Duration

	calling bool
	wanted  bool          // a call is, the next after one in progress
	due     time.Duration // when, if wanted
	fails   int           // calls since the last that succeeded
	looks   int           // at the call in progress since others asked

	watching bool          // a call is to follow unless it is called off
	watch    time.Duration // when, if watching
}

// Ask asks for a call at a time. The earliest of the times asked for counts; one
// asked for during a call means another call afterwards. It reports whether that
// brought the next call forward, or made it wanted.
func (p *Plan) Ask(due time.Duration) bool {
	if p.wanted && p.due <= due {
		return false
	}
	p.wanted, p.due = true, due
	return true
}

// Watch asks for a call at a time unless it is called off until then. One that
// was asked for like that already stays as it is.
func (p *Plan) Watch(due time.Duration) {
	if !p.watching {
		p.watching, p.watch = true, due
	}
}

// CallOff takes back what Watch has asked for, and nothing else.
func (p *Plan) CallOff() { p.watching = false }

// Due returns when the next call is to begin, and false while none is to: one is
// in progress or none is wanted.
func (p *Plan) Due() (due time.Duration, ok bool) {
	due = p.due
	if p.watching && (!p.wanted || p.watch < due) {
		due = p.watch
	}
	return due, (p.wanted || p.watching) && !p.calling
}

// Begin is the beginning of the call, which serves all that asked for one.
func (p *Plan) Begin() { p.calling, p.wanted, p.watching, p.looks = true, false, false, 0 }

// Calling reports whether a call is in progress.
func (p *Plan) Calling() bool { return p.calling }

// Wanted reports whether a call is to follow, after the one in progress if there
// is one, that nobody can call off.
func (p *Plan) Wanted() bool { return p.wanted }

// Watching reports whether a call is to follow unless it is called off.
func (p *Plan) Watching() bool { return p.watching }

// Look is to be called from time to time during a call. It reports whether the
// call is to be given up: others have asked for the hook and it goes on all the
// same. Juju forgets the commands that wait while it upgrades a charm: juju-exec
// would wait for ever, and the requests of all later hooks with it. If the
// command waits after all, the hook runs once more.
func (p *Plan) Look() bool {
	if p.calling && p.wanted {
		p.looks++
	}
	return p.looks >= patience
}

// End is the end of the call. One that failed is made again after a pause, which
// grows until one succeeds, or earlier if others ask.
func (p *Plan) End(now time.Duration, ok bool) {
	p.calling = false
	if ok {
		p.fails = 0
		return
	}
	p.Ask(now + p.pause())
	p.fails++
}

func (p *Plan) pause() time.Duration {
	pause, most := p.RetryMin, p.RetryMax
	if pause <= 0 {
		pause = defaultRetryMin
	}
	if most <= 0 {
		most = defaultRetryMax
	}
	for i := 0; i < p.fails && pause < most; i++ {
		pause *= 2
	}
	return min(pause, most)
}

// Done reports whether the worker has nothing left to do.
func (p *Plan) Done() bool { return !p.calling && !p.wanted && !p.watching }
