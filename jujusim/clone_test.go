package jujusim

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestClone: a clone is in the same state, goes the same way when the same is
// done to it, and is not touched by what is done to the original.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t, Options{AutoElect: true, LostDepartures: true})
		grow(m, 0)
		grow(m, 1)
		if err := settle(m); err != nil {
			t.Fatal(err)
		}
		for _, s := range rapid.SliceOfN(stepGenerator, 0, 100).Draw(t, "before") {
			s.apply(m)
		}
		still, twin := m.Clone(), m.Clone()
		before := m.AppendFingerprint(nil)
		if !bytes.Equal(before, still.AppendFingerprint(nil)) {
			t.Fatal("a clone differs from the original")
		}
		for i, s := range rapid.SliceOfN(stepGenerator, 0, 100).Draw(t, "after") {
			s.apply(m)
			s.apply(twin)
			if !bytes.Equal(m.AppendFingerprint(nil), twin.AppendFingerprint(nil)) {
				t.Fatalf("a clone goes another way at step %d, %v", i, s)
			}
		}
		if !bytes.Equal(before, still.AppendFingerprint(nil)) {
			t.Fatal("what was done to the original changed a clone")
		}
	})
}

// TestEveryFieldIsKnown: whoever adds a field to what a model consists of decides
// here how Clone and AppendFingerprint treat it. A field that either forgets
// weakens, unseen, what is proven with them.
func TestEveryFieldIsKnown(t *testing.T) {
	known := []struct {
		of     any
		fields string
	}{
		{Model{}, "opts now tell charm revision app leader promise config appStatus relations units " +
			"principalApps principals done nextUnit nextAction nextExec nextContext"},
		{principalApp{}, "name next host since"},
		{principal{}, "app name unit dying since"},
		{relation{}, "id key endpoint remote ends app written bags"},
		{bag{}, "unit data inScope"},
		{membership{}, "watched inScope created changedPending app peers"},
		{view{}, "unit joined gone dirty held missed cache"},
		{unit{}, "name num principal host charm revision down dying installed started stopped rebooted boots leftPrincipal accepted " +
			"configChanged updateStatus queued failed retries notBefore actions execs state status statusSet version ports rels hook"},
		{queuedAction{}, "id name params started results failed message log"},
		{queuedExec{}, "id command"},
		{Hook{}, "m u run seq over minion reboot calls rels config state dirty opened closed action"},
		{hookRelation{}, "own ownChanges app appChanges appDirty appSeen others"},
		{Run{}, "Unit Kind Name Endpoint RelationID RemoteUnit RemoteApp DepartingUnit ID Params Command Attempt NotBefore " +
			"step requeued"},
	}
	for _, k := range known {
		kind := reflect.TypeOf(k.of)
		var fields []string
		for i := range kind.NumField() {
			fields = append(fields, kind.Field(i).Name)
		}
		if diff := cmp.Diff(strings.Fields(k.fields), fields); diff != "" {
			t.Errorf("see to clone.go and fingerprint.go for what has changed in %v, then list it here:\n%s", kind, diff)
		}
	}
}

