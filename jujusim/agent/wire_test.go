package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rolling-ops/jujusim"
)

// Any client of Juju's protocol is served, but only in the context of the hook
// that runs.
func TestProtocol(t *testing.T) {
	f := deploy(t, 1)
	f.hold("gate/0")
	f.mu.Lock()
	id := f.model.Hook("gate/0").ContextID()
	f.mu.Unlock()
	socket := filepath.Join(f.UnitDir("gate/0"), agentSocket)
	tests := []struct {
		name string
		req  Request
		want string // error, or output
	}{
		{"works", Request{ContextId: id, Dir: "/", CommandName: "is-leader"}, "True\n"},
		{"fails", Request{ContextId: id, Dir: "/", CommandName: "relation-get"}, "ERROR no relation id specified\n"},
		{"no command", Request{ContextId: id, Dir: "/"}, "bad request: command not specified"},
		{"unknown", Request{ContextId: id, Dir: "/", CommandName: "sudo"}, "bad request: unknown command: sudo"},
		{"no directory", Request{ContextId: id, CommandName: "is-leader"}, "bad request: Dir is not absolute"},
		{"other context", Request{ContextId: "x", Dir: "/", CommandName: "is-leader"}, `bad request: wrong context ID; got "x"`},
		{"wants stdin", Request{ContextId: id, Dir: "/", CommandName: "relation-set", Args: []string{"-r", "cluster:0", "--file", "-"}},
			jujusim.ErrNoStdin.Error()},
		{"empty stdin", Request{ContextId: id, Dir: "/", CommandName: "relation-set", Args: []string{"-r", "cluster:0", "--file", "-"}, StdinSet: true}, ""},
		{"no plain file", Request{ContextId: id, Dir: "/dev", CommandName: "relation-set", Args: []string{"-r", "cluster:0", "--file", "zero"}},
			"ERROR cannot read /dev/zero: not a regular file of at most 67108864 bytes\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var resp ExecResponse
			got := ""
			if err := call("unix", socket, toolMethod, test.req, &resp); err != nil {
				got = err.Error()
			}
			got += string(resp.Stdout) + string(resp.Stderr)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	f.open("gate/0")
	f.idle()
	var resp ExecResponse
	if err := call("unix", socket, toolMethod, tests[0].req, &resp); err == nil {
		t.Error("hook tools are served after the hook")
	}
}

func TestToolsOutsideAHook(t *testing.T) {
	f := deploy(t, 1)
	socket := filepath.Join(f.UnitDir("gate/0"), agentSocket)
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"no context", nil, "ERROR JUJU_CONTEXT_ID not set\n"},
		{"no socket", []string{"JUJU_CONTEXT_ID=x"}, "ERROR JUJU_AGENT_SOCKET_ADDRESS not set\n"},
		{"hook is over", []string{"JUJU_CONTEXT_ID=x", "JUJU_AGENT_SOCKET_ADDRESS=" + socket, "JUJU_AGENT_SOCKET_NETWORK=unix"},
			"ERROR dial unix " + socket + ": connect: no such file or directory\n"},
	}
	for _, test := range tests {
		var out strings.Builder
		p, err := start([]string{filepath.Join(f.Dir(), "tools", "is-leader")}, "/", test.env, &out, &out, true)
		f.check(err)
		if code, _ := p.wait(); code != 1 || out.String() != test.want {
			t.Errorf("%s: got %d %s", test.name, code, out.String())
		}
	}
}

func TestDepartureIsLost(t *testing.T) {
	f := deploy(t, 2)
	f.check(f.LoseDeparture("gate/1"))
	f.check(f.RemoveUnit("gate/1", false))
	f.await(func(s Status) bool { return len(s.Units) == 1 })
	f.idle()
	departed := "hooks/cluster-relation-departed gate/1 departing gate/1"
	if got := f.events("gate/0"); got[len(got)-1] == departed {
		t.Errorf("got %q", got)
	}
	f.check(f.RestartAgent("gate/0"))
	f.idle()
	if got := f.events("gate/0"); got[len(got)-1] != departed {
		t.Errorf("got %q", got)
	}
}

func TestUnitLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unit.log")
	log, err := openUnitLog(path)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 3*maxLineBytes)
	w := log.stream("hook")
	for range 2 * maxLogBytes / maxLineBytes {
		fmt.Fprintln(w, long)
	}
	fmt.Fprint(w, "tail")
	w.Flush()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, path + ".1"} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > maxLogBytes || info.Mode().Perm() != 0o640 {
			t.Errorf("%s has %d bytes and mode %v", path, info.Size(), info.Mode())
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(data), " hook: tail\n") {
		t.Error("the unfinished line is missing")
	}
}
