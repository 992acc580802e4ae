package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step is one thing that happens, as a line of text: a verb, mostly a unit, and
// what else the verb takes.
type step struct {
	verb string
	unit string
	args []string
}

func (s step) String() string {
	words := []string{s.verb}
	if s.unit != "" {
		words = append(words, short(s.unit))
	}
	return strings.Join(append(words, s.args...), " ")
}

// parseStep reads a line. Units are given by number.
func parseStep(line string) (step, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return step{}, errors.New("empty step")
	}
	v, ok := verbs[words[0]]
	if !ok {
		return step{}, fmt.Errorf("unknown step %q", words[0])
	}
	s := step{verb: words[0]}
	words = words[1:]
	if v.onUnit {
		if len(words) == 0 {
			return step{}, fmt.Errorf("%s needs a unit's number", s.verb)
		}
		if _, err := strconv.Atoi(words[0]); err != nil {
			return step{}, fmt.Errorf("%s: %q is no unit's number", s.verb, words[0])
		}
		s.unit, words = app+"/"+words[0], words[1:]
	}
	if len(words) < v.args {
		return step{}, fmt.Errorf("%s needs %d more words", s.verb, v.args-len(words))
	}
	s.args = words
	return s, nil
}

// errImpossible says that a step makes no sense now. The scheduler passes over
// such steps; in a script they are mistakes.
var errImpossible = errors.New("impossible now")

// do makes one step and notes it.
func (w *world) do(s step) error {
	v, ok := verbs[s.verb]
	if !ok {
		return fmt.Errorf("unknown step %q", s.verb)
	}
	var m *machine
	if v.onUnit {
		if m = w.units[s.unit]; m == nil {
			return errImpossible
		}
		if m.frozen && !v.frozen {
			return errImpossible
		}
	}
	w.schedule = append(w.schedule, s.String())
	if err := v.do(w, m, s.args); err != nil {
		w.schedule = w.schedule[:len(w.schedule)-1]
		return err
	}
	w.now = w.now.Add(time.Millisecond)
	return nil
}

type verb struct {
	onUnit bool
	frozen bool // also possible while the unit's machine is suspended
	args   int
	do     func(*world, *machine, []string) error
	help   string
}

var verbs map[string]verb

