package roll

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// charm is one with an operation that counts its runs and returns what it is
// told.
func charm(runs *int, result Result, fail error) Charm {
	return Charm{
		Name: "db", Relation: "peers", Status: Describe,
		Operations: map[string]Operation{"restart": func(context.Context, *Hook, Args) (Result, error) {
			*runs++
			return result, fail
		}},
		Handle: func(_ context.Context, h *Hook) error {
			if h.Event.Name == "config-changed" || h.Event.Action {
				_, err := h.Request(Request{Operation: "restart"})
				return err
			}
			return nil
		},
	}
}

func TestRoll(t *testing.T) {
	for _, test := range []struct {
		name      string
		result    Result
		err       error
		wantState string
		status    string
	}{
		{"well", Release, nil, "idle", "status-set active "},
		{"tried again", RetryRelease, nil, "retry-release", "status-set waiting Awaiting restart: attempt 1 failed"},
		{"held", RetryHold, nil, "retry-hold", "status-set waiting Awaiting restart: attempt 1 failed, others wait"},
		{"error", Release, errors.New("no"), "retry-release", "status-set waiting Awaiting restart: attempt 1 failed"},
		{"goes on", Continue, nil, "request", "status-set waiting Awaiting restart"},
	} {
		t.Run(test.name, func(t *testing.T) {
			j, runs := newJuju(t), 0
			c := charm(&runs, test.result, test.err)
			if err := Run(t.Context(), c, j.environment("hooks/config-changed")); err != nil {
				t.Fatal(err)
			}
			if state := j.units[local]["state"]; state != "request" || runs != 0 {
				t.Fatalf("after the request: state %q, %d runs", state, runs)
			}
			j.grant()
			j.calls = nil
			if err := Run(t.Context(), c, j.environment("hooks/peers-relation-changed")); err != nil {
				t.Fatal(err)
			}
			if state := j.units[local]["state"]; state != test.wantState || runs != 1 {
				t.Errorf("state %q, %d runs", state, runs)
			}
			if len(j.calls) != 1 || !strings.HasPrefix(j.calls[0], test.status) && j.calls[0] != strings.TrimSpace(test.status) {
				t.Errorf("calls %q, want %q", j.calls, test.status)
			}
		})
	}
}

func TestErrorsOfHandle(t *testing.T) {
	runs, j := 0, newJuju(t)
	c := charm(&runs, Release, nil)
	c.Handle = func(_ context.Context, h *Hook) error {
		if _, err := h.Request(Request{Operation: "restart"}); err != nil {
			t.Error(err)
		}
		return errors.New("out of tea")
	}
	if err := Run(t.Context(), c, j.environment("hooks/config-changed")); err == nil || err.Error() != "out of tea" {
		t.Errorf("hook: %v", err)
	}
	if len(j.units[local]) > 0 || len(j.calls) > 0 {
		t.Errorf("a failed hook wrote %v, %q", j.units[local], j.calls)
	}
	if err := Run(t.Context(), c, j.environment("actions/restart")); err != nil {
		t.Errorf("action: %v", err)
	}
	if len(j.calls) == 0 || j.calls[0] != "action-fail out of tea" {
		t.Errorf("calls %q", j.calls)
	}
}

// Nothing is queued where nothing would come of it.
func TestRequestErrors(t *testing.T) {
	var kept *Hook
	request := func(r Request) func(t *testing.T, j *juju) error {
		return func(t *testing.T, j *juju) (err error) {
			runs := 0
			c := charm(&runs, Release, nil)
			c.Handle = func(_ context.Context, h *Hook) error {
				kept = h
				_, err = h.Request(r)
				return nil
			}
			if runErr := Run(t.Context(), c, j.environment("hooks/start")); runErr != nil {
				t.Fatal(runErr)
			}
			return err
		}
	}
	for _, test := range []struct {
		name string
		do   func(t *testing.T, j *juju) error
		want string
	}{
		{"unknown", request(Request{Operation: "fly"}), `cannot request operation "fly": no such callback is registered`},
		{"no object", request(Request{Operation: "restart", Args: []int{1}}), `cannot request operation "restart": cannot use arguments: []int is no object in JSON`},
		{"no JSON", request(Request{Operation: "restart", Args: struct{ C chan int }{}}), `cannot request operation "restart": cannot use arguments: json: unsupported type`},
		{"negative", request(Request{Operation: "restart", Retries: new(-1)}), `cannot request operation "restart": `},
		{"no relation", func(t *testing.T, j *juju) error {
			j.noPeers = true
			return request(Request{Operation: "restart"})(t, j)
		}, ErrNoRelation.Error()},
		{"ended", func(*testing.T, *juju) error {
			_, err := kept.Request(Request{Operation: "restart"})
			return err
		}, `cannot request operation "restart": the hook has ended`},
		{"retry ended", func(*testing.T, *juju) error { _, err := kept.RetryNow(); return err }, "cannot retry now: the hook has ended"},
		{"discard ended", func(*testing.T, *juju) error { _, err := kept.DiscardQueue(); return err }, "cannot discard the queue: the hook has ended"},
		{"release ended", func(*testing.T, *juju) error { _, err := kept.ForceRelease(); return err }, "cannot release the lock: the hook has ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := newJuju(t)
			if err := test.do(t, j); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if len(j.units[local]) > 0 {
				t.Errorf("written: %v", j.units[local])
			}
		})
	}
}

