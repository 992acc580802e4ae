package worker

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorkerLeavesTheAgent(t *testing.T) {
	u := newUnit(t, "")
	u.fakeBusctl(`echo "$@" > busctl-call`)
	u.request(hour)
	pid := u.onlyWorker()
	want := fmt.Sprintf("\n--allow-interactive-authorization=no call org.freedesktop.systemd1 /org/freedesktop/systemd1"+
		" org.freedesktop.systemd1.Manager StartTransientUnit ssa(sv)a(sa(sv)) rollingops-app-0-%[1]d.scope fail"+
		" 3 Description s Worker of app/0 PIDs au 1 %[1]d CollectMode s inactive-or-failed 0", pid)
	if diff := cmp.Diff(want, u.read("busctl-call")); diff != "" {
		t.Errorf("call of systemd (-want +got):\n%s", diff)
	}
}

func TestWorkerStaysWithTheAgent(t *testing.T) {
	u := newUnit(t, "")
	u.fakeBusctl("echo 'Call failed: no bus' >&2; exit 1")
	u.request(0)
	u.waitForCalls(1)
	u.waitForEnd()
	if want := "Call failed: no bus"; !strings.Contains(u.log(), want) {
		t.Errorf("no %q in the log:\n%s", want, u.log())
	}
}

// fakeBusctl has the unit's machine be one that systemd runs.
func (u *unit) fakeBusctl(script string) {
	u.t.Helper()
	u.t.Setenv(systemdEnv, u.dir)
	u.t.Setenv("PATH", u.dir+":"+os.Getenv("PATH"))
	u.must(os.WriteFile(u.dir+"/busctl", []byte("#!/bin/sh\ncd "+u.dir+"\n"+script+"\n"), 0o755))
}
