package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
)

// judge is told of what happens and ends the simulation if it must not be.
type judge interface {
	began(*running)
	failed(*running, error)
	transition(r *running, event string, args codec.Args)
	left(unit string)
	removing(unit string)
	gone(unit string)
	committed(jujusim.Event)
	answered(*jujusim.ActionResult)
}

// The claims that may be made of an application whose units are on both
// implementations. A world that makes some is held to those alone.
const (
	OursAlone = "ours-alone" // no two of our units run an operation at once
	AllAlone  = "all-alone"  // no two units do
	QueueKept = "queue-kept" // no operation leaves a queue before it was begun once
	Drains    = "drains"     // once faults end, update-status brings every queue to its end
	MovesOn   = "moves-on"   // and so does the cluster by itself
)

// Claims are all of them.
var Claims = []string{OursAlone, AllAlone, QueueKept, Drains, MovesOn}

// witness holds the claims against what happens.
type witness struct {
	w     *World
	begun map[string]map[string]int // by unit and operation, since one has left the queue
	queue map[string]codec.Queue    // as committed
}

func newWitness(w *World) *witness {
	return &witness{w: w, begun: make(map[string]map[string]int), queue: make(map[string]codec.Queue)}
}

// broken ends the simulation if it makes the claim.
func (j *witness) broken(claim, format string, args ...any) {
	if !slices.Contains(strings.Split(j.w.Opts.Claims, ","), claim) {
		return
	}
	if j.w.violated == "" {
		j.w.Broken, j.w.violated = claim, Violation(claim+": "+fmt.Sprintf(format, args...))
	}
	panic(j.w.violated)
}

func (j *witness) began(*running) {}

// failed is not judged: v1 raises, and Juju runs the hook again.
func (j *witness) failed(*running, error) {}

func (j *witness) transition(r *running, event string, args codec.Args) {
	operation, what, _ := strings.Cut(event, ":")
	switch {
	case operation == "action":
	case what == "start":
		j.enter(r.m, operation+args.JSON())
	default:
		j.left(r.m.Name)
	}
}

func (j *witness) enter(m *Machine, operation string) {
	inside := &j.w.Check.Inside
	for _, other := range *inside {
		if j.w.ours(m.Name) && j.w.ours(other) {
			j.broken(OursAlone, "%s begins its operation while %s runs one", m.Name, other)
		}
		j.broken(AllAlone, "%s begins its operation while %s runs one", m.Name, other)
	}
	*inside = append(*inside, m.Name)
	j.w.Check.forward++
	if j.begun[m.Name] == nil {
		j.begun[m.Name] = make(map[string]int)
	}
	j.begun[m.Name][operation]++
}

func (j *witness) left(unit string) {
	j.w.Check.Inside = slices.DeleteFunc(j.w.Check.Inside, func(u string) bool { return u == unit })
}

func (j *witness) removing(string) {}

func (j *witness) gone(unit string) {
	delete(j.begun, unit)
	delete(j.queue, unit)
	j.w.Check.forward++
}

func (j *witness) answered(*jujusim.ActionResult) { j.w.Check.forward++ }

func (j *witness) committed(e jujusim.Event) {
	for _, write := range e.Writes {
		text, ok := write.Changes["operations"]
		if write.Unit != e.Unit || !ok {
			continue
		}
		now, err := codec.ParseQueue(text)
		if err != nil {
			j.broken(QueueKept, "%s wrote a queue that can't be read: %v", e.Unit, err)
		}
		j.queueWritten(e.Unit, j.queue[e.Unit], now)
		j.queue[e.Unit] = now
	}
}

// queueWritten looks for what has left the queue: a leader on v1 may run several
// operations in one hook, equal ones among them.
func (j *witness) queueWritten(unit string, was, now codec.Queue) {
	dropped := make(map[string]int)
	for _, op := range was {
		same := func(n codec.Operation) bool { return n.Equal(op) && n.RequestedAt == op.RequestedAt }
		if !slices.ContainsFunc(now, same) {
			dropped[op.CallbackID+op.Kwargs.JSON()]++
		}
	}
	for key, n := range dropped {
		if begun := j.begun[unit][key]; begun < n {
			j.broken(QueueKept, "%s has lost %s, %d times, and began it %d times", unit, key, n, begun)
		}
		delete(j.begun[unit], key)
	}
}

// rounds of update-status, each 5 minutes after the other, after which a cluster
// has to be at rest: more than any clock is wrong.
const rounds = 30

// settleMixed is Settle for a world that makes a claim.
func (w *World) settleMixed() {
	j := w.judge.(*witness)
	w.endFaults()
	w.run()
	if left := w.left(); left != "" && !w.wakeLost() {
		j.broken(MovesOn, "%s", left)
	}
	for range rounds {
		if w.left() == "" {
			break
		}
		w.Now = w.Now.Add(5 * time.Minute)
		for _, m := range w.Machines() {
			_ = w.Model.UpdateStatus(m.Name)
		}
		w.run()
	}
	if left := w.left(); left != "" {
		j.broken(Drains, "%s", left)
	}
}
