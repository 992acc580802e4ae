package guide

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/internal/operator"
	"rolling-ops/internal/simcli"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/jujulike"
	"rolling-ops/tests/product"
)

var update = flag.Bool("update", false, "write into the pages what the commands print")

// The test program is also all programs that the pages call: jujusim, with the hook
// tools and juju, and juju-rolling-ops.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case agent.IsTool(os.Args[0]):
		syscall.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	case jujulike.IsJuju(os.Args[0]):
		syscall.Exit(jujulike.Main(os.Args, os.Stdout, os.Stderr))
	case name == "juju-rolling-ops":
		syscall.Exit(operator.Main(os.Args, os.Stdout, os.Stderr))
	case name == "jujusim":
		syscall.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// limit is how long a page may take.
const limit = 5 * time.Minute

// TestPages: what the pages show is what the programs print.
func TestPages(t *testing.T) {
	charm := filepath.Join(t.TempDir(), "charm")
	if err := product.Charm(charm); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pages {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte("\n```console\n")) {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			playPage(t, path, string(data), charm)
		})
	}
}

func playPage(t *testing.T, path, before, charm string) {
	page, err := Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != before {
		t.Fatal("a page that is not played is not what was read")
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	sessions := &sessions{t: t, ctx: ctx, charm: charm}
	defer sessions.end()
	if err := page.Play(sessions.start); err != nil {
		t.Fatal(err)
	}
	after := page.String()
	switch {
	case Same(before, after):
	case *update:
		if err := os.WriteFile(path, []byte(after), 0o640); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s: not what the programs print; go test ./tests/guide -update writes it:\n%s", path, cmp.Diff(Normal(before), Normal(after)))
	}
}

// sessions runs one jujusim shell after the other, whose shell is a bash that reads
// commands.
type sessions struct {
	t     *testing.T
	ctx   context.Context
	charm string
	stop  func()
}

func (s *sessions) end() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// start starts jujusim shell, with a command that keeps it until the session ends and
// tells its environment.
func (s *sessions) start(flags string) (func(string) (string, error), error) {
	s.end()
	dir, err := os.MkdirTemp("", "guide")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"jujusim", "juju-rolling-ops"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	args := append([]string{"shell", "--charm", s.charm}, strings.Fields(flags)...)
	keep := fmt.Sprintf(`echo "$PATH" >%[1]s/path.new; echo "$%[2]s" >%[1]s/socket; mv %[1]s/path.new %[1]s/path; read line`, dir, jujulike.Socket)
	cmd := exec.CommandContext(s.ctx, filepath.Join(dir, "jujusim"), append(args, "--", "sh", "-c", keep)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.stop = func() {
		stdin.Close()
		select {
		case <-ended:
		case <-s.ctx.Done():
		}
		os.RemoveAll(dir)
	}
	for {
		path, err := os.ReadFile(filepath.Join(dir, "path"))
		if err == nil {
			socket, err := os.ReadFile(filepath.Join(dir, "socket"))
			return s.runner(dir, strings.TrimSpace(string(path)), strings.TrimSpace(string(socket))), err
		}
		select {
		case err := <-ended:
			ended <- err
			return nil, fmt.Errorf("jujusim shell ended: %v\n%s", err, said.String())
		case <-s.ctx.Done():
			return nil, s.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// runner runs commands one after the other. What they print on either stream is what a
// reader would see, and so is the exit code, if it is asked for.
func (s *sessions) runner(dir, path, socket string) func(string) (string, error) {
	return func(command string) (string, error) {
		cmd := exec.CommandContext(s.ctx, "bash", "-c", strings.ReplaceAll(command, "{charm}", s.charm))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+path, jujulike.Socket+"="+socket)
		out, err := cmd.CombinedOutput()
		if s.ctx.Err() != nil {
			return "", fmt.Errorf("%s: %w", command, s.ctx.Err())
		}
		if _, ok := err.(*exec.ExitError); err != nil && !ok {
			return "", err
		}
		return string(out), nil
	}
}

func TestParse(t *testing.T) {
	const text = "# Page\n<!-- model: -n 3 -->\n<!-- run: setup -->\n```console\n$ a\none\ntwo\n$ b\n```\nend\n"
	page, err := Parse(text)
	if err != nil || page.String() != text {
		t.Fatal(err, page)
	}
	var ran []string
	err = page.Play(func(flags string) (func(string) (string, error), error) {
		ran = append(ran, "model "+flags)
		return func(command string) (string, error) {
			ran = append(ran, command)
			return command + " printed\n", nil
		}, nil
	})
	want := strings.NewReplacer("one\ntwo\n", "a printed\n", "$ b\n", "$ b\nb printed\n").Replace(text)
	if diff := cmp.Diff(want, page.String()); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"model -n 3", "setup", "a", "b"}, ran); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"```console\none\n```\n", "```console\n$ a\n"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if page, _ = Parse("```console\n$ a\n```\n"); page.Play(nil) == nil {
		t.Error("a command ran without a model")
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"since 12:00:01, for 12s", "since 13:10:59, for 1m05s", true},
		{"(task 7)", "(task 12)", true},
		{"2026-03-01 12:00:00 UTC", "2027-03-01 12:00:09 UTC", true},
		{"a    b\n", "a b   \n", true},
		{"! held for 9s,\n  and more\n", "! held for 10s, and\n  more\n", true},
		{"rolling-ops/1 runs", "rolling-ops/2 runs", false},
		{"1 of 5", "2 of 5", false},
		{"12:00:00  app/1  running\n12:00:02  rollout 1  2 of 2 done\n", "12:00:03  rollout 1  2 of 2 done\n", true},
		{"12:00:00  app/1  done\n12:00:02  rollout 1  2 of 2 done\n", "12:00:03  rollout 1  1 of 2 done\n", false},
	} {
		if Same(c.a, c.b) != c.want {
			t.Errorf("%q, %q: want %t", c.a, c.b, c.want)
		}
	}
}
