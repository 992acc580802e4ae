package fidelity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const table = `
| Where | Simulated | Real | Why |
| --- | --- | --- | --- |
| tools ` + "`is-leader`" + ` | ` + "`True`" + ` | ` + "`yes, …`<br>`exit 1`" + ` | this is why |
| order |  | ` + "`hooks/more`" + ` | one more |
| order ` + "`# twice` `goal-state`" + ` |  | ` + "`a`<br>`a`" + ` | twice |
| never | ` + "`a`" + ` |  | a row that nothing needs |

More text.
`

func TestDifferences(t *testing.T) {
	rows, err := Differences(table)
	if err != nil {
		t.Fatal(err)
	}
	want := []Difference{
		{Scenario: "tools", Command: "is-leader", Simulated: []string{"True"}, Real: []string{"yes, …", "exit 1"}, Reason: "this is why"},
		{Scenario: "order", Real: []string{"hooks/more"}, Reason: "one more"},
		{Scenario: "order", Heading: "twice", Command: "goal-state", Real: []string{"a", "a"}, Reason: "twice"},
		{Scenario: "never", Simulated: []string{"a"}, Reason: "a row that nothing needs"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Fatal(diff)
	}
	listed := NewTable(rows)
	for _, test := range []struct{ scenario, simulated, real, want string }{
		{"tools", "a\nb\n", "a\nb\n", ""},
		{"tools", "$ is-leader --x\n  True\n$ other\n", "$ is-leader --x\n  yes, it is\n  exit 1\n$ other\n", ""},
		{"tools", "$ is-leader\n  True\n$ other\n", "$ is-leader\n  True\n$ other\n  exit 1\n", "tools |  | other | only real:   exit 1\n"},
		{"tools", "$ is-leader\n  False\n", "$ is-leader\n  yes, no\n", "tools |  | is-leader | only simulated:   False\n"},
		{"order", "# first\nhooks/a\n", "# first\nhooks/more\nhooks/a\n", ""},
		{"order", "# first\nhooks/a\nhooks/b\n", "# first\nhooks/b\nhooks/a\n", "order | first |  | only simulated: hooks/a\norder | first |  | only real: hooks/a\n"},
		{"events", "", "hooks/more\n", "events |  |  | only real: hooks/more\n"},
		{"order", "# first\n", "# first\nhooks/more\nhooks/more\n", "order | first |  | only real: hooks/more\n"},
		{"order", "# first\n# second\n", "# first\nhooks/more\n# second\nhooks/more\n", ""},
		{"order", "# twice\n$ goal-state\n", "# twice\n$ goal-state\na\na\na\n", "order | twice | goal-state | only real: a\n"},
		{"order", "# twice\n$ goal-state\nx/1 heard:\n", "# twice\n$ goal-state\nx/1 heard:\na\n", "order | twice |  | only real: a\n"},
		{"order", "# once\n$ goal-state\n", "# once\n$ goal-state\na\n", "order | once | goal-state | only real: a\n"},
		{"tools", "$ network-get restart\n  - a\n", "$ network-get restart\n    - a\n", ""},
		{"tools", "$ config-get\n  - a\n", "$ config-get\n    - a\n", "tools |  | config-get | only simulated:   - a\ntools |  | config-get | only real:     - a\n"},
	} {
		if diff := cmp.Diff(test.want, listed.Compare(test.scenario, test.simulated, test.real)); diff != "" {
			t.Errorf("%s %q %q: %s", test.scenario, test.simulated, test.real, diff)
		}
	}
	if diff := cmp.Diff(want[3:], listed.Unmet()); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "\n| Where | Simulated | Real | Why |\n| a | b |\n"} {
		if _, err := Differences(bad); err == nil {
			t.Errorf("no error from %q", bad)
		}
	}
}

func TestWithoutEvents(t *testing.T) {
	got := WithoutEvents("x/0 heard:\nhooks/a unit=x/1\n$ tool\n  hooks/b\nactions/do\njuju-exec\njuju-exec is\n")
	if want := "x/0 heard:\n$ tool\n  hooks/b\njuju-exec is\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNormalize: what differs from one deployment to the next is replaced.
func TestNormalize(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"since: 2026-11-23 01:02:03Z", "since: TIME"},
		{"JUJU_CHARM_DIR=/var/lib/juju/agents/unit-rolling-ops-0/charm", "JUJU_CHARM_DIR=AGENTS/0/charm"},
		{"JUJU_CONTEXT_ID=rolling-ops/0-restart-relation-changed-0123456789abcdef", "JUJU_CONTEXT_ID=rolling-ops/0-restart-relation-changed-ID"},
		{"JUJU_VERSION=4.1-beta2", "JUJU_VERSION=VALUE"},
		{"PATH=/a:/b:/c", "PATH=TOOLS:..."},
		{"10.0.0.1/32 and 10.88.0.7", "ADDRESS and ADDRESS"},
		{"JUJU_ACTION_TAG=action-17", "JUJU_ACTION_TAG=action-N"},
	} {
		if got := normalize(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