// What a charm or its surroundings lack is said by name, before anything is asked.
func TestWhatIsMissingIsNamed(t *testing.T) {
	runs := 0
	whole := charm(&runs, Release, nil)
	for _, test := range []struct {
		want   string
		change func(*Charm, *Environment)
	}{
		{"roll.Charm: Name is empty", func(c *Charm, _ *Environment) { c.Name = "" }},
		{`roll.Charm: Name "../x" is no name of a charm`, func(c *Charm, _ *Environment) { c.Name = "../x" }},
		{"roll.Charm: Relation is empty", func(c *Charm, _ *Environment) { c.Relation = "" }},
		{"roll.Charm: Operations is empty", func(c *Charm, _ *Environment) { c.Operations = nil }},
		{`roll.Charm: Operations["x"] is nil`, func(c *Charm, _ *Environment) { c.Operations = map[string]Operation{"x": nil} }},
		{"roll.Charm: Operations has one without a name", func(c *Charm, _ *Environment) {
			c.Operations = map[string]Operation{"": whole.Operations["restart"]}
		}},
		{"roll.Environment: Getenv is nil", func(_ *Charm, e *Environment) { e.Getenv = nil }},
		{"roll.Environment: Tools is nil", func(_ *Charm, e *Environment) { e.Tools = nil }},
		{"roll.Environment: Log is nil", func(_ *Charm, e *Environment) { e.Log = nil }},
	} {
		t.Run(test.want, func(t *testing.T) {
			c, env := whole, newJuju(t).environment("hooks/start")
			test.change(&c, &env)
			if err := Run(t.Context(), c, env); err == nil || err.Error() != "cannot use "+test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestArgumentsComeBack(t *testing.T) {
	type args struct {
		Node  string         `json:"node"`
		Limit int64          `json:"limit"`
		Tags  []string       `json:"tags"`
		More  map[string]any `json:"more,omitempty"`
	}
	want := args{Node: "é\n", Limit: 1 << 60, Tags: []string{"a"}}
	var got args
	c := Charm{Name: "db", Relation: "peers",
		Operations: map[string]Operation{"restart": func(_ context.Context, _ *Hook, a Args) (Result, error) {
			return Release, a.Decode(&got)
		}},
		Handle: func(_ context.Context, h *Hook) error {
			if h.Event.Name != "start" {
				return nil
			}
			_, err := h.Request(Request{Operation: "restart", Args: want})
			return err
		},
	}
	j := newJuju(t)
	for _, hook := range []string{"hooks/start", "hooks/peers-relation-changed"} {
		if err := Run(t.Context(), c, j.environment(hook)); err != nil {
			t.Fatal(err)
		}
		j.grant()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatusIsSetWhereItChanges(t *testing.T) {
	for _, test := range []struct {
		hook string
		want []string
	}{
		{"hooks/start", []string{"status-set active"}},
		{"hooks/update-status", []string{"status-set active"}},
		{"hooks/config-changed", []string{"status-set waiting Awaiting restart"}},
		{"actions/restart", []string{"status-set waiting Awaiting restart"}},
		{"hooks/peers-relation-changed", nil},
		{"hooks/db-relation-changed", nil},
		{"hooks/install", nil},
	} {
		t.Run(test.hook, func(t *testing.T) {
			j, runs := newJuju(t), 0
			if err := Run(t.Context(), charm(&runs, Release, nil), j.environment(test.hook)); err != nil {
				t.Fatal(err)
			}
			for i := range j.calls {
				j.calls[i] = strings.TrimSpace(j.calls[i])
			}
			if diff := cmp.Diff(test.want, j.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}
