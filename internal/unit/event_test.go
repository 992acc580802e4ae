package unit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// variables is an environment, of NAME=VALUE; a later one counts.
func variables(entries ...string) func(string) string {
	env := map[string]string{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestParseEvent(t *testing.T) {
	for _, test := range []struct {
		env  string
		want Event
	}{
		{"JUJU_DISPATCH_PATH=hooks/install", Event{Kind: Install, Name: "install"}},
		{"JUJU_DISPATCH_PATH=hooks/start", Event{Kind: Start, Name: "start"}},
		{"JUJU_DISPATCH_PATH=hooks/config-changed", Event{Kind: ConfigChanged, Name: "config-changed"}},
		{"JUJU_DISPATCH_PATH=hooks/upgrade-charm", Event{Kind: UpgradeCharm, Name: "upgrade-charm"}},
		{"JUJU_DISPATCH_PATH=hooks/leader-elected", Event{Kind: LeaderElected, Name: "leader-elected"}},
		{"JUJU_DISPATCH_PATH=hooks/update-status", Event{Kind: UpdateStatus, Name: "update-status"}},
		{"JUJU_DISPATCH_PATH=hooks/rollingops_lock_granted", Event{Kind: LockGranted, Name: "rollingops_lock_granted"}},
		{"JUJU_DISPATCH_PATH=hooks/stop", Event{Kind: Stop, Name: "stop"}},
		{"JUJU_DISPATCH_PATH=hooks/remove", Event{Kind: Remove, Name: "remove"}},

		{"JUJU_DISPATCH_PATH=/charm/hooks/start", Event{Kind: Start, Name: "start"}},
		{"JUJU_DISPATCH_PATH=./hooks/start", Event{Kind: Start, Name: "start"}},
		{"JUJU_DISPATCH_PATH=/charm/actions/restart", Event{Kind: Action, Name: "restart"}},
		{"JUJU_DISPATCH_PATH=actions/restart", Event{Kind: Action, Name: "restart"}},
		{"JUJU_DISPATCH_PATH=actions/install", Event{Kind: Action, Name: "install"}},
		{"JUJU_DISPATCH_PATH=actions/make-coffee", Event{Kind: Action, Name: "make-coffee"}},
		{"JUJU_DISPATCH_PATH=hooks/restart", Event{Kind: Unknown, Name: "restart"}},
		{"JUJU_DISPATCH_PATH=hooks/collect-metrics", Event{Kind: Unknown, Name: "collect-metrics"}},
		{"JUJU_DISPATCH_PATH=hooks/other-relation-changed", Event{Kind: Unknown, Name: "other-relation-changed"}},

		{"JUJU_DISPATCH_PATH=hooks/restart-relation-created JUJU_RELATION_ID=restart:0",
			Event{Kind: RelationCreated, Name: "restart-relation-created", RelationID: "restart:0"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-joined JUJU_RELATION_ID=restart:12",
			Event{Kind: RelationJoined, Name: "restart-relation-joined", RelationID: "restart:12"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-changed JUJU_RELATION_ID=restart:0 JUJU_DEPARTING_UNIT=a/1",
			Event{Kind: RelationChanged, Name: "restart-relation-changed", RelationID: "restart:0"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-changed JUJU_RELATION_ID=restart:0 JUJU_REMOTE_UNIT=rolling-ops/2",
			Event{Kind: RelationChanged, Name: "restart-relation-changed", RelationID: "restart:0", RemoteUnit: "rolling-ops/2"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-departed JUJU_RELATION_ID=restart:0 JUJU_DEPARTING_UNIT=rolling-ops/3",
			Event{Kind: RelationDeparted, Name: "restart-relation-departed", RelationID: "restart:0", DepartingUnit: "rolling-ops/3"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-departed JUJU_RELATION_ID=restart:0",
			Event{Kind: RelationDeparted, Name: "restart-relation-departed", RelationID: "restart:0"}},
		{"JUJU_DISPATCH_PATH=hooks/start JUJU_PRINCIPAL_UNIT=postgresql/0", Event{Kind: Start, Name: "start", Principal: "postgresql/0"}},
		{"JUJU_DISPATCH_PATH=hooks/restart-relation-broken JUJU_RELATION_ID=restart:0",
			Event{Kind: RelationBroken, Name: "restart-relation-broken", RelationID: "restart:0"}},
	} {
		t.Run(test.env, func(t *testing.T) {
			env := append([]string{"JUJU_UNIT_NAME=rolling-ops/0", "JUJU_CHARM_DIR=/charm"}, strings.Fields(test.env)...)
			got, err := ParseEvent(variables(env...), "restart")
			if err != nil {
				t.Fatal(err)
			}
			test.want.Unit, test.want.CharmDir = "rolling-ops/0", "/charm"
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseEventErrors(t *testing.T) {
	long := strings.Repeat("a", 5000)
	for _, test := range []struct{ change, want string }{
		{"JUJU_DISPATCH_PATH=", "JUJU_DISPATCH_PATH is not set"},
		{"JUJU_DISPATCH_PATH=start", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=hooks/", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=hooks/..", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=hooks/a b", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=other/start", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=hooks/" + long, "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_DISPATCH_PATH=/" + long + "/hooks/start", "JUJU_DISPATCH_PATH is invalid"},
		{"JUJU_UNIT_NAME=", "JUJU_UNIT_NAME is not set"},
		{"JUJU_UNIT_NAME=rolling-ops", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=rolling-ops/", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=rolling-ops/01", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=rolling-1/0", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=0/0", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=../0", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=a/0/../1", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_UNIT_NAME=" + long + "/0", "JUJU_UNIT_NAME is invalid"},
		{"JUJU_CHARM_DIR=", "JUJU_CHARM_DIR is not set"},
		{"JUJU_CHARM_DIR=charm", "JUJU_CHARM_DIR is invalid"},
		{"JUJU_RELATION_ID=", "JUJU_RELATION_ID is not set"},
		{"JUJU_RELATION_ID=restart", "JUJU_RELATION_ID is invalid"},
		{"JUJU_RELATION_ID=db:0", "JUJU_RELATION_ID is invalid"},
		{"JUJU_RELATION_ID=restart:-r", "JUJU_RELATION_ID is invalid"},
		{"JUJU_RELATION_ID=restart:12345678901", "JUJU_RELATION_ID is invalid"},
		{"JUJU_DEPARTING_UNIT=rolling-ops", "JUJU_DEPARTING_UNIT is invalid"},
		{"JUJU_PRINCIPAL_UNIT=postgresql", "JUJU_PRINCIPAL_UNIT is invalid"},
	} {
		t.Run(test.change[:min(50, len(test.change))], func(t *testing.T) {
			_, err := ParseEvent(variables(
				"JUJU_DISPATCH_PATH=hooks/restart-relation-departed", "JUJU_UNIT_NAME=rolling-ops/0",
				"JUJU_CHARM_DIR=/charm", "JUJU_RELATION_ID=restart:0", test.change), "restart")
			if err == nil || !strings.HasPrefix(err.Error(), "cannot tell the event: "+test.want) {
				t.Errorf("got %v", err)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// FuzzParseEvent checks that whatever the environment holds, an event that is
// accepted names things that are safe to use in paths and arguments.
func FuzzParseEvent(f *testing.F) {
	f.Add("hooks/restart-relation-departed", "rolling-ops/0", "/charm", "restart:0", "rolling-ops/1")
	f.Add("actions/restart", "a/1", "/", "", "")
	f.Add("/x/../hooks/start", "a1-b2/10", "/charm dir", "restart:x", "a/b")
	f.Add("hooks/\x00", "é/0", "charm\x00", "restart:", "-/0")
	f.Fuzz(func(t *testing.T, dispatch, unit, dir, relation, departing string) {
		event, err := ParseEvent(variables("JUJU_DISPATCH_PATH="+dispatch, "JUJU_UNIT_NAME="+unit,
			"JUJU_CHARM_DIR="+dir, "JUJU_RELATION_ID="+relation, "JUJU_DEPARTING_UNIT="+departing), "restart")
		if err != nil {
			if event != (Event{}) {
				t.Errorf("an event besides the error: %+v", event)
			}
			return
		}
		for _, name := range []string{event.Name, event.Unit, event.RelationID, event.DepartingUnit} {
			if strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\x00 \n\"'\\$") || len(name) > 255 {
				t.Errorf("accepted %q", name)
			}
		}
		if strings.Count(event.Unit, "/") != 1 || strings.Contains(event.Name, "/") || !strings.HasPrefix(event.CharmDir, "/") {
			t.Errorf("accepted %+v", event)
		}
	})
}
