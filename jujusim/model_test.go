package jujusim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// newModel returns a model of n units that have settled.
func newModel(t testing.TB, n int, opts Options) *Model {
	t.Helper()
	opts.AutoElect = true
	m := New(probe(t), opts)
	for range n {
		m.AddUnit()
	}
	if err := settle(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// settle finishes what runs and then runs all that waits.

func settle(m *Model) error {
	for range 10_000 {
		idle := true
		for _, unit := range m.Units() {
			h := m.Hook(unit)
			if h == nil {
				var err error
				if h, err = m.Begin(unit); errors.Is(err, ErrIdle) || errors.Is(err, ErrAgentDown) {
					continue
				} else if err != nil {
					return err
				}
			}
			idle = false
			h.Finish(0) // a commit that is refused is retried
		}
		if idle {
			return nil
		}
	}
	return errors.New("never settles")
}

// step does one thing to a model. It names units and everything else by
// position, so that it does the same to a clone.

type step struct {
	What, Unit, Other, Value int
}

var stepGenerator = rapid.Custom(func(t *rapid.T) step {
	small := rapid.IntRange(0, 5)
	return step{
		What:  rapid.IntRange(0, 31).Draw(t, "what"),
		Unit:  small.Draw(t, "unit"),
		Other: small.Draw(t, "other"),
		Value: small.Draw(t, "value"),
	}
})

func (s step) apply(m *Model) {
	units := m.Units()
	if len(units) == 0 {
		grow(m, s.Other)
		return
	}
	unit, other := units[s.Unit%len(units)], units[s.Other%len(units)]
	h := m.Hook(unit)
	if h == nil && s.What < 16 {
		m.Begin(unit)
		return
	}
	key := fmt.Sprintf("k%d=%d", s.Other%3, s.Value)
	tool := func(args ...string) { h.Tool(args[0], args[1:], nil, false) }
	switch s.What {
	case 0, 1, 2, 3:
		tool("relation-set", "-r", "restart:0", key)
	case 4, 5:
		tool("relation-set", "--app", "-r", "restart:0", key)
	case 6:
		tool("relation-get", "-r", "restart:0", "-", other)
	case 7:
		tool("relation-get", "-r", "restart:0", "--app", "-", other)
	case 8:
		tool("status-set", "active", key)
	case 9:
		tool("state-set", key)
	case 10:
		tool("action-set", key)
	case 11:
		tool("open-port", fmt.Sprint(80+s.Value))
	case 12, 13, 14:
		h.Finish(0)
	case 15:
		h.Finish(s.Value)
	case 16:
		m.EnqueueExec(unit, "x")
	case 17:
		m.EnqueueAction(unit, "restart", nil)
	case 18:
		m.UpdateStatus(unit)
	case 19:
		m.SetLeader(unit)
	case 20:
		m.RestartAgent(unit)
	case 21:
		m.DropEvents(unit)
	case 22:
		m.Hold(unit, "restart", other)
	case 23:
		m.ReleaseAll(unit)
	case 24:
		m.Redeliver(unit, "restart", other)
	case 25:
		m.SetConfig(map[string]string{"retry-delay": fmt.Sprint(s.Value)})
	case 26:
		charm, _ := m.Charm()
		m.Refresh(charm)
	case 27:
		if len(units) < 5 {
			grow(m, s.Other)
		}
	case 28:
		info, _ := m.Unit(unit)
		switch {
		case info.Principal == "":
			m.RemoveUnit(unit, s.Value == 0)
		case s.Value == 1:
			m.RemoveRelation(appOf(info.Principal))
		default:
			m.RemovePrincipalUnit(info.Principal, s.Value == 0)
		}
	case 29:
		m.Reboot(unit)
		if s.Value > 0 {
			m.StartAgent(unit)
		}
	case 30, 31:
		if h == nil {
			return
		}
		if tool("juju-reboot"); s.What == 31 {
			tool("juju-reboot", "--now")
		}
		if h.Finish(0); s.Value > 0 {
			m.StartAgent(unit)
		}
	}
}

// grow adds a unit, to one of two principals if the charm is subordinate.
func grow(m *Model, which int) {
	if charm, _ := m.Charm(); charm.Subordinate {
		m.AddPrincipalUnit([]string{"kafka", "postgresql"}[which%2])
		return
	}
	m.AddUnit()
}

// drawModel is a model without units, of a charm that may be subordinate.
func drawModel(t *rapid.T, opts Options) *Model {
	metadata := rapid.SampledFrom([]string{probeMetadata, subordinateMetadata}).Draw(t, "metadata")
	charm, err := ParseCharm([]byte(metadata), []byte(probeConfig), []byte(probeActions))
	if err != nil {
		t.Fatal(err)
	}
	return New(charm, opts)
}

// TestPrincipalsAndUnits: whatever happens, each unit of a subordinate that is
// there has a principal that goal-state names, unless the relation to it is being
// removed; and a principal that has lost its unit while it was leaving is gone.
func TestPrincipalsAndUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		charm, err := ParseCharm([]byte(subordinateMetadata), []byte(probeConfig), []byte(probeActions))
		if err != nil {
			t.Fatal(err)
		}
		m := New(charm, Options{AutoElect: true})
		for _, s := range rapid.SliceOfN(stepGenerator, 0, 300).Draw(t, "steps") {
			s.apply(m)
			there := m.principalGoals()
			for _, unit := range m.Units() {
				info, _ := m.Unit(unit)
				if _, ok := there[info.Principal]; !ok && info.Life == "alive" {
					t.Fatalf("%s is there, but not its principal %q", unit, info.Principal)
				}
			}
			for _, p := range m.Principals() {
				if _, ok := m.Unit(p.Unit); !ok && (p.Life == "dying" || p.Unit != "") {
					t.Fatalf("%v waits for a unit that is gone", p)
				}
			}
		}
	})
}