func init() {
	verbs = map[string]verb{
		"add-unit": {do: addUnit, help: "add a unit"},
		"remove":   {onUnit: true, do: remove, help: "tell a unit to leave"},
		"remove-force": {onUnit: true, frozen: true, do: removeForce,
			help: "remove a unit by force; its machine may not hear of it"},
		"elect":         {onUnit: true, do: elect, help: "give the leadership to a unit, once is-leader's promise is over"},
		"depose":        {do: depose, help: "leave the application without a leader"},
		"action":        {onUnit: true, frozen: true, args: 1, do: action, help: "queue an action: NAME [key=value ...]"},
		"begin":         {onUnit: true, do: beginRun, help: "begin what the unit's agent runs next, up to where it first stops"},
		"step":          {onUnit: true, do: stepRun, help: "let the run go on to where it next stops"},
		"finish":        {onUnit: true, do: finishRun, help: "let the run go on to its end"},
		"run":           {onUnit: true, do: wholeRun, help: "begin and finish"},
		"until":         {onUnit: true, args: 1, do: untilPlace, help: "begin if need be, and go on to where the run stops at PLACE, such as callback or exit"},
		"kill":          {onUnit: true, do: kill, help: "kill -9 dispatch where it is"},
		"fail":          {onUnit: true, do: fail, help: "the run will exit non-zero, whatever it did"},
		"restart-agent": {onUnit: true, do: restartAgent, help: "restart the unit's agent, whatever it runs"},
		"reboot":        {onUnit: true, do: reboot, help: "reboot the unit's machine"},
		"freeze":        {onUnit: true, do: freeze, help: "suspend the unit's machine"},
		"thaw":          {onUnit: true, frozen: true, do: thaw, help: "resume it"},
		"skew":          {onUnit: true, frozen: true, args: 1, do: skew, help: "set the unit's clock wrong by DURATION"},
		"hold":          {onUnit: true, frozen: true, args: 1, do: hold, help: "delay events about unit N, or app"},
		"release":       {onUnit: true, frozen: true, do: release, help: "let delayed events through"},
		"repeat":        {onUnit: true, frozen: true, args: 1, do: repeat, help: "deliver relation-changed of unit N, or app, once more"},
		"lose-events":   {onUnit: true, frozen: true, do: loseEvents, help: "lose the relation events that wait"},
		"worker":        {onUnit: true, do: callWorker, help: "the worker is due and calls juju-exec"},
		"worker-kill":   {onUnit: true, frozen: true, do: killWorker, help: "kill -9 the worker"},
		"worker-lose":   {onUnit: true, frozen: true, do: loseWorker, help: "the next worker asked for never starts"},
		"worker-twice":  {onUnit: true, frozen: true, do: doubleWorker, help: "the next call of the worker is made twice"},
		"worker-late":   {onUnit: true, frozen: true, args: 1, do: delayWorker, help: "the worker oversleeps by DURATION"},
		"corrupt":       {onUnit: true, frozen: true, do: byOperator("queue corrupted"), help: "an operator breaks the unit's queue through juju-exec"},
		"queue-unknown": {onUnit: true, frozen: true, do: byOperator("unknown callback"), help: "an earlier revision queued an operation that this one does not know"},
		"fill":          {onUnit: true, frozen: true, args: 1, do: byOperator("1000 operations queued"), help: "COUNT operations are queued at once"},
		"update-status": {onUnit: true, do: updateStatus, help: "the update-status timer fires"},
		"break":         {onUnit: true, frozen: true, do: breakService, help: "the unit's service does not start any more"},
		"mend":          {onUnit: true, frozen: true, do: mendService, help: "it does again"},
		"advance":       {args: 1, do: advance, help: "let DURATION go by, or \"next\": until a worker or a hook in error is due"},
		"settle":        {do: (*world).settleStep, help: "end all faults and run until nothing is left to do"},
	}
}

func action(w *world, m *machine, args []string) error {
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
			return fmt.Errorf("action: %q is no number", arg)
		}
	}
	_, err := w.model.EnqueueAction(m.name, args[0], params)
	return err
}

func beginRun(w *world, m *machine, _ []string) error {
	run, ok := w.model.Next(m.name)
	if !ok || w.now.Before(run.NotBefore) {
		return errImpossible
	}
	_, err := w.begin(m)
	return err
}

func stepRun(_ *world, m *machine, _ []string) error {
	if m.running == nil {
		return errImpossible
	}
	m.running.step()
	return nil
}

func finishRun(_ *world, m *machine, _ []string) error {
	if m.running == nil {
		return errImpossible
	}
	for m.running != nil {
		m.running.step()
	}
	return nil
}

func wholeRun(w *world, m *machine, _ []string) error {
	if m.running == nil {
		if err := beginRun(w, m, nil); err != nil {
			return err
		}
	}
	if m.running != nil {
		return finishRun(w, m, nil)
	}
	return nil
}

func untilPlace(w *world, m *machine, args []string) error {
	if m.running == nil {
		if err := beginRun(w, m, nil); err != nil {
			return err
		}
	}
	place := strings.Join(args, " ")
	for m.running != nil && m.running.at != place {
		m.running.step()
	}
	if m.running == nil {
		return fmt.Errorf("the run does not come to %s", place)
	}
	return nil
}

// advance lets time go by. The library assumes that a commit follows its last
// look at the clock within commitWithin; one that does not is overdue, see
// running.overdue.
func advance(w *world, _ *machine, args []string) error {
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
	for _, m := range w.units {
		if r := m.running; r != nil && !r.commitBy.IsZero() && w.now.Add(d).After(r.commitBy) {
			r.overdue = true
		}
	}
	w.now = w.now.Add(d)
	return nil
}

func (w *world) settleStep(_ *machine, _ []string) error {
	w.settle()
	return nil
}

// machines are those of all units, by unit number.
func (w *world) machines() []*machine {
	out := make([]*machine, 0, len(w.units))
	for _, name := range w.names() {
		out = append(out, w.units[name])
	}
	return slices.Clip(out)
}
