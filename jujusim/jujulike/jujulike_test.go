package jujulike

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/jujusim/agent"
)

// model is one that stands still, with a task in each state.
type model struct{ cancelled bool }

func (m *model) Look() View {
	bag := map[string]string{"state": "request"}
	unit := func(n int, leader bool, state string) agent.UnitStatus {
		return agent.UnitStatus{
			Name: fmt.Sprintf("rolling-ops/%d", n), Leader: leader, Life: "alive", Status: "active", Agent: state, Hook: "restart-relation-changed",
			Databags: map[string]map[string]string{"restart:0": bag},
		}
	}
	return View{
		Controller: "rig", Model: "cap", Interfaces: map[string]string{"restart": "rolling_op"},
		Actions: map[string]string{"restart": "Restart.", "slow": "Never ends."}, Config: map[string]any{"health-check": ""},
		Status: agent.Status{
			App: "rolling-ops", Charm: "rolling-ops",
			Relations: []agent.Relation{{ID: "restart:0", Endpoint: "restart", Databag: map[string]string{"granted_unit": "rolling-ops/2"}}},
			Units:     []agent.UnitStatus{unit(0, false, "idle"), unit(1, true, "executing"), unit(2, false, "down")},
		},
	}
}

func (m *model) Start(unit, action string, params map[string]any) (string, error) {
	if action == "slow" {
		return "2", nil
	}
	if params["bad"] != nil {
		return "", errors.New("validation failed: bad")
	}
	return "1", nil
}

func (m *model) Task(id string) (Task, bool) {
	switch {
	case id == "1":
		return Task{ID: id, Unit: "rolling-ops/1", Status: "completed", Results: map[string]any{"position": "1", "return-code": 0}}, true
	case id == "2" && m.cancelled:
		return Task{ID: id, Unit: "rolling-ops/1", Status: "cancelled"}, true
	case id == "2":
		return Task{ID: id, Unit: "rolling-ops/1", Status: "pending"}, true
	}
	return Task{}, false
}

func (m *model) Wait(ctx context.Context, id string) error {
	if task, _ := m.Task(id); task.Over() {
		return nil
	}
	return context.DeadlineExceeded
}

func (m *model) Cancel(id string) bool {
	m.cancelled = m.cancelled || id == "2"
	return id == "2"
}

func (m *model) SetConfig(values map[string]string) error { return nil }

func (m *model) RemoveUnit(unit string, force bool) error { return nil }

func (m *model) Exec(_ context.Context, unit, command string) (agent.ExecResponse, error) {
	if command == "false" {
		return agent.ExecResponse{Code: 3, Stderr: []byte("no")}, nil
	}
	return agent.ExecResponse{Stdout: []byte(command + "\n")}, nil
}

func juju(m World, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = Answer(context.Background(), m, args, &out, &errOut)
	return code, out.String(), errOut.String()
}

// Each answer has only what the real client's has, in the same places: the files are
// what the client of Juju 4.1-beta2 printed.
func TestAnswersHaveTheShapeOfTheRealClients(t *testing.T) {
	for file, args := range map[string]string{
		"status.json":    "status --format json",
		"show-unit.json": "show-unit rolling-ops/0 --endpoint restart --format json",
		"run.json":       "run rolling-ops/leader restart --format json",
		"show-task.json": "show-task 1 --format json",
		"actions.json":   "actions rolling-ops --format json",
		"exec.json":      "exec --unit rolling-ops/0 --format json -- true",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := juju(&model{}, strings.Fields(args)...)
		if code != 0 {
			t.Fatalf("juju %s: %s", args, stderr)
		}
		var real, got any
		if err := errors.Join(json.Unmarshal(data, &real), json.Unmarshal([]byte(stdout), &got)); err != nil {
			t.Fatal(file, err)
		}
		compare(t, args, real, got)
	}
}

// mapsOfNames are objects whose members are named by the model.
var mapsOfNames = map[string]bool{
	"applications": true, "units": true, "machines": true, "relations": true, "data": true, "application-data": true, "related-units": true,
	"results": true, "": true,
}

