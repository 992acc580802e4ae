package worker

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rolling-ops/internal/bootclock"

	"github.com/google/go-cmp/cmp"
)

const hour = time.Hour

func TestHookRunsAfterDelay(t *testing.T) {
	t.Setenv("JUJU_CONTEXT_ID", "app/0-update-status-1")
	t.Setenv("JUJU_HOOK_NAME", "update-status")
	t.Setenv("CHARM_DIR", "/charm")
	t.Setenv("KEPT", "yes")
	u := newUnit(t, `env | grep -E '^(JUJU_|CHARM_DIR|KEPT)' > env`)
	start := bootclock.Now()
	u.request(50 * time.Millisecond)
	u.waitForCalls(1)
	if elapsed := bootclock.Now() - start; elapsed < 50*time.Millisecond {
		t.Errorf("hook ran after %s already", elapsed)
	}
	u.waitForEnd()
	want := []string{"-u app/0 JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted " + u.CharmDir + "/dispatch"}
	if diff := cmp.Diff(want, u.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if env := u.read("env"); env != "\nKEPT=yes" {
		t.Errorf("hook's environment reached juju-exec: %s", env)
	}
	if u.warnings.Len() > 0 {
		t.Errorf("unexpected warnings: %s", &u.warnings)
	}
}

// A worker that somebody starts from within a hook calls juju-exec all the same.
func TestWorkerHandsNoHookToJujuExec(t *testing.T) {
	t.Setenv("JUJU_CONTEXT_ID", "app/0-update-status-1")
	u := newUnit(t, `env | grep ^JUJU_ > env; true`)
	u.must(exec.Command(filepath.Join(u.CharmDir, Program), u.args(0)...).Run())
	if env := u.read("env"); env != "" {
		t.Errorf("hook's environment reached juju-exec: %s", env)
	}
}

// A hook ends only when nothing has its output open any more, and the agent may
// then signal the hook's whole session.
func TestWorkerOutlivesHook(t *testing.T) {
	u := newUnit(t, "")
	hook := filepath.Join(u.dir, "hook")
	test, err := os.Executable()
	u.must(err)
	u.must(os.Symlink(test, hook))
	output, err := exec.Command(hook, u.args(hour)...).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Fatalf("hook: %v: %s", err, output)
	}
	pid := u.onlyWorker()
	if sid, err := sessionOf(pid); err != nil || sid != pid {
		t.Errorf("worker %d is in session %d (%v), not in its own", pid, sid, err)
	}
	log := u.path("log")
	for name, want := range map[string]string{"fd/0": os.DevNull, "fd/1": log, "fd/2": log, "cwd": "/"} {
		if got, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name)); got != want {
			t.Errorf("%s of the worker is %s, want %s", name, got, want)
		}
	}
	u.request(0)
	u.waitForCalls(1)
}

func sessionOf(pid int) (sid int, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	rest := string(stat[strings.LastIndex(string(stat), ")")+1:])
	var state string
	var parent, group int
	_, err = fmt.Sscan(rest, &state, &parent, &group, &sid)
	return sid, err
}

func TestOneWorkerForManyRequests(t *testing.T) {
	u := newUnit(t, `mkdir running || echo overlap >> calls; rmdir running`)
	u.Logger = nil
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := Request(context.Background(), u.Options, hour); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	u.onlyWorker()
	u.request(0)
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 1 {
		t.Errorf("got calls %q, want one", calls)
	}
}

func TestEarlierDueTimeCounts(t *testing.T) {
	for _, test := range []struct {
		name   string
		second time.Duration // the first is an hour, the third is no delay
		want   int           // how often the worker is brought forward
	}{
		{"earlier supersedes", hour / 2, 2},
		{"later is ignored", 2 * hour, 1},
		{"longest is ignored", math.MaxInt64, 1},
		{"none supersedes", 0, 1},
		{"negative supersedes", -hour, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u := newUnit(t, "")
			u.request(hour)
			u.onlyWorker()
			u.request(test.second)
			if test.second > 0 {
				// The second has handed its due time over when it is gone.
				u.onlyWorker()
				u.request(0)
			}
			u.waitForEnd()
			if got := strings.Count(u.log(), "brought forward"); got != test.want {
				t.Errorf("brought forward %d times, want %d; log:\n%s", got, test.want, u.log())
			}
			if calls := u.calls(); len(calls) != 1 {
				t.Errorf("got calls %q, want one", calls)
			}
		})
	}
}

func TestRequestDuringCallIsHonoured(t *testing.T) {
	u := newUnit(t, `until [ -e finish ]; do sleep 0.01; done`)
	u.request(0)
	u.waitForCalls(1)
	u.request(20 * time.Millisecond)
	// The second worker has handed its due time over when it is gone.
	u.onlyWorker()
	u.write("finish", "")
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 2 {
		t.Errorf("got calls %q, want two", calls)
	}
}

