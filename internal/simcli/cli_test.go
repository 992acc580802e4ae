package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"rolling-ops/jujusim/agent"
)

// The test program is also the hook tools of the models in it.
func TestMain(m *testing.M) {
	if agent.IsTool(os.Args[0]) {
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

const charm = "../../jujusim/agent/testdata/charm"

// jujusim runs the command on a charm that needs an environment of its own.
func jujusim(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut strings.Builder
	if args[0] == "run" {
		args = append(args, "--env", "GATE_STATE={unit-dir}/state", "--env", "GORACE=atexit_sleep_ms=0", "--update-status", "0")
	}
	code = Main(args, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestRun(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.json")
	code, out, errOut := jujusim("run all greet\nrun gate/0 later\nwait idle --ignore-background", "run", "--charm", charm, "-n", "2", "--json", trace, "-")
	if code != exitOK || errOut != "" {
		t.Fatalf("exit code %d: %s\n%s", code, errOut, out)
	}
	for _, want := range []string{
		"> deploy 2\n", "> wait idle\n", "> run all greet\n",
		"gate/0*  active  ready hello\n",
		"UNIT     AGENT  STATE  LOCK  QUEUE  STATUS  MESSAGE\n",
		"gate/1  actions/greet\n",
		"3 actions. The charm does not show what must not run at the same time.\n",
		"Ended a process that was left in the background: gate/0: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var got struct {
		Runs   []struct{ Unit, Label, From, To string }
		Left   []struct{ PID int }
		Status struct{ Units []struct{ Name string } }
		Events []struct{ Kind, Time string }
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Runs) != 3 || got.Runs[0].From == "" || len(got.Status.Units) != 2 || len(got.Left) == 0 || got.Events[0].Kind != "said" {
		t.Errorf("got %+v", got)
	}
}

func TestRunFails(t *testing.T) {
	code, out, errOut := jujusim("deploy\nwait idle\nrun gate/0 refuse\nstatus", "run", "--charm", charm, "-")
	if code != exitFailed || errOut != "ERROR stdin:3: run gate/0 refuse: refuse on gate/0 failed: as asked\n" {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	if strings.Contains(out, "> status") || !strings.Contains(out, "gate/0  actions/refuse") {
		t.Errorf("got %s", out)
	}
}

func TestKeep(t *testing.T) {
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "script.txt")
	// Relative paths are relative to the script.
	if err := os.WriteFile(path, []byte("! refresh no-charm\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "work")
	code, out, errOut := jujusim("", "run", "--charm", charm, "--keep", "--workdir", work, "-v", "-n", "1", path)
	if code != exitOK || !strings.Contains(out, "Working directory: "+work) || !strings.Contains(out, dir+"/no-charm") {
		t.Errorf("exit code %d: %s\n%s", code, errOut, out)
	}
	if !strings.Contains(out, "gate/0 hook-ended hooks/start") {
		t.Errorf("-v does not show the trace:\n%s", out)
	}
	if log, err := os.ReadFile(filepath.Join(work, "log", "unit-gate-0.log")); err != nil || !strings.Contains(string(log), "hooks/start: started") {
		t.Errorf("log has %s, %v", log, err)
	}
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"run", "run takes one script"},
		{"run a b", "run takes one script"},
		{"run x.txt", "--charm DIR"},
		{"run --charm x -n -1 x.txt", "must be from 0 to 1000"},
		{"run --charm x -n 1001 x.txt", "must be from 0 to 1000"},
		{"run --charm x --frob x.txt", "unknown flag: --frob"},
		{"run --charm x no-such-script", "cannot read script"},
		{"run --charm x -", "stdin:1: cannot parse: no step"},
		{"deploy", `unknown command "deploy"`},
		{"steps all", `steps does not take "all"`},
	}
	for _, test := range tests {
		var out, errOut strings.Builder
		code := Main(strings.Fields(test.args), strings.NewReader("frob\n"), &out, &errOut)
		if code != exitUsage || !strings.HasPrefix(errOut.String(), "ERROR ") || !strings.Contains(errOut.String(), test.want) {
			t.Errorf("%s: exit code %d: %s", test.args, code, errOut.String())
		}
	}
}

func TestRefusesWhatIsNoCharm(t *testing.T) {
	code, _, errOut := jujusim("", "run", "--charm", t.TempDir(), "-")
	if code != exitFailed || !strings.Contains(errOut, "cannot use charm") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"run", "--help"}, {"steps"}} {
		var out, errOut strings.Builder
		if code := Main(args, strings.NewReader(""), &out, &errOut); code != exitOK || errOut.String() != "" {
			t.Errorf("%q: exit code %d: %s", args, code, errOut.String())
		}
		if slices.Contains(args, "run") && !strings.Contains(out.String(), "remove-unit UNIT [--force]") {
			t.Errorf("%q does not list the steps", args)
		}
	}
}
