package jujusim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/kballard/go-shellquote"
)

const probeMetadata = `
name: probe
summary: A charm to look at Juju with.
peers:
  restart:
    interface: rolling_op
`

const subordinateMetadata = probeMetadata + `
subordinate: true
requires:
  host: {interface: juju-info, scope: container}
`

const probeConfig = `
options:
  service: {type: string, default: "", description: Units to restart.}
  retry-delay: {type: int, default: 5}
  ratio: {type: float, default: 0.5}
  strict: {type: boolean}
`

const probeActions = `
restart:
  description: Restart.
  params:
    delay: {type: integer, minimum: 0, default: 1}
    mode: {type: string, enum: [soft, hard]}
  additionalProperties: false
check: {}
`

func probe(t testing.TB) *Charm { return parsed(t, probeMetadata) }

func parsed(t testing.TB, metadata string) *Charm {
	t.Helper()
	charm, err := ParseCharm([]byte(metadata), []byte(probeConfig), []byte(probeActions))
	if err != nil {
		t.Fatal(err)
	}
	return charm
}

// TestScripts runs testdata/*.txt. The scripts show, step by step, what Juju
// does; run with -rewrite to record new results. The commands:
//
//	model [units=N] [auto-elect] [quiet-writer] [lost-departures] [early-departures] [fresh]
//	    a new model; its units have settled and no event waits, unless fresh
//	model subordinate
//	    a new model of a subordinate charm, without units
//	run UNIT [exit=N]     run what is next, making the hook-tool calls below it
//	begin UNIT            start what is next
//	tools UNIT            make hook-tool calls in what runs
//	finish UNIT [exit=N]  end it
//	kill UNIT             end it by a signal
//	settle                run everything, with success, and list it
//	pending UNIT          list what it would run
//	next UNIT             what it would run, and when if that is later
//	env UNIT              the JUJU_ environment of what runs
//	databags              what is committed
//	status                every unit
//
// The rest are the methods of Model.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{t: t}
		datadriven.RunTest(t, path, s.step)
	})
}

type script struct {
	t   *testing.T
	m   *Model
	now time.Time
	out strings.Builder
}

func (s *script) step(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	var args []string
	for _, arg := range d.CmdArgs {
		args = append(args, arg.String())
	}
	if err := s.command(d, args); err != nil {
		fmt.Fprintf(&s.out, "error: %v\n", err)
	}
	if s.out.Len() == 0 {
		return "ok\n"
	}
	return s.out.String()
}

func (s *script) command(d *datadriven.TestData, args []string) error {
	unit := ""
	if len(args) > 0 {
		unit = args[0]
	}
	exit := 0
	d.MaybeScanArgs(s.t, "exit", &exit)
	m := s.m
	switch d.Cmd {
	case "model":
		s.model(d)
	case "run":
		return s.run(unit, d.Input, exit)
	case "begin":
		h, err := m.Begin(unit)
		if err == nil {
			s.printf("%s\n", h.Run())
		}
		return err
	case "tools":
		s.tools(m.Hook(unit), d.Input)
	case "finish":
		return m.Hook(unit).Finish(exit)
	case "kill":
		return m.Hook(unit).Kill()
	case "settle":
		return s.settle(true)
	case "pending":
		for _, run := range m.Pending(unit) {
			s.printf("%s\n", run)
		}
	case "next":
		run, ok := m.Next(unit)
		switch {
		case !ok:
			s.printf("nothing\n")
		case run.NotBefore.After(s.now):
			s.printf("%s, in %s\n", run, run.NotBefore.Sub(s.now))
		default:
			s.printf("%s\n", run)
		}
	case "env":
		for _, line := range m.Hook(unit).Env() {
			if strings.HasPrefix(line, "JUJU_") && !strings.HasSuffix(line, "=") {
				s.printf("%s\n", line)
			}
		}
	case "databags":
		s.databags()
	case "status":
		s.status()
	case "sleep":
		wait, err := time.ParseDuration(unit)
		s.now = s.now.Add(wait)
		return err
	case "promise":
		s.printf("%s\n", m.PromisedUntil().Sub(s.now))
	default:
		return s.change(d.Cmd, args)
	}
	return nil
}

