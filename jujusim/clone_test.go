package jujusim

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestClone: a clone is in the same state, goes the same way when the same is
// done to it, and is not touched by what is done to the original.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		charm, err := ParseCharm([]byte(probeMetadata), []byte(probeConfig), []byte(probeActions))
		if err != nil {
			t.Fatal(err)
		}
		m := New(charm, Options{AutoElect: true, LostDepartures: true})
		m.AddUnit()
		m.AddUnit()
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
