package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"

	"rolling-ops/internal/operator/juju"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/jujulike"
)

var update = flag.Bool("update", false, "rewrite the golden files and the scripts' expected outputs")

// The test program is also juju-rolling-ops and juju.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"juju-rolling-ops": func() { os.Exit(Run(context.Background(), juju.Client{}, os.Args, os.Stdout, os.Stderr, noon)) },
		"juju":             func() { os.Exit(playJuju(os.Args[1:])) },
	})
}

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// TestScripts runs each verb, and each failure, against databags that were written
// by hand: world.yaml in the script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", UpdateScripts: *update, RequireExplicitExec: true, Setup: func(env *testscript.Env) error {
		program, err := exec.LookPath("juju-rolling-ops")
		env.Setenv("PROGRAM", program)
		return err
	}})
}

// standing is a model that stands still, in world.yaml.
type standing struct {
	Controller string
	Model      string
	Fail       string // what juju says in the place of an answer
	App        string
	Bag        map[string]string // of the application
	Units      map[string]struct {
		Leader          bool
		Principal       string
		Agent           string
		Status, Message string
		Bag             map[string]string
	}
	Config  map[string]any
	Actions map[string]struct {
		Status  string // completed if empty
		Message string
		Results map[string]any
	}
	Interface string // rolling_op if empty
	dir       string
}

// playJuju is the program juju on world.yaml in the current directory. What it is
// asked to change goes to the file calls.
func playJuju(args []string) int {
	w := standing{Controller: "rig", Model: "cap", App: "rolling-ops", dir: os.Getenv("WORLD")}
	data, err := os.ReadFile(filepath.Join(w.dir, "world.yaml"))
	if err == nil {
		err = yaml.Unmarshal(data, &w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		return 1
	}
	if w.Fail != "" {
		fmt.Println("{}")
		fmt.Fprint(os.Stderr, w.Fail)
		return 1
	}
	if args[0] == "run" || args[0] == "cancel-task" {
		w.log(strings.Join(args, " "))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits for what is pending
	return jujulike.Answer(ctx, w, args, os.Stdout, os.Stderr)
}

func (w standing) log(line string) {
	f, err := os.OpenFile(filepath.Join(w.dir, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

func (w standing) Look() jujulike.View {
	name := w.Interface
	if name == "" {
		name = "rolling_op"
	}
	v := jujulike.View{
		Controller: w.Controller, Model: w.Model, Config: w.Config, Actions: map[string]string{},
		Interfaces: map[string]string{"restart": name},
		Status: agent.Status{
			App: w.App, Charm: "rolling-ops",
			Relations: []agent.Relation{{ID: "restart:0", Endpoint: "restart", Databag: w.Bag}},
		},
	}
	for action := range w.Actions {
		v.Actions[action] = "an action"
	}
	for name, u := range w.Units {
		bag := u.Bag
		if bag == nil {
			bag = map[string]string{}
		}
		status := agent.UnitStatus{
			Name: name, Leader: u.Leader, Principal: u.Principal, Life: "alive", Status: "active", Message: u.Message, Agent: "idle",
			Databags: map[string]map[string]string{"restart:0": bag},
		}
		if u.Agent != "" {
			status.Agent = u.Agent
		}
		if u.Status != "" {
			status.Status = u.Status
		}
		v.Status.Units = append(v.Status.Units, status)
	}
	return v
}

// Tasks are named after their actions, and none of them takes time: a pending one
// is pending for ever, unless it is cancelled.
func (w standing) Start(unit, action string, params map[string]any) (string, error) {
	for i, name := range taskNames {
		if name == action {
			return fmt.Sprint(i), nil
		}
	}
	return "", fmt.Errorf("no task for %s", action)
}

var taskNames = []string{"", "start-rollout", "pause-rollout", "resume-rollout", "abort-rollout", "release-lock", "clear-queue"}

func (w standing) Task(id string) (jujulike.Task, bool) {
	for i, name := range taskNames {
		if fmt.Sprint(i) != id {
			continue
		}
		a := w.Actions[name]
		task := jujulike.Task{ID: id, Unit: w.App + "/2", Status: a.Status, Message: a.Message, Results: a.Results}
		if task.Status == "" {
			task.Status = "completed"
		}
		if _, err := os.Stat(filepath.Join(w.dir, "cancelled-"+id)); err == nil {
			task.Status = "cancelled"
		}
		return task, true
	}
	return jujulike.Task{}, false
}

func (w standing) Wait(ctx context.Context, id string) error {
	if task, _ := w.Task(id); !task.Over() {
		return ctx.Err()
	}
	return nil
}

func (w standing) Cancel(id string) bool {
	if task, _ := w.Task(id); task.Status != "pending" {
		return false
	}
	return os.WriteFile(filepath.Join(w.dir, "cancelled-"+id), nil, 0o600) == nil
}

var errStands = errors.New("this model stands still")

func (w standing) SetConfig(map[string]string) error { return errStands }
func (w standing) RemoveUnit(string, bool) error     { return errStands }

func (w standing) Exec(context.Context, string, string) (agent.ExecResponse, error) {
	return agent.ExecResponse{}, errStands
}
