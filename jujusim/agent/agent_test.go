package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/jujusim"
)

func TestLifeOfAUnit(t *testing.T) {
	f := deploy(t, 2)
	f.check(f.RemoveUnit("gate/1", false))
	f.await(func(s Status) bool { return len(s.Units) == 1 })
	f.idle()
	want := []string{
		"hooks/install",
		"hooks/cluster-relation-created",
		"hooks/leader-elected",
		"hooks/config-changed",
		"hooks/start",
	}
	got := f.events("gate/0")
	if diff := cmp.Diff(want, got[:5]); diff != "" {
		t.Error(diff)
	}
	if last := got[len(got)-1]; last != "hooks/cluster-relation-departed gate/1 departing gate/1" {
		t.Errorf("last event is %q", last)
	}
	f.await(func(Status) bool { return strings.Contains(f.UnitDir("gate/1"), "removed") })
	got = f.events("gate/1")
	want = []string{"hooks/cluster-relation-departed gate/0 departing gate/1", "hooks/stop", "hooks/remove"}
	if diff := cmp.Diff(want, got[len(got)-3:]); diff != "" {
		t.Error(diff)
	}
}

func TestStatusAndConfig(t *testing.T) {
	f := deploy(t, 1)
	if u := f.unit("gate/0"); u.Status != "active" || u.Message != "ready hello" || !u.Leader || !u.Idle() {
		t.Errorf("got %+v", u)
	}
	f.check(f.SetConfig(map[string]string{"greeting": "good day"}))
	f.idle()
	if u := f.unit("gate/0"); u.Message != "good day" {
		t.Errorf("got %+v", u)
	}
	if err := f.SetConfig(map[string]string{"greting": "x"}); err == nil {
		t.Error("an unknown option was set")
	}
}

func TestActions(t *testing.T) {
	f := deploy(t, 1)
	if got := f.run("gate/0", "greet", map[string]any{"name": "you"}); got.Status != jujusim.ActionCompleted ||
		got.Results["reply"] != "hello you" || !slices.Equal(got.Log, []string{"greeting you"}) {
		t.Errorf("greet: got %+v", got)
	}
	if got := f.run("gate/0", "refuse", nil); got.Status != jujusim.ActionFailed || got.Message != "as asked" {
		t.Errorf("refuse: got %+v", got)
	}
	if got := f.run("gate/0", "crash", nil); got.Status != jujusim.ActionFailed || got.Message != "exit status 3" {
		t.Errorf("crash: got %+v", got)
	}
	if note := f.databag("gate/0", "note"); note != "" {
		t.Errorf("a crashed action wrote %q", note)
	}
	if _, err := f.RunAction(f.ctx, "gate/0", "nap", nil); err == nil {
		t.Error("an unknown action was taken")
	}
	if _, err := f.RunAction(f.ctx, "gate/7", "greet", nil); !errors.Is(err, jujusim.ErrNoUnit) {
		t.Errorf("got %v", err)
	}
}

// TestOutput: what an action prints is part of its result, and a child that
// holds its output open does not keep it from ending; juju-exec waits for it.
func TestOutput(t *testing.T) {
	f := deploy(t, 1)
	got := f.run("gate/0", "linger", nil)
	want := map[string]any{"return-code": 0, "stdout": "printed\n", "stderr": "complained\n"}
	if diff := cmp.Diff(want, got.Results); diff != "" {
		t.Error(diff)
	}
	if left, err := f.Background(); err != nil || len(left) == 0 {
		t.Errorf("the child did not live on: %v, %v", left, err)
	}
	f.open("gate/0")
	r, err := f.Exec(f.ctx, "gate/0", "(is-leader; is-leader; echo late) &")
	if err != nil || !strings.HasSuffix(string(r.Stdout), "late\n") {
		t.Errorf("juju-exec did not wait: %+v, %v", r, err)
	}
}

func TestDatabags(t *testing.T) {
	f := deploy(t, 3)
	f.run("gate/0", "share", map[string]any{"note": "a=b 'c'", "app": true})
	f.idle()
	if got := f.databag("gate/0", "note"); got != "a=b 'c'" {
		t.Errorf("unit databag has %q", got)
	}
	if got := f.Status().Relations[0].Databag["note"]; got != "a=b 'c'" {
		t.Errorf("application databag has %q", got)
	}
	for _, unit := range []string{"gate/1", "gate/2"} {
		want := []string{"hooks/cluster-relation-changed", "hooks/cluster-relation-changed gate/0"}
		got := f.events(unit)
		if diff := cmp.Diff(want, got[len(got)-2:]); diff != "" {
			t.Errorf("%s: %s", unit, diff)
		}
	}
	if got := f.run("gate/1", "share", map[string]any{"note": "x", "app": true}); got.Status != jujusim.ActionFailed {
		t.Errorf("a follower wrote the application databag: %+v", got)
	}
}

