package juju

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The files in testdata are what the client of Juju 4.1-beta2 printed.
func recorded(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// scripted is a client whose juju prints what is in files, and says what it was
// called with.
func scripted(t *testing.T, stdout, stderr string, code int) (*Client, func() string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"out": stdout, "err": stderr} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "juju")
	script := "#!/bin/sh\ncd " + dir + "\nfor a; do printf '%s\\n' \"$a\"; done >args\ncat err >&2\ncat out\nexit " + string(rune('0'+code)) + "\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Client{Program: program, Model: "rig:cap"}, func() string {
		args, _ := os.ReadFile(filepath.Join(dir, "args"))
		return strings.Join(strings.Split(strings.TrimSpace(string(args)), "\n"), " ")
	}
}

func TestStatusOfTheRealClient(t *testing.T) {
	c, args := scripted(t, recorded(t, "status.json"), "", 0)
	s, err := c.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := args(); got != "status -m rig:cap --format json" {
		t.Error(got)
	}
	app, err := s.Choose("")
	endpoint, ok := s.Endpoint(app)
	if app != "rolling-ops" || endpoint != "restart" || !ok || err != nil || s.Name() != "rig:cap" {
		t.Error(app, endpoint, ok, err, s.Name())
	}
	units := s.Applications[app].Units
	if u := units["rolling-ops/1"]; len(units) != 3 || !u.Leader || u.Workload.Current != "active" || u.Agent.Current != "executing" {
		t.Errorf("%+v", units)
	}
	if at := units["rolling-ops/0"].Agent.Time(); !at.Equal(time.Date(2026, 11, 26, 1, 18, 11, 0, time.UTC)) {
		t.Error(at)
	}
}

// Units of a subordinate application are shown below their principals.
func TestStatusFindsSubordinates(t *testing.T) {
	text := `{"model":{"name":"m","controller":"c"},"applications":{
		"rolls":{"relations":{"restart":[{"related-application":"rolls","interface":"rolling_op","scope":"global"}]},"subordinate-to":["db"]},
		"other":{"relations":{"cluster":["other"]}},
		"db":{"units":{"db/0":{"subordinates":{"rolls/0":{"leader":true,"juju-status":{"current":"idle"}}}},"db/1":{"subordinates":{"rolls/1":{}}}}}}}`
	c, _ := scripted(t, text, "", 0)
	s, err := c.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	app, err := s.Choose("")
	if got := slices.Sorted(maps.Keys(s.Applications[app].Units)); err != nil || !slices.Equal(got, []string{"rolls/0", "rolls/1"}) {
		t.Error(app, got, err)
	}
	if _, err := s.Choose("other"); err == nil || !strings.Contains(err.Error(), "no peer relation") {
		t.Error(err)
	}
}

func TestSeveralApplicationsHaveToBeChosenFrom(t *testing.T) {
	relations := map[string][]relation{"r": {{Interface: Interface, Application: "a"}, {Interface: Interface, Application: "b"}}}
	s := &Status{Applications: map[string]Application{"a": {Relations: relations}, "b": {Relations: relations}}}
	if _, err := s.Choose(""); err == nil || !strings.Contains(err.Error(), "--app: a, b") {
		t.Error(err)
	}
	if app, err := s.Choose("b"); app != "b" || err != nil {
		t.Error(app, err)
	}
}

func TestDatabagsOfTheRealClient(t *testing.T) {
	c, args := scripted(t, recorded(t, "show-unit.json"), "", 0)
	bags, err := c.Databags(context.Background(), "rolling-ops/0", "restart")
	if err != nil {
		t.Fatal(err)
	}
	if got := args(); got != "show-unit -m rig:cap rolling-ops/0 --endpoint restart --format json" {
		t.Error(got)
	}
	if bags.Application["granted_unit"] != "rolling-ops/2" || bags.Units["rolling-ops/0"]["state"] != "request" ||
		bags.Units["rolling-ops/2"]["state"] != "request" || bags.Units["rolling-ops/1"] == nil || len(bags.Units) != 3 {
		t.Errorf("%+v", bags)
	}
	if _, err := c.Databags(context.Background(), "rolling-ops/0", "other"); err == nil || !strings.Contains(err.Error(), "still being set up") {
		t.Error(err)
	}
}

// What is no text in the JSON of a databag is taken as it stands there.
func TestDatabagValuesAreTexts(t *testing.T) {
	var b bag
	if err := json.Unmarshal([]byte(`{"a":"7","b":7,"c":true,"d":"x\ny"}`), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bag{"a": "7", "b": "7", "c": "true", "d": "x\ny"}, b); diff != "" {
		t.Error(diff)
	}
}

