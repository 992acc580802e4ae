package processfaults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
)

// section is the time in which a unit was in an operation.
type section struct {
	Unit, What string
	From, To   time.Time
	Killed     bool // it ended with its hook, or with the witness
}

// mutex is the model of a lock: the state is who has it, "" if nobody.
var mutex = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		op := input.(lockOp)
		if op.lock {
			return state == "", op.unit
		}
		return state == op.unit, ""
	},
	DescribeOperation: func(input, _ any) string { return input.(lockOp).String() },
}

type lockOp struct {
	unit string
	lock bool
}

func (o lockOp) String() string {
	if o.lock {
		return o.unit + " locks"
	}
	return o.unit + " unlocks"
}

// checkMutex returns an error, with the history in words, if the sections can't
// be those of units that hold one lock meanwhile. A unit locks when its section
// begins and unlocks when it ends, be it that it was killed.
func checkMutex(source string, sections []section) error {
	clients := map[string]int{}
	var history []porcupine.Operation
	for _, s := range sections {
		if _, ok := clients[s.Unit]; !ok {
			clients[s.Unit] = len(clients)
		}
		for _, op := range []struct {
			lock bool
			at   time.Time
		}{{true, s.From}, {false, s.To}} {
			history = append(history, porcupine.Operation{
				ClientId: clients[s.Unit],
				Input:    lockOp{s.Unit, op.lock},
				Call:     op.at.UnixNano(),
				Return:   op.at.UnixNano(),
			})
		}
	}
	if porcupine.CheckOperations(mutex, history) {
		return nil
	}
	return fmt.Errorf("two units at once, by the %s:\n%s", source, describe(sections))
}