func (s *script) change(command string, args []string) error {
	m := s.m
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch command {
	case "elect":
		return m.SetLeader(arg(0))
	case "lose-leadership":
		m.LoseLeadership()
	case "add-unit":
		s.printf("%s\n", m.AddUnit())
	case "integrate":
		return m.Integrate(arg(0))
	case "add-principal-unit":
		principal, unit, err := m.AddPrincipalUnit(arg(0))
		if err == nil {
			s.printf("%s with %s\n", principal, unit)
		}
		return err
	case "remove-principal-unit":
		return m.RemovePrincipalUnit(arg(0), arg(1) == "--force")
	case "remove-relation":
		return m.RemoveRelation(arg(0))
	case "principals":
		for _, p := range m.Principals() {
			s.printf("%s %s %s\n", p.Name, p.Life, p.Unit)
		}
	case "boots":
		u, _ := m.Unit(arg(0))
		s.printf("%d\n", u.Boots)
	case "remove-unit":
		return m.RemoveUnit(arg(0), arg(1) == "--force")
	case "set-config":
		return m.SetConfig(pairs(args))
	case "reset-config":
		return m.ResetConfig(args...)
	case "refresh":
		return m.Refresh(probe(s.t))
	case "action":
		params := map[string]any{}
		for key, value := range pairs(args[2:]) {
			params[key] = value
			if n := 0; len(value) > 0 && len(value) < 5 {
				if _, err := fmt.Sscan(value, &n); err == nil {
					params[key] = n
				}
			}
		}
		id, err := m.EnqueueAction(arg(0), arg(1), params)
		if err == nil {
			s.printf("%s\n", id)
		}
		return err
	case "result":
		result, ok := m.Action(arg(0))
		if !ok {
			return fmt.Errorf("no result yet")
		}
		s.printf("%s %s %v\n", result.Status, result.Message, result.Results)
	case "exec":
		_, err := m.EnqueueExec(arg(0), strings.Join(args[1:], " "))
		return err
	case "update-status":
		return m.UpdateStatus(arg(0))
	case "agent-restart":
		return m.RestartAgent(arg(0))
	case "agent-stop":
		return m.StopAgent(arg(0))
	case "agent-start":
		return m.StartAgent(arg(0))
	case "reboot":
		return m.Reboot(arg(0))
	case "drop-events":
		n, err := m.DropEvents(arg(0))
		s.printf("%d dropped\n", n)
		return err
	case "hold":
		return m.Hold(arg(0), "restart", arg(1))
	case "release":
		return m.Release(arg(0), "restart", arg(1))
	case "redeliver":
		return m.Redeliver(arg(0), "restart", arg(1))
	case "resolve":
		return m.Resolve(arg(0), arg(1) == "skip")
	default:
		return fmt.Errorf("unknown command %q", command)
	}
	return nil
}

func pairs(args []string) map[string]string {
	out := map[string]string{}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		out[key] = value
	}
	return out
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

func (s *script) model(d *datadriven.TestData) {
	s.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	units := 1
	charm := probe(s.t)
	if d.HasArg("subordinate") {
		units, charm = 0, parsed(s.t, subordinateMetadata)
	}
	d.MaybeScanArgs(s.t, "units", &units)
	s.m = New(charm, Options{
		Now:             func() time.Time { return s.now },
		AutoElect:       true,
		QuietWriter:     d.HasArg("quiet-writer"),
		LostDepartures:  d.HasArg("lost-departures"),
		EarlyDepartures: d.HasArg("early-departures"),
	})
	for range units {
		s.m.AddUnit()
	}
	if d.HasArg("fresh") {
		return
	}
	if err := s.settle(false); err != nil {
		s.t.Fatal(err)
	}
}

// settle runs everything that waits, one run of each unit in turn.
func (s *script) settle(show bool) error {
	for rounds := 0; rounds < 1000; rounds++ {
		idle := true
		for _, unit := range s.m.Units() {
			if s.m.Hook(unit) != nil {
				continue
			}
			run, ok := s.m.Next(unit)
			if !ok {
				continue
			}
			idle = false
			if show {
				s.printf("%s: %s\n", unit, run)
			}
			h, err := s.m.Begin(unit)
			if err != nil {
				return err
			}
			if err := h.Finish(0); err != nil {
				return err
			}
		}
		if idle {
			return nil
		}
	}
	return fmt.Errorf("never settles")
}

func (s *script) run(unit, calls string, exit int) error {
	h, err := s.m.Begin(unit)
	if err != nil {
		return err
	}
	s.printf("%s\n", h.Run())
	s.tools(h, calls)
	return h.Finish(exit)
}

// tools makes one hook-tool call a line. "<<" before a line's end starts stdin:
// what follows it is sent, with \n for a new line.
func (s *script) tools(h *Hook, calls string) {
	for _, line := range strings.Split(calls, "\n") {
		if line == "" {
			continue
		}
		line, stdin, stdinSet := strings.Cut(line, " << ")
		words, err := shellquote.Split(line)
		if err != nil || len(words) == 0 {
			s.t.Fatalf("cannot read %q: %v", line, err)
		}
		stdin = strings.ReplaceAll(stdin, `\n`, "\n")
		r, err := h.Tool(words[0], words[1:], []byte(stdin), stdinSet)
		s.printf("> %s\n", line)
		if err != nil {
			s.printf("  refused: %v\n", err)
			continue
		}
		for _, text := range strings.SplitAfter(string(r.Stdout)+string(r.Stderr), "\n") {
			if text != "" {
				s.printf("  %s\n", strings.TrimSuffix(text, "\n"))
			}
		}
		if r.Code != 0 {
			s.printf("  exit %d\n", r.Code)
		}
	}
}

func (s *script) databags() {
	show := func(name string, bag map[string]string) {
		s.printf("%s:", name)
		for _, key := range slices.Sorted(maps.Keys(bag)) {
			if !strings.HasSuffix(key, "-address") && key != "egress-subnets" {
				s.printf(" %s=%s", key, bag[key])
			}
		}
		s.printf("\n")
	}
	for _, r := range s.m.Relations() {
		show(s.m.App(), s.m.AppDatabag(r.ID))
		for _, unit := range s.m.Units() {
			show(unit, s.m.UnitDatabag(r.ID, unit))
		}
	}
}

func (s *script) status() {
	for _, name := range s.m.Units() {
		u, _ := s.m.Unit(name)
		if u.Leader {
			name += "*"
		}
		s.printf("%s %s, %s", name, u.Life, u.Status.Status)
		if u.Status.Message != "" {
			s.printf(" (%s)", u.Status.Message)
		}
		if u.Running != nil {
			s.printf(", runs %s", u.Running)
		}
		s.printf("\n")
	}
}
