package charm

import (
	"strings"
	"testing"
)

// beside has the local unit lead a subordinate application of four units.
func beside(t *testing.T) (*machine, *juju) {
	m, j := newMachine(), newJuju(t, 4)
	j.leader = true
	j.principals = []string{"shard-one/0", "shard-one/1", "shard-two/0", "shard-two/7"}
	for i, principal := range []string{"shard-one/0", "shard-two/0", "shard-one/1", "shard-two/7"} {
		j.units["rolling-ops/"+string(rune('0'+i))]["rollingops-principal"] = principal
	}
	return m, j
}

func handleBeside(t *testing.T, m *machine, j *juju, name string) {
	t.Helper()
	event := hookOf(t, name)
	event.Principal = "shard-one/0"
	if err := charmOn(m, j).Handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

// Operators name units by what they are beside.
func TestUnitsByPrincipal(t *testing.T) {
	for _, test := range []struct{ units, want, failed string }{
		{"shard-two/7", "3", ""},
		{"shard-two", "3,1", ""},
		{"shard-one, shard-two", "2,0,3,1", ""}, // the leader last of its application
		{"shard-one/1,0", "2,0", ""},
		{"rolling-ops/3,rolling-ops/1", "3,1", ""},
		{"rolling-ops/0-rolling-ops/2", "0-2", ""},
		{"0-3", "0-3", ""},
		{"shard-three", "", `cannot use "units": no unit of rolling-ops is beside "shard-three"; it is a list such as 4,2,0 or 0-4`},
		{"shard-one/9", "", `cannot use "units": no unit of rolling-ops is beside "shard-one/9"; it is a list such as 4,2,0 or 0-4`},
		{"shard-one,0", "", `cannot use "units": unit 0 is named twice`},
	} {
		t.Run(test.units, func(t *testing.T) {
			m, j := beside(t)
			j.params = map[string]any{"units": test.units}
			handleBeside(t, m, j, "action start-rollout")
			if !strings.HasPrefix(j.failed, test.failed) || (j.failed == "") != (test.failed == "") {
				t.Fatalf("failed with %q", j.failed)
			}
			if got := j.app["rollingops-rollout"]; test.want != "" && !strings.Contains(got, `"units":"`+test.want+`"`) {
				t.Errorf("record %s", got)
			}
		})
	}
}

// Units are shown with what they are beside.
func TestUnitsAreShownWithTheirPrincipals(t *testing.T) {
	m, j := beside(t)
	j.params = map[string]any{}
	handleBeside(t, m, j, "action start-rollout")
	if got := j.statuses[len(j.statuses)-1]; got != "active Rollout 1: 0/4 done, waits for rolling-ops/3 on shard-two/7" {
		t.Errorf("status %q", got)
	}
	handleBeside(t, m, j, "action show-rollout")
	if got := j.results["text"]; !strings.Contains(got, "\nrolling-ops/2 on shard-one/1 waiting") {
		t.Errorf("text %s", got)
	}
	j.params = map[string]any{"format": "json"}
	handleBeside(t, m, j, "action show-rollout")
	if got := j.results["json"]; !strings.Contains(got, `{"unit":"rolling-ops/2","principal":"shard-one/1","phase":"waiting"`) {
		t.Errorf("json %s", got)
	}
}

// In a principal charm a name of nobody is said to be one.
func TestUnitsOfAPrincipalCharm(t *testing.T) {
	m, j := newMachine(), newJuju(t, 3)
	j.leader = true
	j.params = map[string]any{"units": "kafka"}
	handle(t, m, j, "action start-rollout")
	if want := `cannot use "units": no unit of rolling-ops is beside "kafka"; it is a list such as 4,2,0 or 0-4`; j.failed != want {
		t.Errorf("failed with %q", j.failed)
	}
}