// compare looks whether got has anything that real has not, or of another type.
func compare(t *testing.T, path string, real, got any) {
	t.Helper()
	if fmt.Sprintf("%T", real) != fmt.Sprintf("%T", got) {
		t.Errorf("%s: juju has a %T, the look-alike a %T", path, real, got)
		return
	}
	switch got := got.(type) {
	case []any:
		if list, _ := real.([]any); len(list) > 0 && len(got) > 0 {
			compare(t, path, list[0], got[0])
		}
	case map[string]any:
		object, _ := real.(map[string]any)
		_, key, nested := strings.Cut(path[strings.LastIndex(path, " ")+1:], ".")
		if i := strings.LastIndex(key, "."); i >= 0 {
			key = key[i+1:]
		}
		for name, value := range got {
			other, ok := object[name]
			switch {
			case ok:
				compare(t, path+"."+name, other, value)
			case nested && !mapsOfNames[key]:
				t.Errorf("%s: juju has no %q", path, name)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // parts
	}{
		{"status -m rig:cap", 0, "rolling-ops/1*  active    executing", ""},
		{"status -m nosuch --format json", 1, "{}", "ERROR model rig:nosuch not found"},
		{"status --format json", 0, `"current":"lost","message":"agent is not communicating with the server"`, ""},
		{"show-unit nosuch/0 --format json", 1, "{}", "ERROR unit nosuch/0 not found"},
		{"run rolling-ops/1 nosuch", 1, "", `ERROR action "nosuch" not defined for unit "rolling-ops/1". (not found)`},
		{"run rolling-ops/1 restart", 0, "position: \"1\"", "Running operation 1 with 1 task\n  - task 1 on unit-rolling-ops-1\n\nWaiting for task 1..."},
		{"run rolling-ops/1 restart --background", 0, "", "Scheduled operation 1 with task 1\n"},
		{"run rolling-ops/1 restart bad=1", 1, "", "ERROR validation failed"},
		{"run rolling-ops/1 restart bad", 1, "", "must be of the form key.key.key...=value"},
		{"run rolling-ops/1 slow --wait 1ms", 1, "", "ERROR timed out waiting for results from: unit rolling-ops/1"},
		{"run rolling-ops/7 restart", 1, "", `ERROR unit "rolling-ops/7" not found`},
		{"show-task 2 --format json", 0, `"status":"pending"`, ""},
		{"show-task 9", 1, "", `ERROR task "9" not found`},
		{"cancel-task 1", 0, "", "WARNING The following tasks could not be canceled:\ntask: 1, error: "},
		{"cancel-task 2 --format json", 0, `"status":"cancelled"`, ""},
		{"config rolling-ops --format json", 0, `"health-check":{"value":""}`, ""},
		{"config rolling-ops health-check=true", 0, "", ""},
		{"exec --unit rolling-ops/0 --format json -- echo -n x", 0, `"stdout":"echo -n x\n"`, ""},
		{"exec --unit rolling-ops/0 -- echo -n x", 0, "echo -n x\n", ""},
		{"exec --unit rolling-ops/0,rolling-ops/2 hostname", 0, "rolling-ops/0:\nhostname\n\nrolling-ops/2:\nhostname\n\n", ""},
		{"exec --unit rolling-ops/0 false", 1, "no\n", "ERROR the following task failed:\n - id \"1\" with return code 3\n\nuse 'juju show-task' to inspect the failure\n"},
		{"exec --unit rolling-ops/9 true", 1, "", `ERROR unit "rolling-ops/9" not found`},
		{"deploy mysql", 2, "", "is not a juju command here"},
		{"run --wait", 2, "", "option needs an argument: --wait"},
		{"", 2, "", "no command"},
	} {
		code, stdout, stderr := juju(&model{}, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("juju %s: exit code %d\n%s\n%s", c.args, code, stdout, stderr)
		}
	}
}

func TestWordsOfACommandAreQuotedForTheShell(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"echo $HOME"}, "echo $HOME"},
		{[]string{"sh", "-c", `echo "$1" >&2`}, `sh -c "echo \"\$1\" >&2"`},
	} {
		if got := commandLine(c.words); got != c.want {
			t.Errorf("%q: %s", c.words, got)
		}
	}
}

func TestParametersAreYAML(t *testing.T) {
	params, err := parseParams([]string{`a=1`, `b="1"`, `c=x=y`, `d=true`, `e=`}, false)
	want := map[string]any{"a": 1, "b": "1", "c": "x=y", "d": true, "e": ""}
	if diff := cmp.Diff(want, params); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := parseParams([]string{"a={"}, false); err == nil {
		t.Error("a={ is no YAML")
	}
}