func TestFailedCallIsRetried(t *testing.T) {
	u := newUnit(t, `[ $(wc -l < calls) -ge 6 ] && exit; echo 'ERROR agent is down' >&2; exit 1`)
	u.request(0)
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 6 {
		t.Errorf("got %d calls, want 6", len(calls))
	}
	var got []string
	for line := range strings.Lines(u.log()) {
		if _, text, ok := strings.Cut(line, "error="); ok {
			got = append(got, strings.TrimSpace(strings.ReplaceAll(text, u.dir, "DIR")))
		}
	}
	want := []string{
		`"DIR/juju-exec: exit status 1: ERROR agent is down" pause=10ms`,
		`"DIR/juju-exec: exit status 1: ERROR agent is down" pause=20ms`,
		`"DIR/juju-exec: exit status 1: ERROR agent is down" pause=40ms`,
		`"DIR/juju-exec: exit status 1: ERROR agent is down" pause=40ms`,
		`"DIR/juju-exec: exit status 1: ERROR agent is down" pause=40ms`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logged failures (-want +got):\n%s", diff)
	}
}

// Juju forgets the commands that wait while it upgrades a charm.
func TestForgottenCallIsMadeAgain(t *testing.T) {
	t.Setenv(lookEnv, "20ms")
	u := newUnit(t, `[ $(wc -l < calls) -ge 2 ] || exec sleep 1000`)
	u.request(0)
	u.waitForCalls(1)
	u.request(0)
	u.waitForCalls(2)
	u.waitForEnd()
	u.waitForLog("others asked for the hook and it does not come")
}

func TestLongCallIsLeftAlone(t *testing.T) {
	t.Setenv(lookEnv, "1ms")
	u := newUnit(t, `sleep 0.3`)
	u.request(0)
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 1 {
		t.Errorf("got calls %q, want one", calls)
	}
}

// A hook may leave a child behind that has the call's standard error open.
func TestCallEndsBeforeItsChildren(t *testing.T) {
	u := newUnit(t, `sleep 1000 & echo $! > child`)
	u.request(0)
	u.waitForEnd() // fails after 10 s
	u.must(exec.Command("kill", strings.TrimSpace(u.read("child"))).Run())
	if calls := u.calls(); len(calls) != 1 {
		t.Errorf("got calls %q, want one", calls)
	}
}

func TestRequestShortensPause(t *testing.T) {
	t.Setenv(retryEnv, "1h")
	u := newUnit(t, `[ -e healthy ]`)
	u.request(0)
	u.waitForLog("pause=1h")
	u.write("healthy", "")
	u.request(0)
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 2 {
		t.Errorf("got calls %q, want two", calls)
	}
}

func TestMissingRunCmdIsRetried(t *testing.T) {
	u := newUnit(t, "")
	there := u.RunCmd
	u.must(os.Rename(there, there+".away"))
	u.request(0)
	u.waitForLog("no such file or directory")
	u.must(os.Rename(there+".away", there))
	u.waitForCalls(1)
	u.waitForEnd()
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	u := newUnit(t, "")
	u.request(hour)
	u.must(syscall.Kill(u.onlyWorker(), syscall.SIGKILL))
	u.waitForEnd()
	u.request(0)
	u.waitForEnd()
	if calls := u.calls(); len(calls) != 1 {
		t.Errorf("got calls %q, want one", calls)
	}
}

func TestTerminatedWorkerKillsItsCall(t *testing.T) {
	u := newUnit(t, `sleep 1000 & echo $! > child; wait`)
	worker := exec.Command(filepath.Join(u.CharmDir, Program), u.args(0)...)
	u.must(worker.Start())
	u.waitUntil("a child of the call", func() bool { return u.read("child") != "" })
	u.must(worker.Process.Signal(syscall.SIGTERM))
	if err := worker.Wait(); err != nil {
		t.Errorf("worker ended with %v", err)
	}
	u.waitForEnd()
	child := strings.TrimSpace(u.read("child"))
	u.waitUntil("the end of the call's child", func() bool {
		arguments, _ := os.ReadFile("/proc/" + child + "/cmdline")
		return len(arguments) == 0
	})
}

func TestTerminatedWhileWaiting(t *testing.T) {
	u := newUnit(t, "")
	u.request(hour)
	u.must(syscall.Kill(u.onlyWorker(), syscall.SIGTERM))
	u.waitForEnd()
	u.waitForLog("reason=stopped")
	if calls := u.calls(); len(calls) != 0 {
		t.Errorf("got calls %q, want none", calls)
	}
}

func TestWorkerEndsWithItsUnit(t *testing.T) {
	u := newUnit(t, `exit 1`)
	u.request(0)
	u.waitForCalls(2)
	u.must(os.RemoveAll(u.CharmDir))
	u.waitForEnd()
	u.waitForLog(`reason="the charm directory is gone"`)
}

func TestUnreadableCharmDirIsNotGone(t *testing.T) {
	u := newUnit(t, `[ -e healthy ]`)
	link := u.CharmDir + ".link"
	u.must(os.Symlink(u.CharmDir, link))
	u.CharmDir = link
	u.request(0)
	u.waitForCalls(1)
	// A link to itself cannot be read even by root.
	u.must(os.Symlink(link, link+".new"))
	u.must(os.Rename(link+".new", link))
	u.waitForCalls(len(u.calls()) + 3)
	u.write("healthy", "")
	u.waitForEnd()
	u.waitForLog(`reason="the hook has run"`)
}

