package picture

import (
	"fmt"
	"slices"
	"strings"

	"rolling-ops/internal/rollout"
)

// Outcome is how a rollout stands, as those see it who wait for its end.
type Outcome int

const (
	GoesOn     Outcome = iota // by itself
	NoRollout                 // there has been none
	Complete                  // every unit that is left is done
	Incomplete                // it has ended, some units are not done
	Stands                    // it is paused, or the unit it waits for can't answer
	Unreadable                // its record is
)

// Outcome is how the newest rollout stands.
func (p *Picture) Outcome() Outcome {
	r := p.Rollout
	switch {
	case r == nil && p.Has(RecordUnreadable):
		return Unreadable
	case r == nil:
		return NoRollout
	case r.State == rollout.Done && r.Done == r.Total:
		return Complete
	case !r.Active():
		return Incomplete
	case r.State == rollout.Paused, p.Has(NoAnswer), p.Lock.Stalled, p.leaderIsBlocked():
		return Stands
	}
	return GoesOn
}

// leaderIsBlocked reports whether the leader says that the rollout needs a
// person: it is the one that knows for how long a unit has not answered.
func (p *Picture) leaderIsBlocked() bool {
	u := p.Unit(p.Leader)
	return u != nil && u.Status == "blocked" && stands(u.Message)
}

// Has reports whether there is such a warning.
func (p *Picture) Has(code Code) bool {
	return slices.ContainsFunc(p.Warnings, func(w Warning) bool { return w.Code == code })
}

// Says tells in a few words what the rollout does or why it stands.
func (p *Picture) Says() string {
	r := p.Rollout
	switch p.Outcome() {
	case NoRollout:
		return "there has been none"
	case Unreadable:
		return "its record can't be read"
	case Complete:
		return "done" + r.ended()
	case Incomplete:
		return string(r.State) + r.ended() + ", " + r.left()
	}
	if r.State == rollout.Paused {
		text := p.whyPaused()
		if r.WaitsFor != "" {
			text += "; " + p.Label(r.WaitsFor) + " still runs"
		}
		return text
	}
	return p.waits()
}

// whyPaused is why a paused rollout is.
func (p *Picture) whyPaused() string {
	r := p.Rollout
	switch r.Why {
	case rollout.ByOperator:
		return "paused by an operator"
	case rollout.AfterCanary:
		if last := p.lastDone(); last != "" {
			return "paused after " + last + ", as pause-after=" + r.PauseAfter + " asks"
		}
		return "paused, as pause-after=" + r.PauseAfter + " asks"
	case rollout.AfterFailure:
		return "paused: " + p.some(r.Failed) + " failed"
	case rollout.AfterRelease:
		return "paused: the lock was taken from " + p.some(r.Skipped)
	}
	return "paused: " + string(r.Why)
}

// opens is in the leader's status, before the time at which the window opens.
const opens = ", its window opens "

// waits is what a running rollout does.
func (p *Picture) waits() string {
	r := p.Rollout
	u := p.Unit(r.WaitsFor)
	switch {
	case u == nil:
		return "between two units"
	case u.Step == Running:
		return u.Label() + " runs"
	case u.Step == rollout.PhaseFailing:
		return fmt.Sprintf("%s fails, attempt %d of %d", u.Label(), u.Attempts, r.Retries+1)
	case u.Lost():
		return "waits for " + u.Label() + ", whose agent is " + u.Agent
	case p.Lock.Holder != "":
		return u.Label() + " is next; " + p.Label(p.Lock.Holder) + " holds the lock"
	case u.Step == rollout.PhaseWaiting:
		return "waits for " + u.Label() + ", which has not answered yet"
	}
	text := u.Label() + " is next"
	leader := p.Unit(p.Leader)
	switch {
	case leader == nil:
		return text + ", when there is a leader again"
	case leader.Lost():
		return text + ", when another unit leads: the agent of " + leader.Name + " is " + leader.Agent
	case leader.Status == "error":
		return text + ", when the leader's hooks are mended"
	}
	if _, at, ok := strings.Cut(leader.Message, opens); ok {
		return text + ", when the window opens, " + at
	}
	return text
}

// lastDone is the unit that ended its step last.
func (p *Picture) lastDone() string {
	var last *Unit
	for i := range p.Units {
		u := &p.Units[i]
		if u.Step == rollout.PhaseDone && u.Ended != nil && (last == nil || u.Ended.After(*last.Ended)) {
			last = u
		}
	}
	if last == nil {
		return ""
	}
	return last.Label()
}

func (r *Rollout) ended() string {
	if r.Ended == nil {
		return ""
	}
	return " since " + r.Ended.Format("2006-01-02 15:04:05 UTC")
}

// left counts the units that are not done.
func (r *Rollout) left() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(len(r.Failed)+len(r.Failing), "failed")
	add(len(r.Skipped), "skipped")
	add(r.Total-r.Done-len(r.Failed)-len(r.Failing)-len(r.Skipped), "not begun")
	return strings.Join(parts, ", ")
}

// some names a few units.
func (p *Picture) some(names []string) string {
	labels := make([]string, len(names))
	for i, name := range names {
		labels[i] = p.Label(name)
	}
	switch {
	case len(names) == 0:
		return "a unit"
	case len(names) > 3:
		return fmt.Sprintf("%s and %d more", strings.Join(labels[:2], ", "), len(names)-2)
	}
	return strings.Join(labels, ", ")
}

// Next is what a person does next and why, both "" if there is nothing to do.
// verb is a verb of this program with its options; where that is "", command is one
// of another program.
func (p *Picture) Next() (verb, command, why string) {
	r := p.Rollout
	outcome := p.Outcome()
	leader := p.Unit(p.Leader)
	unreadable := p.first(QueueUnreadable)
	switch {
	case p.Lock.Stalled:
		return "", "juju ssh " + p.Lock.Holder, "is it alive? If it is not and won't be: release"
	case outcome == Unreadable:
		return "abort", "", "takes the record away"
	case r.Active() && leader != nil && leader.Status == "error":
		return "", "juju debug-log --include " + p.Leader, "why do the leader's hooks fail?"
	case outcome == Stands && p.Has(NoAnswer):
		return "resume --skip " + p.unitNumber(r.WaitsFor), "", "goes on without it"
	case outcome == Stands && r.State == rollout.Running:
		return "", "juju status", "the leader is blocked: its message says why"
	case outcome == Stands && r.Why == rollout.AfterFailure:
		return "resume", "", "tries the failed ones again; --skip leaves them out"
	case outcome == Stands:
		return "resume", "", "goes on; abort ends it"
	case unreadable != "":
		return "clear " + unreadable, "", "drops what is queued there and can't be read"
	case outcome == Incomplete:
		return "run", "", "starts another one"
	case outcome == GoesOn:
		return "status --watch", "", "follows it"
	}
	return "", "", ""
}

// first is the unit of the first warning of a kind, "" if there is none.
func (p *Picture) first(code Code) string {
	for _, w := range p.Warnings {
		if w.Code == code {
			return w.Unit
		}
	}
	return ""
}

func (p *Picture) unitNumber(name string) string { return strings.TrimPrefix(name, p.Application+"/") }