// TestEverybodyLearns: whatever happened, once agents have restarted and all has
// run, each unit lists exactly the others and reads what they have committed.
func TestEverybodyLearns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t, Options{
			AutoElect:       true,
			LostDepartures:  rapid.Bool().Draw(t, "lost departures"),
			EarlyDepartures: rapid.Bool().Draw(t, "early departures"),
			QuietWriter:     rapid.Bool().Draw(t, "quiet writer"),
		})
		for i := range 3 {
			grow(m, i)
		}
		for _, s := range rapid.SliceOfN(stepGenerator, 0, 300).Draw(t, "steps") {
			s.apply(m)
		}
		// Twice: a unit may leave, unheard, while things settle.
		for range 2 {
			for _, unit := range m.Units() {
				if err := errors.Join(m.ReleaseAll(unit), m.RestartAgent(unit), m.StartAgent(unit)); err != nil {
					t.Fatal(err)
				}
			}
			if err := settle(m); err != nil {
				t.Fatal(err)
			}
		}
		for _, unit := range m.Units() {
			checkView(t, m, unit)
		}
	})
}

func checkView(t *rapid.T, m *Model, unit string) {
	if _, err := m.EnqueueExec(unit, "look"); err != nil {
		t.Fatal(err)
	}
	h, err := m.Begin(unit)
	if err != nil {
		t.Fatal(err)
	}
	others := slices.DeleteFunc(m.Units(), func(u string) bool { return u == unit })
	slices.Sort(others)
	if got := h.Members(0); !slices.Equal(got, others) {
		t.Errorf("%s lists %v, want %v", unit, got, others)
	}
	for _, other := range m.Units() {
		got, err := h.ReadUnit(0, other)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m.UnitDatabag(0, other), got); diff != "" {
			t.Errorf("%s reads an old databag of %s (-committed +read):\n%s", unit, other, diff)
		}
	}
	for i, r := range m.relations {
		var beside []string
		for _, p := range m.Principals() {
			if appOf(p.Name) == r.remote {
				beside = append(beside, p.Name)
			}
		}
		slices.Sort(beside)
		if got := h.Members(i); r.remote != "" && !r.ends && !slices.Equal(got, beside) {
			t.Errorf("%s lists %v in %s, want %v", unit, got, r.key, beside)
		}
	}
	if err := h.Finish(0); err != nil {
		t.Fatal(err)
	}
}

