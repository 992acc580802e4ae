package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"
)

// StalledAfter is how long the lock may be held before somebody should look.
const StalledAfter = 15 * time.Minute

// Draw makes a picture of an application of a model, from what was read at a
// moment.
func Draw(status *juju.Status, app string, bags juju.Databags, now time.Time) *Picture {
	d := drawing{
		status: status, app: app, bags: bags,
		p: &Picture{
			Schema: Schema, Taken: now.UTC().Truncate(time.Second), Application: app,
			Controller: juju.Clean(status.Model.Controller), Model: juju.Clean(status.Model.Name),
			Units: []Unit{}, Warnings: []Warning{}, History: []Ended{},
		},
		steps: make(map[int]rollout.Step),
	}
	d.units()
	d.lock()
	d.history()
	d.rollout()
	d.warn()
	return d.p
}

type drawing struct {
	status *juju.Status
	app    string
	bags   juju.Databags
	p      *Picture
	steps  map[int]rollout.Step // by unit number
	leader int                  // its number, -1 if there is none
	held   bool                 // the holder has not used the grant
	grant  rollout.Grant
}

func (d *drawing) units() {
	d.leader = -1
	for name, u := range d.status.Applications[d.app].Units {
		n, ok := number(name, d.app)
		if !ok {
			continue
		}
		if u.Leader {
			d.p.Leader, d.leader = name, n
		}
		unit := Unit{
			Name: name, Principal: juju.Clean(u.Principal), Leader: u.Leader, Agent: juju.Clean(u.Agent.Current),
			Status: juju.Clean(u.Workload.Current), Message: juju.Clean(u.Workload.Message),
		}
		d.databag(&unit, n, d.bags.Units[name])
		d.p.Units = append(d.p.Units, unit)
	}
	slices.SortFunc(d.p.Units, func(a, b Unit) int { return cmp.Compare(d.number(a.Name), d.number(b.Name)) })
}

// keyPrimary is the key by which a unit asks for the last turn.
const keyPrimary = "rollingops-primary"

// databag reads what a unit says of itself. What can't be read becomes a
// warning.
func (d *drawing) databag(u *Unit, n int, bag map[string]string) {
	if bag == nil {
		return // it has not joined the relation yet
	}
	queue, err := codec.ParseQueue(bag["operations"])
	if err != nil {
		d.p.Warn(QueueUnreadable, u.Name, err.Error()+"; clear drops what is queued there")
	} else {
		length := queue.Len()
		u.Queued = &length
	}
	switch state := bag["state"]; state {
	case "request", "retry-release", "retry-hold":
		u.Asks = state
	}
	step, err := rollout.ParseStep(bag[rollout.KeyStep])
	if err != nil {
		d.p.Warn(StepUnreadable, u.Name, err.Error())
	}
	d.steps[n] = step
	u.Primary = bag[keyPrimary] == "true"
	last, err := rollout.ParseLast(bag[rollout.KeyLast])
	if err != nil {
		d.p.Warn(StepUnreadable, u.Name, err.Error())
	} else if last != (rollout.Last{}) {
		u.Last = &Last{
			Operation: last.Operation, Requested: moment(last.Requested), Ended: moment(last.Ended),
			Attempts: last.Attempts, Outcome: string(last.Outcome), Error: last.Error,
		}
	}
}