func TestOneThingAtATime(t *testing.T) {
	f := deploy(t, 2)
	f.hold("gate/0")
	f.hold("gate/1") // units run at the same time
	id, err := f.StartAction("gate/0", "greet", nil)
	f.check(err)
	if u := f.unit("gate/0"); u.Doing != "actions/hold" {
		t.Errorf("got %+v", u)
	}
	if _, ended := f.model.Action(id); ended {
		t.Error("an action ran beside another")
	}
	f.open("gate/0")
	f.open("gate/1")
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status != jujusim.ActionCompleted {
		t.Errorf("got %+v", result)
	}
}

func TestFailedHookIsRetried(t *testing.T) {
	f := deploy(t, 1)
	f.check(f.SetConfig(map[string]string{"greeting": "broken"}))
	f.await(func(s Status) bool { return s.Units[0].Status == "error" })
	if u := f.unit("gate/0"); u.Message != `hook failed: "config-changed"` {
		t.Errorf("got %+v", u)
	}
	// Actions run in spite of it.
	if got := f.run("gate/0", "greet", nil); got.Results["reply"] != "broken world" {
		t.Errorf("got %+v", got)
	}
	f.check(f.SetConfig(map[string]string{"greeting": "mended"}))
	f.idle()
	if u := f.unit("gate/0"); u.Status != "active" || u.Message != "mended" {
		t.Errorf("got %+v", u)
	}
}

func TestExec(t *testing.T) {
	f := deploy(t, 1)
	tests := []struct {
		command string
		want    ExecResponse
	}{
		{"echo out; echo err >&2", ExecResponse{Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{"exit 7", ExecResponse{Code: 7}},
		{`echo "$JUJU_UNIT_NAME $JUJU_HOOK_NAME-"`, ExecResponse{Stdout: []byte("gate/0 -\n")}},
		{"relation-set -r cluster:0 note=kept; exit 3", ExecResponse{Code: 3}},
		{"kill -9 $$", ExecResponse{Code: 137}},
		{"no-such-tool 2>/dev/null", ExecResponse{Code: 127}},
		{"relation-get 2>&1", ExecResponse{Code: 2, Stdout: []byte("ERROR no relation id specified\n")}},
	}
	for _, test := range tests {
		got, err := f.Exec(f.ctx, "gate/0", test.command)
		if (err != nil) != (test.want.Code == 137) {
			t.Errorf("%s: %v", test.command, err)
		}
		if got.Code != test.want.Code || string(got.Stdout) != string(test.want.Stdout) || string(got.Stderr) != string(test.want.Stderr) {
			t.Errorf("%s: got %d %q %q", test.command, got.Code, got.Stdout, got.Stderr)
		}
	}
	if got := f.databag("gate/0", "note"); got != "kept" {
		t.Errorf("a command that failed left %q", got)
	}
}

func TestBackgroundProcessComesBack(t *testing.T) {
	f := deploy(t, 1)
	f.run("gate/0", "later", nil)
	f.open("gate/0")
	f.idle() // waits for the background process, too
	if got := f.unit("gate/0").Message; got != "came back" {
		t.Errorf("status is %q", got)
	}
	if got, _ := os.ReadFile(f.state("gate/0", "background-exit")); string(got) != "0\n" {
		t.Errorf("juju-exec exited with %s", got)
	}
	// Now it fails: its writes are kept, and nothing runs it again.
	f.check(os.WriteFile(f.state("gate/0", "fail-later"), nil, 0o600))
	f.run("gate/0", "later", nil)
	f.open("gate/0")
	f.idle()
	if got, _ := os.ReadFile(f.state("gate/0", "background-exit")); string(got) != "7\n" {
		t.Errorf("juju-exec exited with %s", got)
	}
	if u := f.unit("gate/0"); u.Status == "error" || u.Databags["cluster:0"]["later"] != "done" {
		t.Errorf("got %+v", u)
	}
}

func TestExecRefusals(t *testing.T) {
	f := deploy(t, 1)
	// From within a hook, juju-exec refuses.
	got, err := f.Exec(f.ctx, "gate/0", `juju-exec -u gate/0 "echo hi" 2>&1`)
	f.check(err)
	if got.Code != 2 || !strings.Contains(string(got.Stdout), "cannot be called from within a hook") {
		t.Errorf("got %d %s", got.Code, got.Stdout)
	}
	tests := []struct {
		name string
		args []string
		down bool
		code int
		want string
	}{
		{"runs", []string{"-u", "gate/0", "echo hi"}, false, 0, "hi"},
		{"by tag", []string{"unit-gate-0", "echo", "it's"}, false, 0, "it's"},
		{"passes the code on", []string{"gate/0", "exit 5"}, false, 5, ""},
		{"unknown unit", []string{"-u", "gate/9", "true"}, false, 1, `unit "gate/9" not found`},
		{"no unit", nil, false, 2, "missing unit-name"},
		{"bad unit", []string{"-u", "Gate", "true"}, false, 2, "not a valid tag"},
		{"no command", []string{"-u", "gate/0"}, false, 2, "missing commands"},
		{"bad flag", []string{"--nope"}, false, 2, "not defined"},
		{"agent down", []string{"-u", "gate/0", "true"}, true, 1, "connect"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.down {
				f.check(f.StopAgent("gate/0"))
			}
			code, out := f.jujuExec(test.args...)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("got %d %s", code, out)
			}
		})
	}
}

