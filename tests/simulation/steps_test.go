package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rolling-ops/internal/jujusim"
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
		"corrupt":       {onUnit: true, frozen: true, do: corrupt, help: "an operator breaks the unit's queue through juju-exec"},
		"queue-unknown": {onUnit: true, frozen: true, do: queueUnknown, help: "an earlier revision queued an operation that this one does not know"},
		"update-status": {onUnit: true, do: updateStatus, help: "the update-status timer fires"},
		"break":         {onUnit: true, frozen: true, do: breakService, help: "the unit's service does not start any more"},
		"mend":          {onUnit: true, frozen: true, do: mendService, help: "it does again"},
		"advance":       {args: 1, do: advance, help: "let DURATION go by, or \"next\": until a worker or a hook in error is due"},
		"settle":        {do: (*world).settleStep, help: "end all faults and run until nothing is left to do"},
	}
}

func addUnit(w *world, _ *machine, _ []string) error {
	if len(w.names()) >= 8 {
		return errImpossible
	}
	w.model.AddUnit()
	return nil
}

func remove(w *world, m *machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.removedOne = true
	return w.model.RemoveUnit(m.name, false)
}

func removeForce(w *world, m *machine, _ []string) error {
	if w.staying(m) == 0 {
		return errImpossible
	}
	w.removedOne = true
	w.check.removing(m.name)
	return w.model.RemoveUnit(m.name, true)
}

// staying counts the other units that are not about to leave: an application
// without any has nobody to be served.
func (w *world) staying(m *machine) int {
	n := 0
	for _, name := range w.names() {
		if info, _ := w.model.Unit(name); name != m.name && info.Life != "dying" {
			n++
		}
	}
	return n
}

// elect moves the leadership, never while a promise of is-leader holds.
func elect(w *world, m *machine, _ []string) error {
	info, _ := w.model.Unit(m.name)
	if w.promised() || w.model.Leader() == m.name || info.Life == "dying" || info.Down {
		return errImpossible
	}
	w.noteDeposed(m.name)
	return w.model.SetLeader(m.name)
}

func depose(w *world, _ *machine, _ []string) error {
	if w.promised() || w.model.Leader() == "" {
		return errImpossible
	}
	w.noteDeposed("")
	w.model.LoseLeadership()
	return nil
}

// promised tells whether a "true" of is-leader still binds the controller.
func (w *world) promised() bool { return w.now.Before(w.model.PromisedUntil()) }

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

// kill ends dispatch by a signal. A hook and an action lose what they wrote; a
// juju-exec command has it committed all the same.
func kill(w *world, m *machine, _ []string) error {
	r := m.running
	if r == nil {
		return errImpossible
	}
	w.noteKill(r)
	w.drop(m)
	if r.hook.Run().Kind == jujusim.ExecRun {
		_ = r.hook.Finish(137)
		return nil
	}
	return r.hook.Kill()
}

func fail(w *world, m *machine, _ []string) error {
	if m.running == nil || m.running.fail {
		return errImpossible
	}
	m.running.fail = true
	fault := "hook fails at its end"
	if m.running.hook.Run().Kind == jujusim.ExecRun {
		fault = "juju-exec fails"
	}
	w.cover.fire(fault)
	if w.check.unit(m.name).ran || m.running.at == "callback" {
		w.cover.matter(fault)
	}
	return nil
}

func restartAgent(w *world, m *machine, _ []string) error {
	w.cover.fire("agent restarted in a hook")
	if m.running != nil {
		w.cover.matter("agent restarted in a hook")
	}
	w.drop(m)
	m.lostEvents = false
	return w.model.RestartAgent(m.name)
}

func reboot(w *world, m *machine, _ []string) error {
	w.cover.fire("machine rebooted")
	if m.running != nil || m.worker.alive() {
		w.cover.matter("machine rebooted")
	}
	w.drop(m)
	m.worker.kill()
	m.lostEvents = false
	if err := w.model.Reboot(m.name); err != nil {
		return err
	}
	m.booted = w.now
	return w.model.StartAgent(m.name)
}