func TestObserver(t *testing.T) {
	var got []string
	m := newModel(t, 2, Options{Observer: func(e Event) {
		text := fmt.Sprintf("%s %s", e.Kind, e.Unit)
		if e.Run.Unit != "" {
			text += " " + e.Run.String()
		}
		if e.Kind == HookEnded {
			text += fmt.Sprintf(" exit=%d calls=%d writes=%v", e.Exit, e.Calls, e.Writes)
		}
		if e.Action != nil {
			text += " " + e.Action.Status
		}
		got = append(got, text)
	}})
	got = nil
	if _, err := m.EnqueueAction("probe/0", "restart", nil); err != nil {
		t.Fatal(err)
	}
	h, err := m.Begin("probe/0")
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range [][]string{
		{"relation-set", "-r", "0", "a=1"},
		{"relation-set", "-r", "0", "--app", "b=2", "c="},
		{"status-set", "active"},
		{"action-log", "half"},
		{"juju-log", "hello"},
	} {
		if r, err := h.Tool(call[0], call[1:], nil, false); err != nil || r.Code != 0 {
			t.Fatalf("%v: %v %s", call, err, r.Stderr)
		}
	}
	h.Output([]byte("done\n"), []byte{0xff})
	if err := h.Finish(0); err != nil {
		t.Fatal(err)
	}
	if err := m.SetLeader("probe/1"); err != nil {
		t.Fatal(err)
	}
	if err := m.RemoveUnit("probe/0", true); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"action-queued probe/0 action restart",
		"hook-began probe/0 action restart",
		"status-set probe/0",
		"action-logged probe/0 action restart",
		"logged probe/0 action restart",
		"hook-ended probe/0 action restart exit=0 calls=5 writes=[{restart:0 probe/0 map[a:1]} {restart:0  map[b:2]}]",
		"action-ended probe/0 completed",
		"leader-changed probe/1",
		"unit-gone probe/0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	result, _ := m.Action("1")
	wantResults := map[string]any{"return-code": 0, "stdout": "done\n", "stderr": "/w==", "stderr-encoding": "base64"}
	if diff := cmp.Diff(wantResults, result.Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestHookOver: a hook that is over does nothing any more.
func TestHookOver(t *testing.T) {
	for name, end := range map[string]func(m *Model, h *Hook) error{
		"finished": func(m *Model, h *Hook) error { return h.Finish(0) },
		"killed":   func(m *Model, h *Hook) error { return h.Kill() },
		"agent":    func(m *Model, h *Hook) error { return m.RestartAgent(h.Unit()) },
		"removed":  func(m *Model, h *Hook) error { return m.RemoveUnit(h.Unit(), true) },
	} {
		m := newModel(t, 2, Options{})
		if err := m.UpdateStatus("probe/0"); err != nil {
			t.Fatal(err)
		}
		h, err := m.Begin("probe/0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Begin("probe/0"); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: a second hook at a time: %v", name, err)
		}
		if err := end(m, h); err != nil {
			t.Fatal(err)
		}
		before := m.AppendFingerprint(nil)
		if _, err := h.Tool("relation-set", []string{"-r", "0", "a=1"}, nil, false); !errors.Is(err, ErrHookGone) {
			t.Errorf("%s: tool: %v", name, err)
		}
		_, err = h.ReadUnit(0, "probe/0")
		if err := errors.Join(err, h.WriteUnit(0, map[string]string{"a": "1"})); !errors.Is(err, ErrHookGone) {
			t.Errorf("%s: read and write: %v", name, err)
		}
		if err := h.Finish(0); !errors.Is(err, ErrHookGone) {
			t.Errorf("%s: finish: %v", name, err)
		}
		if err := h.Kill(); !errors.Is(err, ErrHookGone) {
			t.Errorf("%s: kill: %v", name, err)
		}
		if !bytes.Equal(before, m.AppendFingerprint(nil)) {
			t.Errorf("%s: the hook still changes the model", name)
		}
	}
}

// TestRefreshAddsRelation: an endpoint that a new revision brings is there once
// the unit runs that revision.
func TestRefreshAddsRelation(t *testing.T) {
	m := newModel(t, 2, Options{})
	next, err := ParseCharm([]byte(probeMetadata+"  ring: ring\n"), []byte(probeConfig), []byte(probeActions))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Refresh(next); err != nil {
		t.Fatal(err)
	}
	var got []string
	m.SetObserver(func(e Event) {
		if e.Kind == HookBegan && e.Unit == "probe/0" {
			got = append(got, e.Run.String())
		}
	})
	if err := settle(m); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"upgrade-charm", "config-changed", "ring-relation-created",
		"ring-relation-joined probe/1", "ring-relation-changed probe/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	other, err := ParseCharm([]byte("name: other"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Refresh(other); err == nil {
		t.Error("an application was refreshed to another charm")
	}
}

// TestOverwrite: data may come to a databag from outside of any hook; the other
// units hear of it.
func TestOverwrite(t *testing.T) {
	m := newModel(t, 2, Options{})
	if err := m.OverwriteUnitDatabag(0, "probe/1", map[string]string{"operations": "{"}); err != nil {
		t.Fatal(err)
	}
	run, _ := m.Next("probe/0")
	if got := run.String(); got != "restart-relation-changed probe/1" {
		t.Errorf("probe/0 gets %q", got)
	}
	if got := m.UnitDatabag(0, "probe/1")["operations"]; got != "{" {
		t.Errorf("the databag has %q", got)
	}
	if run, ok := m.Next("probe/1"); ok {
		t.Errorf("the unit itself gets %s", run)
	}
	for _, unit := range []string{"probe/9", ""} {
		if err := m.OverwriteUnitDatabag(0, unit, nil); err == nil {
			t.Errorf("unit %q has a databag", unit)
		}
	}
	if err := m.OverwriteUnitDatabag(7, "probe/0", nil); err == nil {
		t.Error("relation 7 exists")
	}
}