// jujuExec runs juju-exec as a program outside of any hook.
func (f fixture) jujuExec(args ...string) (int, string) {
	f.t.Helper()
	var out strings.Builder
	argv := append([]string{filepath.Join(f.Dir(), "tools", "juju-exec")}, args...)
	p, err := start(argv, "/", []string{"PATH=" + os.Getenv("PATH")}, &out, &out, true)
	f.check(err)
	code, _ := p.wait()
	return code, out.String()
}

func TestKilledHookRunsAgain(t *testing.T) {
	f := deploy(t, 1)
	id := f.hold("gate/0")
	f.check(f.KillHook("gate/0"))
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status != jujusim.ActionFailed || result.Message != "terminated" {
		t.Errorf("got %+v", result)
	}
	f.idle()
	if f.Status().Relations[0].Databag["holder"] != "" {
		t.Error("what a killed action wrote was committed")
	}
	if err := f.KillHook("gate/0"); err == nil {
		t.Error("a hook was killed where none ran")
	}
}

func TestHangAndResume(t *testing.T) {
	f := deploy(t, 1)
	id := f.hold("gate/0")
	f.check(f.Hang("gate/0"))
	f.check(f.Resume("gate/0"))
	f.open("gate/0")
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status != jujusim.ActionCompleted {
		t.Errorf("got %+v", result)
	}
}

func TestAgentRestart(t *testing.T) {
	f := deploy(t, 1)
	action := f.hold("gate/0")
	exec := make(chan error, 1)
	go func() {
		_, err := f.Exec(f.ctx, "gate/0", "true")
		exec <- err
	}()
	f.await(func(Status) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.agents["gate/0"].waiting) == 1
	})
	f.check(f.RestartAgent("gate/0"))
	if err := <-exec; err == nil {
		t.Error("a command that waited survived the restart")
	}
	result, err := f.WaitAction(f.ctx, action)
	f.check(err)
	if result.Status != jujusim.ActionFailed {
		t.Errorf("got %+v", result)
	}
	if got := f.run("gate/0", "greet", nil); got.Status != jujusim.ActionCompleted {
		t.Errorf("got %+v", got)
	}
}

func TestLeadershipMovesBetweenPromises(t *testing.T) {
	f := deploy(t, 2)
	id := f.hold("gate/0") // has asked is-leader
	elected := make(chan error, 1)
	go func() { elected <- f.Elect(f.ctx, "gate/1") }()
	select {
	case <-elected:
		t.Fatal("leadership moved under a promise")
	case <-time.After(20 * time.Millisecond):
	}
	f.open("gate/0")
	f.check(<-elected)
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status != jujusim.ActionCompleted || f.Leader() != "gate/1" {
		t.Errorf("got %+v, leader %s", result, f.Leader())
	}
	f.idle()
	if got := f.events("gate/1"); !slices.Contains(got, "hooks/leader-elected") {
		t.Errorf("got %q", got)
	}
}

