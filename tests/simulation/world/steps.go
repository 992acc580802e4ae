package world

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Step is one thing that happens, as a line of text: a verb, mostly a unit, and
// what else the verb takes.
type Step struct {
	Verb string
	Unit string
	Args []string
}

func (s Step) String() string {
	words := []string{s.Verb}
	if s.Unit != "" {
		words = append(words, Short(s.Unit))
	}
	return strings.Join(append(words, s.Args...), " ")
}

// ParseStep reads a line. Units are given by number.
func ParseStep(line string) (Step, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Step{}, errors.New("empty step")
	}
	v, ok := Verbs[words[0]]
	if !ok {
		return Step{}, fmt.Errorf("unknown step %q", words[0])
	}
	s := Step{Verb: words[0]}
	words = words[1:]
	if v.OnUnit {
		if len(words) == 0 {
			return Step{}, fmt.Errorf("%s needs a unit's number", s.Verb)
		}
		if _, err := strconv.Atoi(words[0]); err != nil {
			return Step{}, fmt.Errorf("%s: %q is no unit's number", s.Verb, words[0])
		}
		s.Unit, words = App+"/"+words[0], words[1:]
	}
	if len(words) < v.args {
		return Step{}, fmt.Errorf("%s needs %d more words", s.Verb, v.args-len(words))
	}
	s.Args = words
	return s, nil
}

// errImpossible says that a step makes no sense now. The scheduler passes over
// such steps; in a script they are mistakes.
var errImpossible = errors.New("impossible now")

// Do makes one step and notes it.
func (w *World) Do(s Step) error {
	v, ok := Verbs[s.Verb]
	if !ok {
		return fmt.Errorf("unknown step %q", s.Verb)
	}
	var m *Machine
	if v.OnUnit {
		if m = w.Units[s.Unit]; m == nil {
			return errImpossible
		}
		if m.frozen && !v.frozen {
			return errImpossible
		}
	}
	w.Schedule = append(w.Schedule, s.String())
	if err := v.do(w, m, s.Args); err != nil {
		w.Schedule = w.Schedule[:len(w.Schedule)-1]
		return err
	}
	w.Now = w.Now.Add(time.Millisecond)
	return nil
}

type verb struct {
	OnUnit bool
	frozen bool // also possible while the unit's machine is suspended
	args   int
	do     func(*World, *Machine, []string) error
	Help   string
}

var Verbs map[string]verb

func init() {
	Verbs = map[string]verb{
		"add-unit":    {do: addUnit, Help: "add a unit"},
		"add-v1-unit": {do: addV1Unit, Help: "add a unit on the Python library v1"},
		"refresh":     {OnUnit: true, args: 1, do: refresh, Help: "have the unit take up \"ours\" or \"v1\""},
		"remove":      {OnUnit: true, do: remove, Help: "tell a unit to leave"},
		"remove-force": {OnUnit: true, frozen: true, do: removeForce,
			Help: "remove a unit by force; its machine may not hear of it"},
		"elect":         {OnUnit: true, do: elect, Help: "give the leadership to a unit, once is-leader's promise is over"},
		"depose":        {do: depose, Help: "leave the application without a leader"},
		"action":        {OnUnit: true, frozen: true, args: 1, do: action, Help: "queue an action: NAME [key=value ...]"},
		"begin":         {OnUnit: true, do: beginRun, Help: "begin what the unit's agent runs next, up to where it first stops"},
		"step":          {OnUnit: true, do: stepRun, Help: "let the run go on to where it next stops"},
		"finish":        {OnUnit: true, do: finishRun, Help: "let the run go on to its end"},
		"run":           {OnUnit: true, do: wholeRun, Help: "begin and finish"},
		"until":         {OnUnit: true, args: 1, do: untilPlace, Help: "begin if need be, and go on to where the run stops at PLACE, such as callback or exit"},
		"enter":         {OnUnit: true, do: enterCallback, Help: "begin if need be, and go on into the operation, or else to the end"},
		"kill":          {OnUnit: true, do: kill, Help: "kill -9 dispatch where it is"},
		"fail":          {OnUnit: true, do: fail, Help: "the run will exit non-zero, whatever it did"},
		"restart-agent": {OnUnit: true, do: restartAgent, Help: "restart the unit's agent, whatever it runs"},
		"reboot":        {OnUnit: true, do: reboot, Help: "reboot the unit's machine"},
		"freeze":        {OnUnit: true, do: freeze, Help: "suspend the unit's machine"},
		"thaw":          {OnUnit: true, frozen: true, do: thaw, Help: "resume it"},
		"skew":          {OnUnit: true, frozen: true, args: 1, do: skew, Help: "set the unit's clock wrong by DURATION"},
		"hold":          {OnUnit: true, frozen: true, args: 1, do: hold, Help: "delay events about unit N, or app"},
		"release":       {OnUnit: true, frozen: true, do: release, Help: "let delayed events through"},
		"repeat":        {OnUnit: true, frozen: true, args: 1, do: repeat, Help: "deliver relation-changed of unit N, or app, once more"},
		"lose-events":   {OnUnit: true, frozen: true, do: loseEvents, Help: "lose the relation events that wait"},
		"worker":        {OnUnit: true, do: callWorker, Help: "the worker is due and calls juju-exec"},
		"worker-kill":   {OnUnit: true, frozen: true, do: killWorker, Help: "kill -9 the worker"},
		"worker-lose":   {OnUnit: true, frozen: true, do: loseWorker, Help: "the next worker asked for never starts"},
		"worker-twice":  {OnUnit: true, frozen: true, do: doubleWorker, Help: "the next call of the worker is made twice"},
		"worker-late":   {OnUnit: true, frozen: true, args: 1, do: delayWorker, Help: "the worker oversleeps by DURATION"},
		"corrupt":       {OnUnit: true, frozen: true, do: byOperator("queue corrupted"), Help: "an operator breaks the unit's queue through juju-exec"},
		"queue-unknown": {OnUnit: true, frozen: true, do: byOperator("unknown callback"), Help: "an earlier revision queued an operation that this one does not know"},
		"fill":          {OnUnit: true, frozen: true, args: 1, do: byOperator("1000 operations queued"), Help: "COUNT operations are queued at once"},
		"stamp": {OnUnit: true, frozen: true, args: 1, do: foreignStamp,
			Help: "somebody else writes executed_at: 9999, 9998, past, unreadable, none or grant, equal to that"},
		"stamp-lock": {OnUnit: true, frozen: true, args: 1, do: foreignLock,
			Help: "somebody else writes granted_at of the lock, on the leader: as stamp"},
		"update-status": {OnUnit: true, do: updateStatus, Help: "the update-status timer fires"},
		"break":         {OnUnit: true, frozen: true, do: breakService, Help: "the unit's service does not start any more"},
		"mend":          {OnUnit: true, frozen: true, do: mendService, Help: "it does again"},
		"advance":       {args: 1, do: advance, Help: "let DURATION go by, or \"next\": until a worker or a hook in error is due"},
		"settle":        {do: (*World).settleStep, Help: "end all faults and run until nothing is left to do"},
	}
}

