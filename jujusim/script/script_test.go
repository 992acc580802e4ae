package script

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestSplit(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  # only a comment", nil},
		{"run all restart", []string{"run", "all", "restart"}},
		{"\ta  b\r", []string{"a", "b"}},
		{`a "b c" 'd e'`, []string{"a", "b c", "d e"}},
		{`a '' ""`, []string{"a", "", ""}},
		{`k="v w"'x'`, []string{"k=v wx"}},
		{`"a\"b\\" 'a\b' a\ b`, []string{`a"b\`, `a\b`, "a b"}},
		{"a#b # c", []string{"a#b"}},
		{"a '# b'", []string{"a", "# b"}},
	}
	for _, test := range tests {
		got, err := split(test.line)
		if err != nil {
			t.Errorf("%q: %v", test.line, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.line, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		line string
		want string
	}{
		{"restart all", `no step is called "restart"; there are: deploy, principals, add-unit`},
		{"!", "no step after '!'"},
		{"run 'all", "unfinished quote '"},
		{`run all\`, "unfinished escape"},
		{"run all", "run is not complete; usage: run UNITS ACTION"},
		{"run all restart &&", `"&&" is not KEY=VALUE`},
		{"run All restart", `"All" is no unit: app/0, leader or follower, all, followers`},
		{"run all restart delay=[", "value of delay"},
		{"elect all", `"all" is no unit`},
		{"elect gate/0 gate/1", `elect does not take "gate/1"`},
		{"elect gate/0 --force", "elect has no flag --force"},
		{"kill-hook gate/0,gate/1", "only one unit"},
		{"principals", "principals is not complete"},
		{"principals Kafka=2", `"Kafka" is no name of an application`},
		{"principals kafka=0", `"0" is no number of units`},
		{"add-unit kafka many", `"many" is no number of units`},
		{"add-unit 2 3", `"2" is no name of an application`},
		{"remove-relation kafka/0", `"kafka/0" is no name of an application`},
		{"deploy many", `"many" is no number of units`},
		{"deploy 0", `"0" is no number of units`},
		{"config a", `"a" is not KEY=VALUE`},
		{"sleep long", `"long" is no time such as 30s`},
		{"wait", "wait is not complete"},
		{"wait forever", `no condition is called "forever"`},
		{"wait idle 3 4", `wait does not take "4"`},
		{"wait idle soon", `"soon" is no time`},
		{"wait status all", "the condition is not complete"},
		{"expect status all active x y", `expect does not take "y"`},
		{"expect status all active (", "no regular expression"},
		{"expect units x", `"x" is no number`},
		{"expect databag application k v", `"application" is no unit`},
		{"set-databag gate/0 key", "set-databag is not complete"},
	}
	for _, test := range tests {
		_, err := Parse("x.txt", strings.NewReader("# one\n"+test.line+"\n"))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "x.txt:2: cannot parse: ") {
			t.Errorf("%q: got %v, want %s", test.line, err, test.want)
		}
	}
}

func TestParseReportsEveryLine(t *testing.T) {
	_, err := Parse("x.txt", strings.NewReader("a\ndeploy\nb\n"))
	if err == nil || !strings.Contains(err.Error(), "x.txt:1:") || !strings.Contains(err.Error(), "x.txt:3:") {
		t.Errorf("got %v", err)
	}
}

func TestHelpNamesEveryStep(t *testing.T) {
	var help strings.Builder
	if err := Help(&help); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if c.help == "" || !strings.Contains(help.String(), c.usage()) {
			t.Errorf("no help for %q", c.usage())
		}
	}
}

// gate is the charm in agent's testdata.
const gate = "../agent/testdata/charm"

// subordinate is a copy of it that is a subordinate charm.
func subordinate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(gate)); err != nil {
		t.Fatal(err)
	}
	metadata, err := os.ReadFile(gate + "/metadata.yaml")
	if err != nil {
		t.Fatal(err)
	}
	metadata = append(metadata, "\nsubordinate: true\nrequires: {host: {interface: juju-info, scope: container}}\n"...)
	if err := os.WriteFile(filepath.Join(dir, "metadata.yaml"), metadata, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// play runs a script on a new model of two units of the charm gate.
func play(t *testing.T, text string) (string, error) {
	t.Helper()
	return playOn(t, gate, 2, text)
}

func playOn(t *testing.T, charm string, units int, text string) (string, error) {
	t.Helper()
	steps, err := Parse("x.txt", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cluster, err := agent.New(agent.Options{
		CharmDir: charm,
		Dir:      dir,
		// See package agent's tests for the second.
		Env:        []string{"GATE_STATE={unit-dir}/state", "GORACE=atexit_sleep_ms=0"},
		RetryDelay: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out strings.Builder
	runErr := Run(ctx, cluster, append(Deployment(units), steps...), "../agent/testdata", &out)
	if _, err := cluster.Close(); err != nil {
		t.Error(err)
	}
	return out.String(), runErr
}

// Scripts in testdata are played as they are; the output of the steps follows
// in the same file.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := play(t, string(text)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestSubordinate(t *testing.T) {
	text, err := os.ReadFile("testdata/subordinate/principals.txt")
	if err != nil {
		t.Fatal(err)
	}
	out, err := playOn(t, subordinate(t), 0, string(text))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{"  postgresql/2 with gate/2\n", "gate/3* on kafka/0  idle"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestRunSaysWhere(t *testing.T) {
	tests := []struct {
		script string
		want   string
	}{
		{"\nrun gate/0 refuse", `^x\.txt:2: run gate/0 refuse: refuse on gate/0 failed: as asked$`},
		{"run gate/9 greet", `there is no unit gate/9; there are: gate/0, gate/1$`},
		{"run all nap", `action "nap"`},
		{"! run all greet", `this had to fail and did not$`},
		{"expect status gate/1 blocked", `gate/1 is active: "ready hello"$`},
		{"expect leader gate/1", `gate/0 leads$`},
		{"expect units 3", `there are 2 units$`},
		{"wait status all blocked 10ms", `time is up: gate/0 is active`},
		{"wait running gate/0 hold 10ms", `time is up: gate/0 runs ""$`},
		{"run gate/0 hold &\nwait idle 50ms", `x\.txt:2: .*not|time is up: gate/0 (runs|has to run) actions/hold$`},
		{"juju-exec gate/0 'exit 4'", `exit code 4$`},
		{"kill-worker gate/0", `no process in the background$`},
		{"hang gate/0", `gate/0 runs none$`},
		{"refresh nowhere", `cannot use charm`},
		{"principals kafka", `charm gate is not subordinate`},
		{"remove-relation kafka", `there is none with "kafka"`},
		{"boot gate/0", `it is not down`},
		{"reboot gate/0 --stay-down\nreboot gate/0", `x\.txt:2: .* it is down`},
	}
	for _, test := range tests {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			_, err := play(t, test.script)
			if err == nil || !regexp.MustCompile(test.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestRunShows(t *testing.T) {
	out, err := play(t, `run gate/0,gate/1 greet name="you all"
status
show-unit follower
! juju-exec leader "echo out; exit 1"`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"> deploy 2\n> wait idle\n",
		"  gate/0 greet: completed\n    greeting you all\n    reply: hello you all\n",
		"  gate/1 greet: completed\n",
		"  UNIT     AGENT  STATE  LOCK  QUEUE  STATUS  MESSAGE\n  gate/0*  idle",
		"  gate/1:\n    leader: false\n",
		"  out\n  fails as it should: exit code 1\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
