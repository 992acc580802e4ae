package fidelity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/tests/integration/steps"
)

// Charm is the name of the probe charm in a steps.Deployment.
const Charm steps.Charm = "probe"

// Model is a Juju model for the probe to be deployed on.
type Model interface {
	Deploy(ctx context.Context, d steps.Deployment) error
	AddUnits(ctx context.Context, n int) error
	RemoveUnit(ctx context.Context, unit string, force bool) error
	SetConfig(ctx context.Context, options map[string]string) error
	Refresh(ctx context.Context, charm steps.Charm) error
	RunAction(ctx context.Context, unit, action string, params map[string]any) (steps.ActionResult, error)
	State(ctx context.Context) (steps.State, error)

	// Machine runs a shell command on a unit's machine, with juju-exec on its
	// PATH, beside whatever the unit runs. It waits until there is that machine.
	Machine(ctx context.Context, unit, command string) (steps.ExecResult, error)
	// UnitDir returns the directory, on its machine, that the unit's charm
	// directory is in.
	UnitDir(unit string) string
	// Settle waits until the agents have heard what was asked of their units.
	Settle(ctx context.Context) error
	// AwaitCommand waits until a command of juju-exec waits on a unit.
	AwaitCommand(ctx context.Context, unit string) error
	// Leisure is how long, at least, a unit that leaves must stand still to be
	// looked at: nothing can be run on its machine any more.
	Leisure() time.Duration
	// RestartAgent restarts the agent of a unit.
	RestartAgent(ctx context.Context, unit string) error
	// UpdateStatus has a unit, and maybe others, run update-status within a few
	// minutes, and waits for that with the function it is given.
	UpdateStatus(ctx context.Context, unit string, ran func()) error
}

// session drives the probe through one scenario after the other. Its methods
// write what they see into the transcript; a step that cannot be carried out
// ends the test.
type session struct {
	ctx   context.Context
	t     testing.TB
	model Model
	// out is the transcript of the present scenario.
	out strings.Builder
	// read is how much of each unit's log was read.
	read map[string]int
	// environments is what the unit that left has told of its environments.
	environments string
}

func (s *session) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%v\nthe transcript so far:\n%s", err, normalize(s.out.String()))
	}
}

// say writes a line of the scenario's own into the transcript.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf(&s.out, "\n# "+format+"\n", args...)
}

func (s *session) print(text string) {
	s.out.WriteString(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		s.out.WriteByte('\n')
	}
}

// machine runs a shell command on a unit's machine and returns what it printed.
// The command must succeed.
func (s *session) machine(unit, command string) string {
	result, err := s.model.Machine(s.ctx, unit, "cd "+s.model.UnitDir(unit)+"\n"+command)
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("exit code %d: %s%s", result.Code, result.Stdout, result.Stderr)
	}
	if err != nil {
		s.check(fmt.Errorf("cannot run %q on the machine of %s: %w", command, unit, err))
	}
	return result.Stdout
}

// do runs commands in the context of an action of a unit, and prints what they
// recorded and what else came of the action.
func (s *session) do(unit, script string) {
	result, err := s.model.RunAction(s.ctx, unit, "do", map[string]any{"script": script})
	s.check(err)
	fmt.Fprintf(&s.out, "%s:\n", unit)
	stdout, _ := result.Results["stdout"].(string)
	s.print(stdout)
	s.outcome(result)
}