// lock reads who holds it. As with the leader, a grant that its holder has used
// already is none.
func (d *drawing) lock() {
	holder := d.bags.Application["granted_unit"]
	if holder == "" {
		return
	}
	if _, ok := number(holder, d.app); !ok {
		d.p.Warn(LockUnreadable, "", "the lock is granted to "+strconv.QuoteToASCII(cut(holder))+", which is no unit of the application; the leader clears it")
		return
	}
	since, err := codec.ParseTimestamp(d.bags.Application["granted_at"])
	if err != nil {
		d.p.Warn(LockUnreadable, holder, "the lock is granted without a time; nobody runs, and the leader clears it")
		return
	}
	if executed, err := codec.ParseTimestamp(d.bags.Units[holder]["executed_at"]); err == nil && executed.Compare(since) > 0 {
		return // given back; the leader has not taken note yet
	}
	d.held = true
	d.p.Lock = Lock{Holder: holder, Since: moment(since)}
	d.grant, _ = rollout.ParseGrant(d.bags.Application[rollout.KeyGrant])
	if d.grant.At.Compare(since) != 0 {
		d.grant = rollout.Grant{}
	}
	u := d.p.Unit(holder)
	if u == nil {
		d.p.Warn(HolderGone, holder, "holds the lock and is gone; the leader frees it within 30 s")
		return
	}
	if held := d.p.Taken.Sub(*d.p.Lock.Since); held >= StalledAfter || u.Lost() {
		d.p.Lock.Stalled = true
		d.p.Warn(LockStalled, holder, "has held the lock for "+Span(held)+
			"; nothing else runs until it ends, is removed, or the lock is taken from it with release")
	}
}

func (d *drawing) history() {
	history, err := rollout.ParseHistory(d.bags.Application[rollout.KeyHistory])
	if err != nil {
		d.p.Warn(HistoryUnreadable, "", err.Error())
	}
	for _, e := range history {
		ended := Ended{ID: e.ID, Operation: e.Operation, State: e.State, Started: moment(e.At), Ended: moment(e.Ended), Reason: e.Reason}
		if e.Operation != "" {
			ended.Counts = &Counts{Total: e.Total, Done: e.Done, Failed: e.Failed, Skipped: e.Skipped, Gone: e.Gone}
		}
		d.p.History = append(d.p.History, ended)
	}
}

func (d *drawing) rollout() {
	r, err := rollout.ParseRecord(d.bags.Application[rollout.KeyRecord])
	if err != nil {
		d.p.Warn(RecordUnreadable, "", err.Error()+"; no unit gets a turn until it is taken away with abort")
		return
	}
	if r.State == rollout.None {
		return
	}
	phase := func(n int) rollout.Phase {
		return r.Phase(n, d.steps[n], d.p.Unit(d.name(n)) == nil)
	}
	tally := r.Tally(phase)
	out := &Rollout{
		ID: r.ID, Token: r.Token().String(), Operation: r.Operation, State: r.State, Why: r.Why,
		Total: tally.Total(), Done: tally.Done, Failing: []string{}, Failed: []string{}, Skipped: []string{}, Gone: []string{}, Order: []string{},
		PauseAfter: string(r.PauseAfter), MaxFailures: r.MaxFailures, Retries: r.Retries,
		Started: r.At.Time(), Reason: r.Reason,
	}
	if r.Kwargs.Len() > 0 {
		out.Parameters = r.Kwargs.JSON()
	}
	if len(d.p.History) > 0 && d.p.History[0].ID == r.ID {
		out.Ended = d.p.History[0].Ended
	}
	order := d.order(r)
	for _, n := range order {
		d.member(out, n, phase(n), r)
	}
	if r.Active() {
		out.WaitsFor = d.waitsFor(r, order, tally, phase)
	}
	d.p.Rollout = out
}

// order is that of the units' turns, as the leader would judge it now: those that
// asked for the last turn come last.
func (d *drawing) order(r rollout.Record) rollout.Units {
	order := slices.Clone(r.InOrder(d.leader))
	if r.Order == rollout.Auto {
		asks := func(n int) int {
			if u := d.p.Unit(d.name(n)); u != nil && u.Primary && d.steps[n].ID == r.ID {
				return 1
			}
			return 0
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(asks(a), asks(b)) })
	}
	return order
}

// member puts one of the rollout's units in its list, and its step into the
// unit.
func (d *drawing) member(out *Rollout, n int, phase rollout.Phase, r rollout.Record) {
	name := d.name(n)
	switch phase {
	case rollout.PhaseGone:
		out.Gone = append(out.Gone, name)
		return
	case rollout.PhaseFailing:
		out.Failing = append(out.Failing, name)
	case rollout.PhaseFailed:
		out.Failed = append(out.Failed, name)
	case rollout.PhaseSkipped:
		out.Skipped = append(out.Skipped, name)
	}
	out.Order = append(out.Order, name)
	u := d.p.Unit(name)
	u.Step = phase
	if phase == rollout.PhaseReady && d.p.Lock.Holder == name && d.grant.ID == r.ID {
		u.Step = Running
	}
	if step := d.steps[n]; step.ID == r.ID {
		u.Attempts, u.Granted, u.Ended, u.Error = step.Attempts, moment(step.Granted), moment(step.Ended), step.Error
	}
}

