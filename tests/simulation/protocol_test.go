package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/world"
)

// TestProtocolScripts runs the scripts of testdata/protocol, which show the
// protocol at work step by step. "go test -rewrite" writes what they print. The
// directives are
//
//	cluster units=3 [retry-delay=5s] [stamps] [lost-departures]
//	    makes a cluster in which nothing waits; its leader is unit 0
//	steps
//	    makes the steps of its input, a line each, and prints what each changed
//	drain
//	    lets everything go on fairly until nothing is left to do
//	show, status, databag app
//	    print the state of the cluster, what juju status says, and a databag as
//	    it is, the application's or a unit's; also among steps
//	overwrite app granted_at=soon
//	    writes to a databag behind the library's back
func TestProtocolScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/protocol", func(t *testing.T, path string) {
		s := &protocolScript{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := s.directive(t, d)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			return out
		})
		if s.w != nil {
			s.w.Close()
		}
	})
}

// protocolScript is a script in mid-run.
type protocolScript struct {
	w *world.World
	*teller
}

func (s *protocolScript) directive(t *testing.T, d *datadriven.TestData) (out string, err error) {
	defer func() {
		if broken, ok := recover().(world.Violation); ok {
			err = fmt.Errorf("broken: %s", broken)
		}
	}()
	if s.teller != nil {
		s.said = nil
	}
	switch d.Cmd {
	case "cluster":
		return s.cluster(t, d)
	case "steps":
		return s.steps(d.Input)
	case "drain":
		return s.drain(), nil
	case "overwrite":
		return s.overwrite(d.CmdArgs)
	}
	if seen := s.look(d.FullCmd()); seen != nil {
		return strings.Join(seen, "\n"), nil
	}
	return "", fmt.Errorf("unknown directive %q", d.Cmd)
}

// cluster makes a cluster of settled units.
func (s *protocolScript) cluster(t *testing.T, d *datadriven.TestData) (string, error) {
	words := []string{"# options"}
	for _, arg := range d.CmdArgs {
		words = append(words, arg.String())
	}
	units := 3
	if arg, ok := d.Arg("units"); ok {
		arg.Scan(t, 0, &units)
	}
	if s.w != nil {
		s.w.Close()
	}
	s.w = world.New(world.ScheduleOptions(strings.Join(words, " ")), nil)
	s.teller = tell(s.w, d.HasArg("stamps"))
	for range units {
		s.w.MustDo(world.Step{Verb: "add-unit"})
	}
	s.w.Settle()
	s.told()
	return strings.Join(s.state(), "\n"), nil
}

// steps makes steps and tells what each of them did.
func (s *protocolScript) steps(input string) (string, error) {
	var out strings.Builder
	for line := range strings.Lines(input) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		if line == "" {
			continue
		}
		if seen := s.look(line); seen != nil {
			out.WriteString(column(world.Step{Verb: line}, seen))
			continue
		}
		next, err := world.ParseStep(line)
		if err != nil {
			return "", err
		}
		s.acting = next.Unit
		if err := s.w.Do(next); err != nil {
			return "", fmt.Errorf("%s: %w", next, err)
		}
		out.WriteString(column(next, s.news()))
	}
	return out.String(), nil
}

// drain makes one step after the other until none is possible but to wait for
// the next update-status. It leaves out those that change nothing.
func (s *protocolScript) drain() string {
	var out strings.Builder
	do := func(next world.Step) bool {
		s.acting = next.Unit
		if s.w.Do(next) != nil {
			return false
		}
		ran := s.runs
		if news := s.news(); len(news) > len(ran) || next.Verb == "advance" {
			out.WriteString(column(next, news))
		}
		return true
	}
	for moved := true; moved; {
		moved = false
		for _, m := range s.w.Machines() {
			moved = do(world.Step{Verb: "worker", Unit: m.Name}) || moved
			moved = do(world.Step{Verb: "run", Unit: m.Name}) || moved
		}
		if !moved {
			moved = do(world.Step{Verb: "advance", Args: []string{"next"}})
		}
	}
	return out.String() + strings.Join(s.state(), "\n")
}

// look is what there is to see, nil if line is no such directive.
func (s *protocolScript) look(line string) []string {
	switch verb, arg, _ := strings.Cut(line, " "); verb {
	case "show":
		return s.state()
	case "status":
		return s.statuses()
	case "databag":
		if arg == "app" {
			return databag(s.w.AppBag())
		}
		return databag(s.w.UnitBag(world.App + "/" + arg))
	}
	return nil
}

// statuses are what juju status says of the units.
func (s *protocolScript) statuses() []string {
	var out []string
	for _, name := range s.w.Names() {
		info, _ := s.w.Model.Unit(name)
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s %s", world.Short(name), info.Status.Status, info.Status.Message)))
	}
	return out
}

// databag is a databag as it is, but for Juju's own keys.
func databag(bag map[string]string) []string {
	out := []string{}
	for _, key := range slices.Sorted(maps.Keys(bag)) {
		if !strings.HasSuffix(key, "-address") && !strings.HasSuffix(key, "-subnets") {
			out = append(out, key+"="+bag[key])
		}
	}
	return out
}

// overwrite writes to a databag in a juju-exec command of its own.
func (s *protocolScript) overwrite(args []datadriven.CmdArg) (string, error) {
	owner, write := s.w.Model.Leader(), (*jujusim.Hook).WriteApp
	if args[0].Key != "app" {
		owner, write = world.App+"/"+args[0].Key, (*jujusim.Hook).WriteUnit
	}
	changes := make(map[string]string)
	for _, arg := range args[1:] {
		changes[arg.Key] = strings.Join(arg.Vals, ",")
	}
	if _, err := s.w.Model.EnqueueExec(owner, "overwrite"); err != nil {
		return "", err
	}
	hook, err := s.w.Model.Begin(owner)
	if err != nil {
		return "", err
	}
	if err := write(hook, 0, changes); err != nil {
		return "", err
	}
	err = hook.Finish(0)
	return strings.Join(s.news(), "\n"), err
}