// outcome prints how an action ended if not well, with what results, but for
// what it printed and its exit code, and what it logged.
func (s *session) outcome(result steps.ActionResult) {
	if result.Status != "completed" {
		fmt.Fprintf(&s.out, "action %s: %s\n", result.Status, result.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(result.Results)) {
		if name == "stdout" || name == "return-code" {
			continue
		}
		value, err := json.Marshal(result.Results[name])
		s.check(err)
		fmt.Fprintf(&s.out, "result %s: %s\n", name, value)
	}
	for _, line := range result.Log {
		fmt.Fprintf(&s.out, "action-log: %s\n", line)
	}
}

// on leaves commands for the next hook of a name.
func (s *session) on(unit, hook, script string) {
	encoded := base64.StdEncoding.EncodeToString([]byte(script))
	s.machine(unit, "echo "+encoded+" | base64 -d >probe/on/"+hook)
}

// taken waits until the next hook of that name has come: after a quiet time Juju
// may take longer to notice a change than a model looks idle.
func (s *session) taken(unit, hook string) {
	s.machine(unit, "while [ -e probe/on/"+hook+" ]; do sleep 0.05; done")
}

// hold has a unit wait in an action, which keeps everything else on that unit
// waiting, until release. What it returns waits for the end of the action, and
// prints how it ended.
func (s *session) hold(unit string) (ended func()) {
	ended = s.start(unit, "hold", nil)
	s.atGate(unit)
	return ended
}

// start begins an action and returns what waits for its end, and prints how it
// ended.
func (s *session) start(unit, action string, params map[string]any) (ended func()) {
	type outcome struct {
		steps.ActionResult
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := s.model.RunAction(s.ctx, unit, action, params)
		done <- outcome{result, err}
	}()
	return func() {
		o := <-done
		s.check(o.err)
		fmt.Fprintf(&s.out, "%s ended the action %s: %s\n", unit, action, o.Status)
		s.outcome(o.ActionResult)
	}
}

// background has juju-exec run a command on a unit that is busy. What the
// machine's shell command prints goes to probe/exec.out.
func (s *session) background(unit, command string) {
	s.machine(unit, "setsid sh -c '"+command+"' </dev/null >probe/exec.out 2>&1 &")
	s.check(s.model.AwaitCommand(s.ctx, unit))
}

// atGate waits until something waits at the gate of a unit.
func (s *session) atGate(unit string) { s.exists(unit, "probe/at-gate") }

// exists waits until a file is there, relative to the unit's directory.
func (s *session) exists(unit, path string) {
	command := "until [ -e " + s.model.UnitDir(unit) + "/" + path + " ]; do sleep 0.05; done"
	_, err := s.model.Machine(s.ctx, unit, command)
	s.check(err)
}

// release lets what waits at the gate go on.
func (s *session) release(unit string) { s.machine(unit, ": >probe/gate") }

// log prints what the unit's log has got since it was last printed.
func (s *session) log(units ...string) {
	s.idle()
	s.logNow(units...)
}

func (s *session) logNow(units ...string) {
	for _, unit := range units {
		text := s.machine(unit, fmt.Sprintf("tail -c +%d probe/log", s.read[unit]+1))
		s.read[unit] += len(text)
		fmt.Fprintf(&s.out, "%s heard:\n", unit)
		s.print(text)
	}
}

// skip leaves out what the logs have got meanwhile.
func (s *session) skip(units ...string) {
	s.idle()
	for _, unit := range units {
		s.read[unit] += len(s.machine(unit, fmt.Sprintf("tail -c +%d probe/log", s.read[unit]+1)))
	}
}

// indent prints text with each line indented.
func (s *session) indent(by, text string) {
	for line := range strings.Lines(text) {
		s.print(by + line)
	}
}

// idle waits until no unit has anything to run.
func (s *session) idle() {
	s.until("to be idle", func(state steps.State) bool {
		for _, unit := range state.Units {
			if !unit.Idle {
				return false
			}
		}
		return len(state.Units) > 0
	})
}

// until waits until the model is as wanted.
func (s *session) until(what string, wanted func(steps.State) bool) steps.State {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second, s.model.Leisure()/5) {
		state, err := s.model.State(s.ctx)
		s.check(err)
		if wanted(state) {
			return state
		}
		select {
		case <-s.ctx.Done():
			s.check(fmt.Errorf("waited for the model %s: %w: %+v", what, s.ctx.Err(), state))
		case <-time.After(pause):
		}
	}
}

// unit returns a unit as the operator sees it.
func (s *session) unit(name string) steps.Unit {
	state, err := s.model.State(s.ctx)
	s.check(err)
	for _, unit := range state.Units {
		if unit.Name == name {
			return unit
		}
	}
	s.check(fmt.Errorf("there is no unit %s", name))
	return steps.Unit{}
}

// A Transcript is what one scenario saw.
type Transcript struct {
	Name string
	Text string
}

// Run plays all scenarios on a model that has no application yet, and hands on
// what each of them saw.
func Run(ctx context.Context, t testing.TB, model Model, result func(Transcript)) {
	s := &session{ctx: ctx, t: t, model: model, read: map[string]int{}}
	for _, scenario := range scenarios {
		s.out.Reset()
		begin := time.Now()
		scenario.play(s)
		t.Logf("%s: %v", scenario.name, time.Since(begin).Round(time.Millisecond))
		result(Transcript{Name: scenario.name, Text: normalize(s.out.String())})
	}
}