func TestRequestErrors(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*Options)
	}{
		{"no unit", `invalid unit name ""`, func(o *Options) { o.Unit = "" }},
		{"application", `invalid unit name "app"`, func(o *Options) { o.Unit = "app" }},
		{"path", `invalid unit name "../app/0"`, func(o *Options) { o.Unit = "../app/0" }},
		{"option", `invalid unit name "-app/0"`, func(o *Options) { o.Unit = "-app/0" }},
		{"leading zero", `invalid unit name "app/01"`, func(o *Options) { o.Unit = "app/01" }},
		{"number in application", `invalid unit name "app-1/0"`, func(o *Options) { o.Unit = "app-1/0" }},
		{"newline", `invalid unit name "app/0\n"`, func(o *Options) { o.Unit = "app/0\n" }},
		{"charm dir", `charm directory "charm" is not an absolute path`, func(o *Options) { o.CharmDir = "charm" }},
		{"NUL", `charm directory has a NUL byte`, func(o *Options) { o.CharmDir = "/a\x00" }},
		{"state dir", `state directory "" is not an absolute path`, func(o *Options) { o.StateDir = "" }},
		{"program", `program "./juju-exec" is neither`, func(o *Options) { o.RunCmd = "./juju-exec" }},
		{"no worker", `cannot start the worker of app/0: `, func(o *Options) { o.CharmDir += "/none" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := newUnit(t, "")
			test.change(&u.Options)
			err := Request(context.Background(), u.Options, 0)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err := Run(context.Background(), u.Options, 0); test.name != "no worker" && err == nil {
				t.Error("Run accepts it")
			}
		})
	}
}

func TestHookCommandIsSafeForShell(t *testing.T) {
	for _, dir := range []string{
		"/var/lib/juju/agents/unit-app-0/charm",
		"/with a space",
		"/it's; exit 1",
		"/$(exit 1)`exit 1`",
		"/new\nline",
		`/"double"\`,
		"/é*?",
	} {
		script := `set -- ` + strings.TrimPrefix(hookCommand(dir), "JUJU_") + `; printf '%s|' "$@"`
		out, err := exec.Command("sh", "-c", script).CombinedOutput()
		want := "DISPATCH_PATH=hooks/" + Hook + "|" + filepath.Join(dir, "dispatch") + "|"
		if err != nil || string(out) != want {
			t.Errorf("%q: sh reads %q (%v), want %q", dir, out, err, want)
		}
	}
}

func TestRunCmdIsFound(t *testing.T) {
	u := newUnit(t, "")
	old := "#!/bin/sh\necho juju-run >> " + u.dir + "/calls\n" // there is one beside juju-exec in Juju 3
	u.must(os.WriteFile(filepath.Join(u.dir, "juju-run"), []byte(old), 0o755))
	t.Setenv("PATH", u.dir+":"+os.Getenv("PATH"))
	u.Options.RunCmd = ""
	u.request(0)
	u.waitForCalls(1)
	u.waitForEnd()
	if calls := u.calls(); calls[0] == "juju-run" {
		t.Error("juju-run was taken in place of juju-exec")
	}
}

func TestOneBinaryIsDispatchAndWorker(t *testing.T) {
	u := newUnit(t, "")
	u.must(os.Rename(filepath.Join(u.CharmDir, Program), filepath.Join(u.CharmDir, "dispatch")))
	u.Program = []string{"dispatch", "worker"}
	u.request(0)
	u.waitForEnd()
	u.waitForLog(`reason="the hook has run"`)
	if calls := u.calls(); len(calls) != 1 {
		t.Errorf("got calls %q, want one", calls)
	}
}

func TestMainRefuses(t *testing.T) {
	for _, test := range []struct {
		args string
		exit int
		want string // on standard error
	}{
		{"--help", 0, "the unit, such as app/0"},
		{"--unknown", 2, "flag provided but not defined: -unknown"},
		{"--delay soon", 2, `invalid value "soon" for flag -delay`},
		{"more", 1, `unexpected argument "more"`},
		{"--unit-name app/0 --charm-dir /charm", 1, `state directory "" is not an absolute path`},
	} {
		t.Run(test.args, func(t *testing.T) {
			u := newUnit(t, "")
			program := filepath.Join(u.dir, "dispatch")
			u.must(os.Symlink(filepath.Join(u.CharmDir, Program), program))
			cmd := exec.Command(program, append([]string{"worker"}, strings.Fields(test.args)...)...)
			out, _ := cmd.CombinedOutput()
			if exit := cmd.ProcessState.ExitCode(); exit != test.exit || !strings.Contains(string(out), test.want) {
				t.Errorf("exit code %d, want %d; output:\n%s", exit, test.exit, out)
			}
		})
	}
}
