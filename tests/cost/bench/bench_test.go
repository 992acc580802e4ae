package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rolling-ops/jujusim/agent"
	"rolling-ops/tests/product"
)

// The test program is also the hook tools of the models in it.
func TestMain(m *testing.M) {
	if agent.IsTool(os.Args[0]) {
		// Not os.Exit, at which go test -cover writes a line to stderr.
		syscall.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// charm makes the project's charm.
func charm(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := product.Charm(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// All questions, answered for the charm's real programs over each transport.
func TestRun(t *testing.T) {
	dir := charm(t)
	for _, mode := range []string{"socket", "programs"} {
		t.Run(mode, func(t *testing.T) {
			o := Options{
				CharmDirs: []string{dir, dir}, Env: []string{"ROLLINGOPS_HOOK_TOOLS=" + mode, "GORACE=atexit_sleep_ms=0"},
				HookSizes: []int{4}, RollSizes: []int{3, 1000}, Runs: 3, Limit: time.Minute,
			}
			if err := o.Check(); err != nil {
				t.Fatal(err)
			}
			report, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Charms {
				checkCharm(t, c)
			}
			var out bytes.Buffer
			if err := report.WriteTables(&out); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"| follower's no-op ", "| 3     | rolling-ops ", "A roll of 1000 units of rolling-ops was left out"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("tables lack %q:\n%s", want, &out)
				}
			}
		})
	}
}

func checkCharm(t *testing.T, c *CharmReport) {
	t.Helper()
	calls := map[string]int{}
	for _, h := range c.Hooks {
		calls[h.Name] = slices.Max(h.Calls)
		if len(h.Wall) != 3 || h.Wall.Min() <= 0 || h.CPU.Min() <= 0 || h.Start.Min() <= 0 || h.Memory < 1<<20 || slices.Min(h.Bytes) <= 0 {
			t.Errorf("not measured: %+v", h)
		}
	}
	if calls[FollowerNoOp] != 3 || calls[LeaderHeld] != 6 || calls[Grant] < calls[LeaderHeld] || calls[AttemptHook] < 5 {
		t.Errorf("hook-tool calls: %v", calls)
	}
	if len(c.Retries) != retryCount {
		t.Errorf("%d retries", len(c.Retries))
	}
	if len(c.Rolls) != 2 || c.Rolls[1].TooLong == 0 {
		t.Fatalf("rolls: %+v", c.Rolls)
	}
	if r := c.Rolls[0]; r.Hooks < 20 || r.Events < 15 || r.Calls < 100 || len(r.HandOvers) != 2 || r.CPU <= 0 || r.Elapsed <= 0 {
		t.Errorf("roll: %+v", r)
	}
}

// A charm that does not do what is measured is not measured.
func TestUselessCharm(t *testing.T) {
	for _, test := range []struct{ name, dispatch, want string }{
		{"does nothing", "true", "has written nothing"},
		{"fails", "echo no idea; false", "exited with 1"},
		{"queues and never grants", `case $JUJU_DISPATCH_PATH in actions/*) relation-set -r restart:0 state=request;; esac`, "should have granted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"metadata.yaml": "name: useless\nsummary: s\ndescription: d\npeers:\n  restart: {interface: rolling_op}\n",
				"actions.yaml":  "restart: {params: {delay: {type: number}}}\n",
				"dispatch":      "#!/bin/sh\n" + test.dispatch + "\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Run(t.Context(), Options{CharmDirs: []string{dir}, HookSizes: []int{3}, Runs: 3})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// A worker's call counts from when its hook began, however late the driver gets
// to look for it.
func TestNextWake(t *testing.T) {
	r := &Rig{wakes: make(chan wakeCall, 2), active: map[string]moment{}, children: 1}
	now := time.Now()
	call := func(unit string, begun, after time.Duration) {
		r.active[unit] = moment{begun, now.Add(-time.Hour)}
		r.wakes <- wakeCall{unit: unit, at: now.Add(-time.Hour + after), done: make(chan int, 1)}
	}
	call("app/1", 3*time.Second, 20*time.Millisecond)
	call("app/0", time.Second, 10*time.Millisecond)
	for _, test := range []struct {
		until time.Duration
		want  string
		at    time.Duration
	}{
		{time.Second, "", 0},
		{2 * time.Second, "app/0", 1010 * time.Millisecond},
		{2 * time.Second, "", 0},
		{forever, "app/1", 3020 * time.Millisecond},
		{forever, "", 0},
	} {
		wake, ok := r.NextWake(t.Context(), test.until)
		if wake.Unit != test.want || wake.At != test.at || ok != (test.want != "") {
			t.Errorf("until %v: got %q at %v, want %q at %v", test.until, wake.Unit, wake.At, test.want, test.at)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, Options{CharmDirs: []string{charm(t)}, HookSizes: []int{3}, Runs: 3, Limit: time.Minute})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	valid := Options{CharmDirs: []string{"."}, Runs: 3}
	if err := valid.Check(); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]Options{
		"no charm":        {Runs: 3},
		"two units":       {CharmDirs: []string{"."}, Runs: 3, HookSizes: []int{2}},
		"roll of nothing": {CharmDirs: []string{"."}, Runs: 3, RollSizes: []int{0}},
		"one run":         {CharmDirs: []string{"."}, Runs: 1},
	} {
		if o.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSamples(t *testing.T) {
	for _, test := range []struct {
		samples Samples
		want    string
	}{
		{nil, "-"},
		{Samples{3 * time.Millisecond}, "3.00/3.00/3.00"},
		{Samples{30 * time.Millisecond, time.Millisecond, 2 * time.Second}, "1.00/30.0/2000"},
	} {
		if got := test.samples.String(); got != test.want {
			t.Errorf("%v: got %s, want %s", []time.Duration(test.samples), got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := NewTable("Lengths.", "name", "m")
	table.Row("é", 1.5)
	table.Row("longest", 100)
	table.Note("By hand.")
	var out strings.Builder
	if _, err := table.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := `Lengths.

| name    |   m |
|---------|----:|
| é       | 1.5 |
| longest | 100 |

By hand.

`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
