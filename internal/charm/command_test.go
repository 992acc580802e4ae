package charm

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPrograms(t *testing.T) {
	for _, test := range []struct {
		name, output, err string
		argv              []string
	}{
		{name: "success", argv: []string{"true"}},
		{name: "failure", argv: []string{"false"}, err: "exit status 1"},
		{name: "both outputs", argv: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, output: "out\nerr", err: "exit status 3"},
		{name: "no shell", argv: []string{"echo", "$HOME", ";", "*"}, output: "$HOME ; *"},
		{name: "signal", argv: []string{"sh", "-c", "kill -9 $$"}, err: "signal: killed"},
		{name: "no input", argv: []string{"cat"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			output, err := Programs{}.Run(t.Context(), time.Minute, test.argv...)
			if output != test.output {
				t.Errorf("output %q", output)
			}
			if text := errorText(err); text != test.err {
				t.Errorf("error %q", text)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestProgramMissing(t *testing.T) {
	if _, err := (Programs{}).Run(t.Context(), time.Minute, "/no/such/program"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestProgramKeepsTheEndOfItsOutput(t *testing.T) {
	output, err := Programs{}.Run(t.Context(), time.Minute, "sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo the end")
	if err != nil {
		t.Fatal(err)
	}
	if len(output) > maxOutput || !strings.HasSuffix(output, "xthe end") {
		t.Errorf("%d bytes, ending in %q", len(output), output[max(0, len(output)-20):])
	}
}

// A program that takes too long is killed with all that it started.
func TestProgramTimeout(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opened for both, so that neither side waits for the other.
	hold, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	script := `sleep 1000 > "$0" & echo started; sleep 1000 > "$0"`
	output, err := Programs{}.Run(t.Context(), 300*time.Millisecond, "sh", "-c", script, fifo)
	if err == nil || err.Error() != "took longer than 300ms" {
		t.Errorf("error %v", err)
	}
	if output != "started" {
		t.Errorf("output %q", output)
	}
	// The children hold the FIFO open for writing: when it ends, they are gone.
	end, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	hold.Close()
	if err := end.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := end.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a child is alive: %d, %v", n, err)
	}
}

func TestProgramIsStoppedByItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Programs{}).Run(ctx, time.Minute, "sleep", "1000"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A daemon that a program leaves behind keeps its output open for ever.
func TestProgramMayLeaveADaemon(t *testing.T) {
	output, err := Programs{}.Run(t.Context(), time.Minute, "sh", "-c", "sleep 5 & echo ready")
	if err != nil || output != "ready" {
		t.Errorf("got %q, %v", output, err)
	}
}

// A hook that is killed takes the program of its operation with it.
func TestProgramEndsWithDispatch(t *testing.T) {
	const variable = "PROGRAM_OPENS"
	if fifo := os.Getenv(variable); fifo != "" { // this is dispatch
		_, _ = Programs{}.Run(t.Context(), time.Minute, "sh", "-c", `exec sleep 300 >"$0"`, fifo)
		return
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	dispatch := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	dispatch.Env = append(os.Environ(), variable+"="+fifo)
	if err := dispatch.Start(); err != nil {
		t.Fatal(err)
	}
	defer dispatch.Wait()
	defer dispatch.Process.Kill()
	program, err := os.Open(fifo) // once the program has it open
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if err := dispatch.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := program.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := program.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the program goes on: %v", err)
	}
}

// A child that has made a session of its own is killed all the same when the
// program takes too long, and left alone when the program has ended.
func TestProgramInAnotherSession(t *testing.T) {
	alive := func(dir string) bool {
		pid, err := os.ReadFile(dir + "/pid")
		if err != nil {
			t.Fatal(err)
		}
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		return err == nil && !strings.Contains(string(stat), ") Z ")
	}
	const script = `cd "$0"; setsid sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000' </dev/null >/dev/null 2>&1 & until test -e pid; do sleep 0.01; done; `
	slow := t.TempDir()
	if _, err := (Programs{}).Run(t.Context(), 2*time.Second, "sh", "-c", script+"sleep 1000", slow); err == nil {
		t.Fatal("it ended")
	}
	if alive(slow) {
		t.Error("the child of a program that took too long is alive")
	}
	daemon := t.TempDir()
	if output, err := (Programs{}).Run(t.Context(), time.Minute, "sh", "-c", script, daemon); err != nil {
		t.Fatal(output, err)
	}
	if !alive(daemon) {
		t.Error("the child of a program that ended is gone")
	}
	pid, _ := os.ReadFile(daemon + "/pid")
	if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
		_ = unix.Kill(n, unix.SIGKILL)
	}
}