func TestTasksOfTheRealClient(t *testing.T) {
	one := func(text, unit string) string { // of several tasks
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(map[string]json.RawMessage{unit: all[unit]})
		return string(data)
	}
	c, args := scripted(t, one(recorded(t, "run.json"), "rolling-ops/2"), "", 0)
	task, err := c.Run(context.Background(), "rolling-ops/2", "restart", time.Second, Text("reason", "5"), Number("retries", 2), Param{"delay", "1.5"})
	if err != nil || task.ID != "2" || task.Results["position"] != "1" || task.Unit != "rolling-ops/2" {
		t.Errorf("%+v, %v", task, err)
	}
	if got := args(); got != `run -m rig:cap rolling-ops/2 restart reason="5" retries=2 delay=1.5 --wait 1s --format json` {
		t.Error(got)
	}
	c, _ = scripted(t, recorded(t, "show-task.json"), "", 0)
	if task, err = c.ShowTask(context.Background(), "4"); err != nil || task.Status != "completed" || task.Results["dropped"] != "0" {
		t.Errorf("%+v, %v", task, err)
	}
	for _, code := range []int{0, 1} { // Juju 4 and Juju 3
		c, _ = scripted(t, recorded(t, "run-fail.json"), recorded(t, "run-fail.err"), code)
		_, err = c.Run(context.Background(), "rolling-ops/1", "release-lock", time.Second)
		var failed *FailedError
		if !errors.As(err, &failed) || !strings.HasPrefix(err.Error(), "cannot release the lock: accept-two-at-once must be true") {
			t.Error(code, err)
		}
	}
	c, _ = scripted(t, recorded(t, "actions.json"), "", 0)
	if actions, err := c.Actions(context.Background(), "rolling-ops"); err != nil || actions["restart"] == "" {
		t.Error(actions, err)
	}
}

func TestTaskIDIsFoundInWhatJujuSays(t *testing.T) {
	for text, want := range map[string]string{
		recorded(t, "run-fail.err"): "6", recorded(t, "run-bg.err"): "4", "Waiting for task 12...\n": "12", "ERROR no unit specified\n": "", "": "",
	} {
		if got := taskID(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestErrorsAreKnownByWhatJujuSays(t *testing.T) {
	for _, c := range []struct {
		stderr string
		want   Kind
		text   string
	}{
		{"ERROR model rig:nosuch not found\n", NoModel, "model rig:nosuch not found"},
		{"ERROR Get \"https://streams\": dial tcp: no such host\nERROR No controllers registered.\n\nPlease either create\n", NotLoggedIn, "No controllers registered."},
		{"ERROR refreshing models: controller \"rig\": not logged\n", NotLoggedIn, ""},
		{"please enter password for admin on rig: \nERROR cannot log into controller \"rig\": invalid entity name or password (unauthorized access)\n", NotLoggedIn, ""},
		{"ERROR unable to connect to API: dial tcp 10.0.0.1:17070: connect: connection refused\n", Unreachable, ""},
		{"ERROR cannot connect to API servers without admin: i/o timeout\n", Unreachable, ""},
		{"ERROR permission denied (unauthorized access)\n", NotAllowed, ""},
		{"ERROR action \"nosuch\" not defined for unit \"rolling-ops/1\". (not found)\n", NoAction, ""},
		{"ERROR unit nosuch/0 not found\n", NoUnit, ""},
		{"ERROR could not determine leader for \"rolling-ops\"\n", NoLeader, ""},
		{"ERROR timed out waiting for results from: unit rolling-ops/1\n", TimedOut, ""},
		{"ERROR the sky \x1b[31mfalls\n", Other, `the sky \x1b[31mfalls`},
		{"", Other, "exit status 1"},
	} {
		client, _ := scripted(t, "{}\n", c.stderr, 1)
		_, err := client.Status(context.Background())
		var failed *Error
		if !errors.As(err, &failed) || failed.Kind != c.want || c.text != "" && failed.Text != c.text {
			t.Errorf("%q: got %#v", c.stderr, err)
		}
	}
}

func TestATaskThatDoesNotEndIsGivenUp(t *testing.T) {
	c, _ := scripted(t, "{}", "Running operation 5 with 1 task\n  - task 6 on unit-rolling-ops-1\n\nWaiting for task 6...\nERROR timed out waiting for results from: unit rolling-ops/1\n", 1)
	_, err := c.Run(context.Background(), "rolling-ops/1", "pause-rollout", time.Second)
	var pending *PendingError
	if !errors.As(err, &pending) || pending.Task != "6" || pending.Canceled { // show-task failed, too
		t.Error(err)
	}
}

func TestNamesAreChecked(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "rolling-ops": true, "a1-b2": true, "-a": false, "a-1": false, "A": false, "a/0": false, "": false, "a b": false} {
		if ValidApp(name) != want {
			t.Error(name)
		}
	}
	for name, want := range map[string]bool{"a/0": true, "a/leader": true, "a/01": false, "a/": false, "a": false, "--all/0": false} {
		if ValidUnit(name) != want {
			t.Error(name)
		}
	}
	for name, want := range map[string]bool{"m": true, "c:m": true, "c:admin/m": true, "c:me@x/m": true, "-m": false, "": false, "a b": false} {
		if ValidModel(name) != want {
			t.Error(name)
		}
	}
}

// Juju 4 ends well when an action was queued nowhere, and says why on stderr.
func TestNoTaskSaysWhy(t *testing.T) {
	err := noTask("\nOperation 44 failed to schedule any tasks:\nlinking task to unit: unit \"a/9\" not found\n")
	if want := `juju run: nothing was queued: linking task to unit: unit "a/9" not found`; err.Error() != want {
		t.Errorf("got %q", err)
	}
	if err := noTask(" \n"); !strings.Contains(err.Error(), "no task in it") {
		t.Errorf("got %q", err)
	}
}