// waitsFor is the unit that has to do something before the rollout goes on by
// itself: the one that runs or fails, or the one whose turn it is.
func (d *drawing) waitsFor(r rollout.Record, order rollout.Units, t rollout.Tally, phase func(int) rollout.Phase) string {
	if u := d.p.Unit(d.p.Lock.Holder); u != nil && u.Step == Running {
		return u.Name
	}
	if r.State != rollout.Running {
		return ""
	}
	if !r.WithinBudget(t) || t.Waiting+t.Ready == 0 {
		for _, n := range order {
			if phase(n) == rollout.PhaseFailing {
				return d.name(n)
			}
		}
		return ""
	}
	n, _, ok := r.Next(order, phase)
	if !ok {
		return ""
	}
	return d.name(n)
}

// warn looks at the units as Juju sees them.
func (d *drawing) warn() {
	if d.p.Leader == "" {
		d.p.Warn(NoLeader, "", "the application has no leader; Juju elects one within a minute")
	}
	for i := range d.p.Units {
		u := &d.p.Units[i]
		if u.Step == rollout.PhaseFailed && d.p.Rollout.Active() {
			d.p.Warn(UnitFailed, u.Name, fmt.Sprintf("failed %s: %s", times(u.Attempts), or(u.Error, "no reason given")))
		}
		switch {
		case u.Lost():
			d.p.Warn(AgentLost, u.Name, "its agent is "+u.Agent+": it runs nothing and answers nobody")
		case u.Status == "error":
			d.p.Warn(UnitError, u.Name, or(u.Message, "a hook fails")+"; see juju debug-log")
		case u.Status == "blocked" && !told(u.Message), u.Status == "unknown":
			d.p.Warn(UnitUnhealthy, u.Name, u.Status+": "+or(u.Message, "no reason given"))
		}
	}
	r := d.p.Rollout
	if r == nil || r.State != rollout.Running || r.WaitsFor == "" || d.held {
		return
	}
	if u := d.p.Unit(r.WaitsFor); u.Step == rollout.PhaseWaiting && u.Lost() {
		d.p.Warn(NoAnswer, u.Name, "it is its turn, and it can't answer; resume --skip goes on without it")
	}
}

// stands reports whether a leader that is blocked says that the rollout needs a
// person.
func stands(message string) bool { return strings.HasPrefix(message, "Rollout ") }

// told reports whether what a blocked unit says is told elsewhere in the picture: of
// a rollout, a record or a queue.
func told(message string) bool {
	return stands(message) || strings.Contains(message, " in rollout ") ||
		strings.HasPrefix(message, "The record of the rollout") || strings.HasPrefix(message, "Cannot read the queue")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// Lost reports whether the unit's agent runs nothing now.
func (u *Unit) Lost() bool {
	switch u.Agent {
	case "lost", "down", "stopped":
		return true
	}
	return false
}

func (d *drawing) name(n int) string { return unitname.Of(d.app, n) }

func (d *drawing) number(name string) int {
	n, _ := number(name, d.app)
	return n
}

// number is N of app/N.
func number(name, app string) (int, bool) {
	n := unitname.Number(name)
	return n, n >= 0 && unitname.Application(name) == app
}

// moment is a timestamp for JSON, absent if it is none.
func moment(t codec.Timestamp) *time.Time {
	if t.IsZero() {
		return nil
	}
	at := t.Time()
	return &at
}

func cut(text string) string { return text[:min(len(text), 60)] }

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// Span is a length of time for people, in its two largest units.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m" + pad(int(d.Seconds())%60) + "s"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h" + pad(int(d.Minutes())%60) + "m"
	}
	return strconv.Itoa(int(d.Hours())/24) + "d" + pad(int(d.Hours())%24) + "h"
}

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
