package agent

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// TestJujuReboot: a hook that asks for it is committed; then all that runs on the
// machine ends, the boot id changes, what was in run/ is gone, and the start hook
// comes.
func TestJujuReboot(t *testing.T) {
	f := deploy(t, 2)
	f.run("gate/0", "later", nil) // leaves a process in the background
	f.await(func(Status) bool { return f.exists("gate/0", "gate") })
	first, err := f.BootID("gate/0")
	f.check(err)
	if !uuid.MatchString(first) {
		t.Errorf("boot id %q", first)
	}
	before := len(f.events("gate/0"))
	_, err = f.Exec(f.ctx, "gate/0", "relation-set -r cluster:0 note=kept; touch ../run/flag; juju-reboot")
	f.check(err)
	f.idle()
	second, err := f.BootID("gate/0")
	f.check(err)
	if second == first || f.databag("gate/0", "note") != "kept" {
		t.Errorf("boot id was %s and is %s, the note is %q", first, second, f.databag("gate/0", "note"))
	}
	if left, _ := filepath.Glob(filepath.Join(f.UnitDir("gate/0"), "run", "*")); len(left) > 0 {
		t.Errorf("run/ has %v", left)
	}
	if left, err := f.Processes(); err != nil || len(left) > 0 {
		t.Errorf("processes left: %v, %v", left, err)
	}
	want := []string{"hooks/start"}
	if diff := cmp.Diff(want, f.events("gate/0")[before:]); diff != "" {
		t.Error(diff)
	}
	if other, _ := f.BootID("gate/1"); other == "" || other == first {
		t.Errorf("the other machine has boot id %q", other)
	}
}

// TestRebootNow: what calls juju-reboot --now is killed without a commit.
func TestRebootNow(t *testing.T) {
	f := deploy(t, 1)
	_, err := f.Exec(f.ctx, "gate/0", "relation-set -r cluster:0 note=lost; juju-reboot --now; echo still here >../survived")
	if err == nil {
		t.Error("the command was not cut off")
	}
	f.idle()
	if got := f.databag("gate/0", "note"); got != "" {
		t.Errorf("the note is %q", got)
	}
	if found, _ := filepath.Glob(filepath.Join(f.UnitDir("gate/0"), "survived")); len(found) > 0 {
		t.Error("the command went on")
	}
	if events := f.events("gate/0"); events[len(events)-1] != "hooks/start" {
		t.Errorf("events: %v", events)
	}
}

// TestMachineThatStaysDown: nothing runs there, and juju-exec fails, until it is
// booted.
func TestMachineThatStaysDown(t *testing.T) {
	f := deploy(t, 2)
	f.check(f.StayDown("gate/0"))
	_, err := f.Exec(f.ctx, "gate/0", "juju-reboot")
	f.check(err)
	f.await(func(Status) bool { return f.unit("gate/0").Agent == "down" })
	f.check(f.UpdateStatus("gate/0"))
	f.idle()
	if _, err := f.Exec(f.ctx, "gate/0", "true"); err == nil {
		t.Error("juju-exec works on a machine that is down")
	}
	for name, err := range map[string]error{
		"its machine is down": f.StartAgent("gate/0"),
		"it is down":          f.Reboot(f.ctx, "gate/0"),
		"it is not down":      f.Boot("gate/1"),
		"no such unit":        f.Boot("gate/9"),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	f.check(f.Boot("gate/0"))
	f.idle()
	if events := f.events("gate/0"); events[len(events)-1] != "hooks/start" {
		t.Errorf("events: %v", events)
	}
	f.check(f.Reboot(f.ctx, "gate/0")) // and comes up by itself again
	f.idle()
	if got := f.unit("gate/0").Agent; got != "idle" {
		t.Errorf("the agent is %s", got)
	}
}

// TestRebootUnderAnAction: the action that the machine takes with it has failed.
func TestRebootUnderAnAction(t *testing.T) {
	f := deploy(t, 1)
	id := f.hold("gate/0")
	f.check(f.Reboot(f.ctx, "gate/0"))
	if result, err := f.WaitAction(f.ctx, id); err != nil || result.Status != "failed" {
		t.Errorf("the action: %+v, %v", result, err)
	}
	f.idle()
	if events := f.events("gate/0"); events[len(events)-1] != "hooks/start" {
		t.Errorf("events: %v", events)
	}
}