func TestLeadershipLostDuringAHook(t *testing.T) {
	f := deploy(t, 2)
	id := f.hold("gate/0")
	f.check(f.ElectNow("gate/1"))
	f.open("gate/0")
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status != jujusim.ActionFailed || f.Status().Relations[0].Databag["holder"] != "" {
		t.Errorf("the commit was not refused: %+v", result)
	}
}

func TestRemoveByForce(t *testing.T) {
	f := deploy(t, 2)
	f.run("gate/0", "later", nil)
	id := f.hold("gate/0")
	f.check(f.RemoveUnit("gate/0", true))
	result, err := f.WaitAction(f.ctx, id)
	f.check(err)
	if result.Status == jujusim.ActionCompleted {
		t.Errorf("got %+v", result)
	}
	f.idle()
	if f.Leader() != "gate/1" {
		t.Errorf("leader is %q", f.Leader())
	}
	if code, out := f.jujuExec("-u", "gate/0", "true"); code != 1 {
		t.Errorf("juju-exec on a unit that is gone: %d %s", code, out)
	}
	if name, err := f.AddUnit(); err != nil || name != "gate/2" {
		t.Errorf("got %s, %v", name, err)
	}
	f.idle()
}

func TestRefresh(t *testing.T) {
	next := t.TempDir()
	if err := os.CopyFS(next, os.DirFS("testdata/charm")); err != nil {
		t.Fatal(err)
	}
	dispatch := "#!/bin/sh\nstatus-set active \"second at $JUJU_DISPATCH_PATH\"\n"
	if err := os.WriteFile(filepath.Join(next, "dispatch"), []byte(dispatch), 0o700); err != nil {
		t.Fatal(err)
	}
	f := deploy(t, 2)
	f.check(f.Refresh(next))
	f.idle()
	for _, unit := range f.Status().Units {
		if unit.Message != "second at hooks/config-changed" || unit.Revision != 1 {
			t.Errorf("got %+v", unit)
		}
	}
	if err := f.Refresh(t.TempDir()); err == nil {
		t.Error("an empty directory was taken for a charm")
	}
}

func TestBackgroundIsKilledOnRequestAndAtClose(t *testing.T) {
	f := deploy(t, 2)
	for _, unit := range []string{"gate/0", "gate/1"} {
		f.run(unit, "later", nil)
	}
	if _, err := f.KillBackground("gate/0"); err != nil {
		t.Error(err)
	}
	f.check(f.WaitIdle(f.ctx, true))
	ctx, cancel := context.WithTimeout(f.ctx, 50*time.Millisecond)
	defer cancel()
	if err := f.WaitIdle(ctx, false); err == nil || !strings.Contains(err.Error(), "gate/1") {
		t.Errorf("got %v", err)
	}
	left, err := f.Close()
	f.check(err)
	if len(left) == 0 || left[0].Unit != "gate/1" {
		t.Errorf("got %v", left)
	}
	if _, err := f.AddUnit(); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestUpdateStatus(t *testing.T) {
	f := deploy(t, 1, func(o *Options) { o.UpdateStatus = 5 * time.Millisecond })
	f.await(func(Status) bool { return slices.Contains(f.events("gate/0"), "hooks/update-status") })
}

func TestTraceOfAHook(t *testing.T) {
	f := deploy(t, 1)
	f.run("gate/0", "share", map[string]any{"note": "hi"})
	var got []string
	for _, e := range f.Trace() {
		if e.Hook != "actions/share" {
			continue
		}
		line := string(e.Kind)
		if e.Cost != nil {
			if e.Cost.Wall <= 0 || e.Cost.ToolBytes == 0 {
				t.Errorf("cost is %+v", e.Cost)
			}
			line += fmt.Sprintf(" %d calls", e.Cost.ToolCalls)
		}
		got = append(got, line)
	}
	want := []string{"action-queued", "hook-began", "hook-ended 5 calls", "action-ended"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNewRefuses(t *testing.T) {
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"no charm", Options{CharmDir: t.TempDir(), Dir: t.TempDir()}, "cannot use charm"},
		{"used directory", Options{CharmDir: "testdata/charm", Dir: used}, "not empty"},
		{"long path", Options{CharmDir: "testdata/charm", Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 25))}, "too long"},
	}
	for _, test := range tests {
		if _, err := New(test.opts); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