// TestFingerprintTellsApart: each of these makes another state of the same one.
func TestFingerprintTellsApart(t *testing.T) {
	tool := func(args ...string) func(*Model) {
		return func(m *Model) { m.Hook("probe/0").Tool(args[0], args[1:], nil, false) }
	}
	changes := map[string]func(*Model){
		"nothing":       func(m *Model) {},
		"leader":        func(m *Model) { m.SetLeader("probe/1") },
		"promise":       tool("is-leader"),
		"write":         tool("relation-set", "-r", "0", "a=1"),
		"other write":   tool("relation-set", "-r", "0", "a=2"),
		"app write":     tool("relation-set", "--app", "-r", "0", "a=1"),
		"read":          tool("relation-get", "-r", "0", "-", "probe/1"),
		"status":        tool("status-set", "active"),
		"state":         tool("state-set", "a=1"),
		"port":          tool("open-port", "80"),
		"config read":   tool("config-get"),
		"action":        func(m *Model) { m.EnqueueAction("probe/1", "restart", nil) },
		"other action":  func(m *Model) { m.EnqueueAction("probe/1", "restart", map[string]any{"delay": 2}) },
		"exec":          func(m *Model) { m.EnqueueExec("probe/1", "x") },
		"update-status": func(m *Model) { m.UpdateStatus("probe/1") },
		"config":        func(m *Model) { m.SetConfig(map[string]string{"service": "x"}) },
		"hold":          func(m *Model) { m.Hold("probe/1", "restart", "probe/0") },
		"repeat":        func(m *Model) { m.Redeliver("probe/1", "restart", "probe/0") },
		"drop":          func(m *Model) { m.Redeliver("probe/1", "restart", "probe/0"); m.DropEvents("probe/1") },
		"finish":        func(m *Model) { m.Hook("probe/0").Finish(0) },
		"fail":          func(m *Model) { m.Hook("probe/0").Finish(1) },
		"stop":          func(m *Model) { m.StopAgent("probe/1") },
		"remove":        func(m *Model) { m.RemoveUnit("probe/1", false) },
		"vanish":        func(m *Model) { m.RemoveUnit("probe/1", true) },
		"add":           func(m *Model) { m.AddUnit() },
		"reboot later":  tool("juju-reboot"),
		"reboot now":    tool("juju-reboot", "--now"),
		"reboot":        func(m *Model) { m.Reboot("probe/0") },
	}
	base := newModel(t, 2, Options{})
	if err := base.UpdateStatus("probe/0"); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Begin("probe/0"); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, name := range sortedKeys(changes) {
		m := base.Clone()
		changes[name](m)
		print := string(m.AppendFingerprint(nil))
		if other, ok := seen[print]; ok {
			t.Errorf("%q and %q have the same fingerprint", name, other)
		}
		seen[print] = name
	}
}

// TestFingerprintOfPrincipals: the same, of a subordinate application.
func TestFingerprintOfPrincipals(t *testing.T) {
	base := New(parsed(t, subordinateMetadata), Options{AutoElect: true})
	for _, app := range []string{"kafka", "kafka", "postgresql"} {
		if _, _, err := base.AddPrincipalUnit(app); err != nil {
			t.Fatal(err)
		}
	}
	if err := settle(base); err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(*Model){
		"nothing":         func(m *Model) {},
		"add":             func(m *Model) { m.AddPrincipalUnit("kafka") },
		"add to another":  func(m *Model) { m.AddPrincipalUnit("postgresql") },
		"remove":          func(m *Model) { m.RemovePrincipalUnit("kafka/0", false) },
		"remove another":  func(m *Model) { m.RemovePrincipalUnit("kafka/1", false) },
		"by force":        func(m *Model) { m.RemovePrincipalUnit("kafka/0", true) },
		"remove relation": func(m *Model) { m.RemoveRelation("kafka") },
		"all of another":  func(m *Model) { m.RemoveRelation("postgresql") },
		"remove both":     func(m *Model) { m.RemovePrincipalUnit("kafka/0", false); m.RemovePrincipalUnit("kafka/1", false) },
		"leaves":          func(m *Model) { m.RemovePrincipalUnit("kafka/0", false); m.Begin("probe/0") },
	}
	seen := map[string]string{}
	for _, name := range sortedKeys(changes) {
		m := base.Clone()
		changes[name](m)
		print := string(m.AppendFingerprint(nil))
		if other, ok := seen[print]; ok {
			t.Errorf("%q and %q have the same fingerprint", name, other)
		}
		seen[print] = name
	}
}

// TestFingerprintForgets: the same state by two ways has one fingerprint.
func TestFingerprintForgets(t *testing.T) {
	now := time.Unix(0, 0)
	a := newModel(t, 2, Options{Now: func() time.Time { return now }})
	b := a.Clone()
	for range 3 {
		if _, err := b.EnqueueAction("probe/0", "restart", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.EnqueueExec("probe/0", "x"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		if err := settle(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.AppendFingerprint(nil), b.AppendFingerprint(nil)) {
		t.Error("actions and commands that are over count")
	}
}