// freeze suspends a machine. Between the library's last look at the clock and
// the commit it can't be: see commitWithin.
func freeze(w *world, m *machine, _ []string) error {
	if m.running != nil && !m.running.commitBy.IsZero() {
		return errImpossible
	}
	m.frozen = true
	w.cover.fire("machine suspended in a hook")
	if m.running != nil {
		w.cover.matter("machine suspended in a hook")
	}
	return nil
}

func thaw(_ *world, m *machine, _ []string) error {
	if !m.frozen {
		return errImpossible
	}
	m.frozen = false
	return nil
}

func skew(w *world, m *machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	w.cover.fire("clock skew")
	if m.running != nil && d < m.skew {
		w.cover.fire("clock jumps in a hook")
	}
	m.skew = d
	return nil
}

// about is the remote unit that a step names, "" for the application.
func about(args []string) string {
	if args[0] == "app" {
		return ""
	}
	return app + "/" + args[0]
}

func hold(w *world, m *machine, args []string) error {
	if err := w.model.Hold(m.name, "restart", about(args)); err != nil {
		return errImpossible
	}
	w.cover.fire("event delayed")
	if info, ok := w.model.Next(m.name); !ok || info.RemoteUnit != about(args) {
		w.cover.matter("event delayed")
	}
	return nil
}

func release(w *world, m *machine, _ []string) error { return w.model.ReleaseAll(m.name) }

func repeat(w *world, m *machine, args []string) error {
	if err := w.model.Redeliver(m.name, "restart", about(args)); err != nil {
		return errImpossible
	}
	w.cover.fire("event repeated")
	if _, ok := w.model.Next(m.name); ok {
		w.cover.matter("event repeated")
	}
	return nil
}

func loseEvents(w *world, m *machine, _ []string) error {
	n, err := w.model.DropEvents(m.name)
	if err != nil || n == 0 {
		return errImpossible
	}
	m.lostEvents = true
	w.cover.fire("event lost")
	w.cover.matter("event lost")
	return nil
}

func callWorker(w *world, m *machine, _ []string) error {
	if !m.worker.ready(w) {
		return errImpossible
	}
	m.worker.call(w, m)
	return nil
}

func killWorker(w *world, m *machine, _ []string) error {
	if !m.worker.alive() {
		return errImpossible
	}
	m.worker.kill()
	w.workerLost = true
	w.cover.fire("worker killed")
	w.cover.matter("worker killed")
	return nil
}

func loseWorker(w *world, m *machine, _ []string) error {
	m.worker.lose = true
	w.workerLost = true
	w.cover.fire("worker never started")
	return nil
}

func doubleWorker(w *world, m *machine, _ []string) error {
	m.worker.twice = true
	w.cover.fire("worker started twice")
	return nil
}

func delayWorker(w *world, m *machine, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	if !m.worker.waiting {
		return errImpossible
	}
	m.worker.due = m.worker.due.Add(d)
	w.cover.fire("worker late")
	w.cover.matter("worker late")
	return nil
}

func corrupt(w *world, m *machine, _ []string) error {
	w.cover.fire("queue corrupted")
	_, err := w.model.EnqueueExec(m.name, "corrupt")
	return impossibleIf(err)
}

func queueUnknown(w *world, m *machine, _ []string) error {
	w.cover.fire("unknown callback")
	_, err := w.model.EnqueueExec(m.name, "queue-unknown")
	return impossibleIf(err)
}

func impossibleIf(err error) error {
	if err != nil {
		return errImpossible
	}
	return nil
}

func updateStatus(w *world, m *machine, _ []string) error { return w.model.UpdateStatus(m.name) }

func breakService(w *world, m *machine, _ []string) error {
	m.broken = true
	w.cover.fire("service broken")
	return nil
}

func mendService(_ *world, m *machine, _ []string) error {
	m.broken = false
	return nil
}

// advance lets time go by, not past a commit that is about to be made.
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
			return errImpossible
		}
	}
	w.now = w.now.Add(d)
	return nil
}

func (w *world) settleStep(_ *machine, _ []string) error {
	w.settle()
	return nil
}

// sorted are the machines by unit number.
func (w *world) machines() []*machine {
	out := make([]*machine, 0, len(w.units))
	for _, name := range w.names() {
		out = append(out, w.units[name])
	}
	return slices.Clip(out)
}