// describe tells who was in and out when, and marks who came while another was
// in.
func describe(sections []section) string {
	type step struct {
		at    time.Time
		unit  string
		text  string
		enter bool
	}
	var steps []step
	for _, s := range sections {
		end := "leaves "
		if s.Killed {
			end = "is killed in "
		}
		steps = append(steps, step{s.From, s.Unit, "enters " + s.What, true}, step{s.To, s.Unit, end + s.What, false})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	var out strings.Builder
	var in []string
	for _, s := range steps {
		note := ""
		if s.enter {
			if len(in) > 0 {
				note = "   <-- while " + strings.Join(in, " and ") + " is in"
			}
			in = append(in, s.unit)
		} else if i := slices.Index(in, s.unit); i >= 0 {
			in = slices.Delete(in, i, i+1)
		}
		fmt.Fprintf(&out, "  %s  %-14s %s%s\n", s.at.Format(clock), s.unit, s.text, note)
	}
	return out.String()
}

const clock = "15:04:05.000000"

// transition is a line of a unit's transitions.log.
type transition struct {
	at    time.Time
	unit  string
	event string
}

// parseTransitions reads a log. Where the disk was full a line may be torn, and
// the next one stand behind its remains: both are left out.
func parseTransitions(log []byte) []transition {
	var all []transition
	for line := range strings.Lines(string(log)) {
		if t, err := charmfacts.ParseTransition([]byte(line)); err == nil {
			all = append(all, transition{t.Time, t.Unit, t.Event})
		}
	}
	return all
}

// sectionsOf returns the sections that the transitions tell of. One ends with
// the transition that says so, or with its hook: then it was killed, or its end
// could not be written.
func sectionsOf(transitions []transition, trace []agent.Event) []section {
	var all []section
	for i, tr := range transitions {
		what, phase, _ := strings.Cut(tr.event, ":")
		if phase != "start" {
			continue
		}
		s := section{Unit: tr.unit, What: what, From: tr.at, To: hookEnd(trace, tr), Killed: true}
		for _, later := range transitions[i+1:] {
			if later.unit == tr.unit && strings.HasPrefix(later.event, what+":") {
				if !later.at.After(s.To) && !strings.HasSuffix(later.event, ":start") {
					s.To, s.Killed = later.at, false
				}
				break
			}
		}
		all = append(all, s)
	}
	return all
}

// hookEnd returns when the hook ended in which a transition was written.
func hookEnd(trace []agent.Event, tr transition) time.Time {
	for _, e := range trace {
		if e.Unit == tr.unit && !e.Time.Before(tr.at) && (e.Kind == "hook-ended" || e.Kind == "hook-killed") {
			return e.Time
		}
	}
	return time.Unix(1<<40, 0) // never
}

// checkGrants returns an error if a section began without a grant for its unit
// that is committed.
func checkGrants(sections []section, trace []agent.Event) error {
	for _, s := range sections {
		if holder := holderAt(trace, s.From); holder != s.Unit {
			return fmt.Errorf("%s entered %s at %s while the lock was granted to %q", s.Unit, s.What, s.From.Format(clock), holder)
		}
	}
	return nil
}

func holderAt(trace []agent.Event, at time.Time) string {
	holder := ""
	for _, e := range trace {
		if e.Time.After(at) {
			break
		}
		for _, w := range e.Writes {
			if unit, ok := w.Changes["granted_unit"]; ok && w.Unit == "" {
				holder = unit
			}
		}
	}
	return holder
}

// The check that all the others rely on refuses what it has to refuse.
func TestHistoryCheck(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	ended := func(unit string, ms int) agent.Event {
		return agent.Event{Time: at(ms), Kind: "hook-ended", Unit: unit}
	}
	log := func(lines ...string) []transition {
		var text strings.Builder
		for _, line := range lines {
			var ms int
			var unit, event string
			if _, err := fmt.Sscan(line, &ms, &unit, &event); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, `{"ts":"0.%06d","unit":%q,"event":%q,"parameters":{}}`+"\n", ms*1000, unit, event)
		}
		return parseTransitions([]byte(text.String()))
	}
	for _, test := range []struct {
		name  string
		log   []transition
		trace []agent.Event
		want  string // of the error; "" for none
	}{
		{"one after the other", log("10 a/0 _restart:start", "20 a/0 _restart:done", "21 a/1 _restart:start", "30 a/1 _restart:done"), nil, ""},
		{"overlap", log("10 a/0 _restart:start", "20 a/1 _restart:start", "21 a/0 _restart:done", "30 a/1 _restart:done"), nil,
			"a/1            enters _restart   <-- while a/0 is in"},
		{"within", log("10 a/0 _restart:start", "11 a/1 _restart:start", "12 a/1 _restart:retry_hold", "30 a/0 _restart:done"), nil, "while a/0 is in"},
		{"killed, and then another", log("10 a/0 _restart:start", "20 a/1 _restart:start", "30 a/1 _restart:done"), []agent.Event{ended("a/0", 15)}, ""},
		{"another, and then killed", log("10 a/0 _restart:start", "20 a/1 _restart:start", "30 a/1 _restart:done"), []agent.Event{ended("a/0", 25)}, "is killed in _restart"},
		{"hook still runs", log("10 a/0 _restart:start", "20 a/1 _restart:start", "30 a/1 _restart:done"), []agent.Event{ended("a/0", 5), ended("a/1", 35)}, "while a/0 is in"},
		{"end not written", log("10 a/0 _restart:start", "20 a/1 _restart:start", "30 a/1 _restart:done", "40 a/0 _restart:start", "50 a/0 _restart:done"),
			[]agent.Event{ended("a/0", 15), ended("a/0", 55)}, ""},
		{"same unit twice", log("10 a/0 _restart:start", "20 a/0 _failed_restart:start", "30 a/0 _restart:done"), nil, "a/0 is in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sections := sectionsOf(test.log, test.trace)
			if len(sections) == 0 {
				t.Fatal("no sections")
			}
			err := checkMutex("transitions", sections)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGrantCheck(t *testing.T) {
	granted := func(ms int, unit string) agent.Event {
		e := agent.Event{Time: time.UnixMilli(int64(ms)), Kind: "hook-ended"}
		e.Writes = append(e.Writes, write("", "granted_unit", unit), write("a/0", "granted_unit", "a/7"))
		return e
	}
	trace := []agent.Event{granted(10, "a/0"), granted(30, ""), granted(40, "a/1")}
	for _, test := range []struct {
		unit string
		at   int
		ok   bool
	}{{"a/0", 20, true}, {"a/1", 20, false}, {"a/0", 5, false}, {"a/0", 35, false}, {"a/1", 40, true}} {
		err := checkGrants([]section{{Unit: test.unit, From: time.UnixMilli(int64(test.at))}}, trace)
		if (err == nil) != test.ok {
			t.Errorf("%s at %d: %v", test.unit, test.at, err)
		}
	}
}

// A line that a full disk tore, and the one behind its remains, are left out.
func TestTornTransitions(t *testing.T) {
	log := `{"ts":"1.000001","unit":"a/0","event":"_restart:start","parameters":{}}
{"ts":"2.0000{"ts":"3.000001","unit":"a/0","event":"_restart:start","parameters":{}}
{"ts":"4.5","unit":"a/0"`
	if got := parseTransitions([]byte(log)); len(got) != 1 || got[0] != (transition{time.UnixMicro(1000001), "a/0", "_restart:start"}) {
		t.Errorf("got %v", got)
	}
}