func action(w *World, m *Machine, args []string) error {
	params := make(map[string]any)
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		if value == "true" {
			params[key] = true
		} else if n, err := strconv.ParseFloat(value, 64); err == nil {
			params[key] = n
			if whole := int64(n); float64(whole) == n {
				params[key] = whole
			}
		} else {
			params[key] = value
		}
	}
	_, err := w.Model.EnqueueAction(m.Name, args[0], params)
	return err
}

func beginRun(w *World, m *Machine, _ []string) error {
	run, ok := w.Model.Next(m.Name)
	if !ok || w.Now.Before(run.NotBefore) {
		return errImpossible
	}
	_, err := w.begin(m)
	return err
}

func stepRun(_ *World, m *Machine, _ []string) error {
	if m.Running == nil {
		return errImpossible
	}
	m.Running.step()
	return nil
}

func finishRun(_ *World, m *Machine, _ []string) error {
	if m.Running == nil {
		return errImpossible
	}
	for m.Running != nil {
		m.Running.step()
	}
	return nil
}

func wholeRun(w *World, m *Machine, _ []string) error {
	if m.Running == nil {
		if err := beginRun(w, m, nil); err != nil {
			return err
		}
	}
	if m.Running != nil {
		return finishRun(w, m, nil)
	}
	return nil
}

func untilPlace(w *World, m *Machine, args []string) error {
	if m.Running == nil {
		if err := beginRun(w, m, nil); err != nil {
			return err
		}
	}
	place := strings.Join(args, " ")
	for m.Running != nil && m.Running.At != place {
		m.Running.step()
	}
	if m.Running == nil {
		return fmt.Errorf("the run does not come to %s", place)
	}
	return nil
}

func enterCallback(w *World, m *Machine, _ []string) error {
	if m.Running == nil {
		if err := beginRun(w, m, nil); err != nil {
			return err
		}
	}
	for m.Running != nil && m.Running.At != "callback" {
		m.Running.step()
	}
	return nil
}

// advance lets time go by. The library assumes that a commit follows its last
// look at the clock within commitWithin; one that does not is overdue, see
// running.overdue.
func advance(w *World, _ *Machine, args []string) error {
	d := w.untilDue()
	if args[0] != "next" {
		var err error
		if d, err = time.ParseDuration(args[0]); err != nil {
			return err
		}
	}
	if d <= 0 {
		return errImpossible
	}
	for _, m := range w.Units {
		if r := m.Running; r != nil && !r.CommitBy.IsZero() && w.Now.Add(d).After(r.CommitBy) {
			r.overdue = true
		}
	}
	w.Now = w.Now.Add(d)
	return nil
}

func (w *World) settleStep(_ *Machine, _ []string) error {
	w.Settle()
	return nil
}

// Machines are those of all units, by unit number.
func (w *World) Machines() []*Machine {
	out := make([]*Machine, 0, len(w.Units))
	for _, name := range w.Names() {
		out = append(out, w.Units[name])
	}
	return slices.Clip(out)
}
