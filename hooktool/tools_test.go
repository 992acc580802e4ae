package hooktool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type kv = map[string]string

// just makes a call without an answer look like the others.
func just(err error) (any, error) { return nil, err }

func any2[T any](value T, err error) (any, error) { return value, err }

// TestTools says for every tool what goes over the wire and how Juju's answer is read.
func TestTools(t *testing.T) {
	ctx := t.Context()
	since := time.Date(2026, 4, 23, 12, 34, 56, 0, time.UTC)
	cases := []struct {
		name    string
		do      func(*Tools) (any, error)
		answer  string
		command string
		stdin   string
		want    any
	}{
		{"leader", func(t *Tools) (any, error) { return any2(t.IsLeader(ctx)) },
			"true\n", `is-leader --format=json`, "", true},
		{"follower", func(t *Tools) (any, error) { return any2(t.IsLeader(ctx)) },
			"false\n", `is-leader --format=json`, "", false},
		{"relation ids", func(t *Tools) (any, error) { return any2(t.RelationIDs(ctx, "restart")) },
			`["restart:0"]`, `relation-ids --format=json -- restart`, "", []string{"restart:0"}},
		{"no relation", func(t *Tools) (any, error) { return any2(t.RelationIDs(ctx, "restart")) },
			`[]`, `relation-ids --format=json -- restart`, "", []string{}},
		{"relation list", func(t *Tools) (any, error) { return any2(t.RelationList(ctx, "restart:0")) },
			`["probe/1","probe/2"]`, `relation-list --format=json -r restart:0`, "", []string{"probe/1", "probe/2"}},
		{"unit databag", func(t *Tools) (any, error) { return any2(t.RelationGet(ctx, "restart:0", "probe/1")) },
			`{"state":"idle","n":"1"}`, `relation-get --format=json -r restart:0 -- - probe/1`, "", kv{"state": "idle", "n": "1"}},
		{"empty databag", func(t *Tools) (any, error) { return any2(t.RelationGet(ctx, "restart:0", "probe/1")) },
			`null`, `relation-get --format=json -r restart:0 -- - probe/1`, "", kv(nil)},
		{"application databag", func(t *Tools) (any, error) { return any2(t.RelationGetApp(ctx, "restart:0", "probe")) },
			`{"granted_unit":"probe/0"}`, `relation-get --format=json -r restart:0 --app -- - probe`, "", kv{"granted_unit": "probe/0"}},
		{"key of a unit databag", func(t *Tools) (any, error) { return any2(t.RelationGetKey(ctx, "restart:0", "probe/1", "state")) },
			`"idle"`, `relation-get --format=json -r restart:0 -- state probe/1`, "", "idle"},
		{"key that is not there", func(t *Tools) (any, error) { return any2(t.RelationGetKey(ctx, "restart:0", "probe/1", "state")) },
			`null`, `relation-get --format=json -r restart:0 -- state probe/1`, "", ""},
		{"key of the application databag", func(t *Tools) (any, error) {
			return any2(t.RelationGetAppKey(ctx, "restart:0", "probe", "granted_unit"))
		},
			`"probe/0"`, `relation-get --format=json -r restart:0 --app -- granted_unit probe`, "", "probe/0"},
		{"set unit databag", func(t *Tools) (any, error) {
			return just(t.RelationSet(ctx, "restart:0", kv{"state": "idle", "operations": `["a\b"]`, "old": ""}))
		}, "", `relation-set -r restart:0 --file -`, `{"old": "",` + "\n" + ` "operations": "[\"a\\b\"]",` + "\n" + ` "state": "idle"}` + "\n", nil},
		{"set application databag", func(t *Tools) (any, error) {
			return just(t.RelationSetApp(ctx, "restart:0", kv{"granted_unit": " probe/0 "}))
		}, "", `relation-set -r restart:0 --app --file -`, `{"granted_unit": " probe/0 "}` + "\n", nil},
		{"goal state", func(t *Tools) (any, error) { return any2(t.GoalState(ctx)) },
			`{"units":{"probe/0":{"status":"active","since":"2026-04-23 12:34:56Z"},"probe/1":{"status":"dying","since":"soon"}},"relations":{}}`,
			`goal-state --format=json`, "", GoalState{
				Units:     map[string]GoalStatus{"probe/0": {"active", since}, "probe/1": {"dying", time.Time{}}},
				Relations: map[string]map[string]GoalStatus{}}},
		{"reboot", func(t *Tools) (any, error) { return just(t.Reboot(ctx)) }, "", `juju-reboot`, "", nil},
		{"set status", func(t *Tools) (any, error) { return just(t.StatusSet(ctx, "waiting", "--help is near")) },
			"", `status-set -- waiting "--help is near"`, "", nil},
		{"get status", func(t *Tools) (any, error) { return any2(t.StatusGet(ctx)) },
			`{"message":"ready","status":"active","status-data":{}}`, `status-get --format=json --include-data`, "", Status{"active", "ready"}},
		{"config", func(t *Tools) (any, error) { return any2(t.Config(ctx)) },
			`{"service":"","retry-delay":9007199254740993,"f":1.50,"b":true}`, `config-get --format=json`, "",
			Settings{"service": "", "retry-delay": json.Number("9007199254740993"), "f": json.Number("1.50"), "b": true}},
		{"action parameters", func(t *Tools) (any, error) { return any2(t.ActionParams(ctx)) },
			`{"delay":5,"tags":{"a":["b",null]}}`, `action-get --format=json`, "",
			Settings{"delay": json.Number("5"), "tags": map[string]any{"a": []any{"b", nil}}}},
		{"action results", func(t *Tools) (any, error) {
			return just(t.ActionSet(ctx, kv{"queue.length": "2", "position": "", "text": "two\nlines = 2"}))
		}, "", `action-set -- position= queue.length=2 "text=two\nlines = 2"`, "", nil},
		{"fail action", func(t *Tools) (any, error) { return just(t.ActionFail(ctx, "-n is not known")) },
			"", `action-fail -- "-n is not known"`, "", nil},
		{"action log", func(t *Tools) (any, error) { return just(t.ActionLog(ctx, "half\x00way")) },
			"", `action-log -- half�way`, "", nil},
		{"state", func(t *Tools) (any, error) { return any2(t.StateGet(ctx)) },
			`{"seen":"1"}`, `state-get --format=json`, "", kv{"seen": "1"}},
		{"set state", func(t *Tools) (any, error) { return just(t.StateSet(ctx, kv{"seen": "2"})) },
			"", `state-set --file -`, `{"seen": "2"}` + "\n", nil},
		{"delete state", func(t *Tools) (any, error) { return just(t.StateDelete(ctx, "seen")) },
			"", `state-delete -- seen`, "", nil},
		{"log", func(t *Tools) (any, error) { return just(t.Log(ctx, slog.LevelWarn, "--help")) },
			"", `juju-log --log-level WARNING -- --help`, "", nil},
		{"version", func(t *Tools) (any, error) { return just(t.ApplicationVersionSet(ctx, "1.2")) },
			"", `application-version-set -- 1.2`, "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := func(Request) (Response, error) { return Response{Stdout: []byte(c.answer)}, nil }
			transports(t, answer, func(t *testing.T, r Transport, a *agent) {
				got, err := c.do(New(r))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				calls, _ := a.took()
				if len(calls) != 1 {
					t.Fatalf("%d calls were made", len(calls))
				}
				if got := command(calls[0]); got != c.command {
					t.Errorf("called %s\n  want %s", got, c.command)
				}
				if got := string(calls[0].Stdin); got != c.stdin {
					t.Errorf("stdin %q\n want %q", got, c.stdin)
				}
			})
		})
	}
}

// command shows a call as one would type it.
func command(call Request) string {
	words := []string{call.CommandName}
	for _, arg := range call.Args {
		if strings.ContainsAny(arg, " \n\"") {
			arg = strconv.Quote(arg)
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

func TestNothingToWriteIsNoCall(t *testing.T) {
	tools := New(Socket("/nowhere", testContext))
	ctx := t.Context()
	for name, err := range map[string]error{
		"relation-set": tools.RelationSet(ctx, "restart:0", nil),
		"state-set":    tools.StateSet(ctx, kv{}),
		"action-set":   tools.ActionSet(ctx, nil),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLargeValues checks that what no program takes as an argument goes through stdin, and what must be an argument
// is bounded alike on both transports.
func TestLargeValues(t *testing.T) {
	answer := func(Request) (Response, error) { return Response{}, nil }
	big := strings.Repeat("0123456789abcdef", 2<<20/16)
	transports(t, answer, func(t *testing.T, r Transport, a *agent) {
		tools, ctx := New(r), t.Context()
		fits := strings.Repeat("x", maxArgument-len("a="))
		for _, err := range []error{
			tools.RelationSet(ctx, "restart:0", kv{"operations": big}),
			tools.Log(ctx, slog.LevelError, big),
			tools.ActionSet(ctx, kv{"a": fits, "b": fits, "c": "1", "d": "2"}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		calls, _ := a.took()
		if len(calls) != 5 {
			t.Fatalf("%d calls were made, not 1 relation-set, 1 juju-log, 3 action-set", len(calls))
		}
		if n := len(calls[0].Stdin); n < len(big) {
			t.Errorf("relation-set got %d bytes", n)
		}
		if message := calls[1].Args[3]; len(message) > maxMessage || !strings.HasSuffix(message, "[...]") {
			t.Errorf("juju-log got %d bytes ending in %q", len(message), message[len(message)-10:])
		}
		if last := command(calls[4]); last != "action-set -- c=1 d=2" {
			t.Errorf("last call: %s", last)
		}
		err := tools.ActionSet(ctx, kv{"a": "1", "b": fits + "x"})
		if want := "cannot run action-set b=...: 131072 bytes are over the limit of 131071"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if again, _ := a.took(); len(again) != len(calls) {
			t.Error("a part of the results was set")
		}
	})
}

// TestToolFails checks that both transports give the same error.
func TestToolFails(t *testing.T) {
	const secret = "s3cret"
	ctx := context.Background()
	set := func(t *Tools) error { return t.RelationSetApp(ctx, "restart:0", kv{"k": secret, "j": secret}) }
	shown := []string{"-r", "restart:0", "--app", "--file", "-", "j=...", "k=..."}
	many := kv{}
	for key := range strings.SplitSeq("abcdefghijkl", "") {
		many[key] = secret
	}
	cases := []struct {
		name     string
		do       func(*Tools) error
		response Response
		refusal  string
		want     Error
		text     string
	}{
		{"exit code 1", set, Response{Code: 1, Stderr: []byte("ERROR cannot write relation settings\n")}, "",
			Error{Tool: "relation-set", Args: shown, Code: 1, Stderr: "cannot write relation settings"},
			"cannot run relation-set -r restart:0 --app --file - j=... k=...: exit code 1: cannot write relation settings"},
		{"usage", func(t *Tools) error { return t.StatusSet(ctx, "ready", secret) }, Response{Code: 2, Stderr: []byte("ERROR invalid status \"ready\"\n")}, "",
			Error{Tool: "status-set", Args: []string{"ready", "..."}, Code: 2, Stderr: `invalid status "ready"`},
			`cannot run status-set ready ...: exit code 2: invalid status "ready"`},
		{"says nothing", func(t *Tools) error { return t.ActionFail(ctx, secret) }, Response{Code: 3, Stdout: []byte("?")}, "",
			Error{Tool: "action-fail", Args: []string{"..."}, Code: 3}, "cannot run action-fail ...: exit code 3"},
		{"refusal", func(t *Tools) error { return t.Log(ctx, slog.LevelDebug, secret) }, Response{}, `bad request: unknown command: juju-log`,
			Error{Tool: "juju-log", Args: []string{"--log-level", "DEBUG", "..."}, Code: 1, Stderr: "bad request: unknown command: juju-log"},
			"cannot run juju-log --log-level DEBUG ...: exit code 1: bad request: unknown command: juju-log"},
		{"result", func(t *Tools) error { return t.ActionSet(ctx, kv{"A": secret}) }, Response{Code: 2, Stderr: []byte("ERROR key \"A\" must be lowercase\n")}, "",
			Error{Tool: "action-set", Args: []string{"A=..."}, Code: 2, Stderr: `key "A" must be lowercase`}, ""},
		{"many keys", func(t *Tools) error { return t.StateSet(ctx, many) }, Response{Code: 1}, "",
			Error{Tool: "state-set", Args: strings.Fields("--file - a=... b=... c=... d=... e=... f=... g=... h=... i=... j=... ..."), Code: 1}, ""},
		{"long stderr", func(t *Tools) error { return t.ActionLog(ctx, secret) }, Response{Code: 1, Stderr: []byte(strings.Repeat("é", maxStderr))}, "",
			Error{Tool: "action-log", Args: []string{"..."}, Code: 1, Stderr: strings.Repeat("é", maxStderr/2-3) + "[...]"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := func(Request) (Response, error) {
				if c.refusal != "" {
					return Response{}, errors.New(c.refusal)
				}
				return c.response, nil
			}
			transports(t, answer, func(t *testing.T, r Transport, _ *agent) {
				err := c.do(New(r))
				var got *Error
				if !errors.As(err, &got) {
					t.Fatalf("got %v", err)
				}
				if diff := cmp.Diff(c.want, *got); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if c.text != "" && got.Error() != c.text {
					t.Errorf("got  %s\nwant %s", got, c.text)
				}
				if strings.Contains(got.Error(), secret) {
					t.Errorf("a value is in the error: %s", got)
				}
			})
		})
	}
}

// TestGarbage checks that an answer that is not what the tool promises is an error, never a guess.
func TestGarbage(t *testing.T) {
	ctx := context.Background()
	leader := func(t *Tools) error { _, err := t.IsLeader(ctx); return err }
	databag := func(t *Tools) error { _, err := t.RelationGet(ctx, "restart:0", "probe/1"); return err }
	units := func(t *Tools) error { _, err := t.RelationList(ctx, "restart:0"); return err }
	goal := func(t *Tools) error { _, err := t.GoalState(ctx); return err }
	config := func(t *Tools) error { _, err := t.Config(ctx); return err }
	cases := []struct {
		name   string
		do     func(*Tools) error
		answer string
		want   string
	}{
		{"nothing", leader, "\n", "cannot run is-leader --format=json: cannot decode its output: it is empty"},
		{"null", leader, "null", "cannot run is-leader --format=json: cannot decode its output: it is null"},
		{"smart output", leader, "True", "cannot run is-leader --format=json: cannot decode its output: invalid character 'T' looking for beginning of value"},
		{"two values", leader, "true false", "cannot run is-leader --format=json: cannot decode its output: 5 bytes follow the JSON value"},
		{"cut short", units, `["probe/1",`, "cannot run relation-list --format=json -r restart:0: cannot decode its output: unexpected EOF"},
		{"wrong type", units, `{}`, "cannot run relation-list --format=json -r restart:0: cannot decode its output: json: cannot unmarshal object into Go value of type []string"},
		{"not text", databag, `{"a":1}`, "cannot run relation-get --format=json -r restart:0 -- - probe/1: cannot decode its output: json: cannot unmarshal number into Go value of type string"},
		{"not UTF-8", databag, "{\"a\":\"\xff\"}", "cannot run relation-get --format=json -r restart:0 -- - probe/1: cannot decode its output: it is not UTF-8"},
		{"status not text", goal, `{"units":{"probe/0":{"status":[]}}}`, "cannot run goal-state --format=json: cannot decode its output: json: cannot unmarshal array"},
		{"deep", config, strings.Repeat("[", 20000), "cannot run config-get --format=json: cannot decode its output: invalid character '[' exceeded max depth"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.do(New(answering(c.answer)))
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// answering is a Runner that always gives the same answer.
type answering string

func (a answering) Run(context.Context, string, []string, []byte) ([]byte, error) {
	return []byte(a), nil
}

// TestGoalStateAsksAgain meets units that are being removed, as a controller does that has listed them before.
func TestGoalStateAsksAgain(t *testing.T) {
	gone, down := `ERROR unit "probe/2" not found`, "ERROR connection is shut down"
	cases := []struct {
		name   string
		stderr []string // of the first calls, which fail
		calls  int
		want   string
	}{
		{"one is removed", []string{gone}, 2, "<nil>"},
		{"two, one after the other", []string{gone, `ERROR status for unit "probe/3" not found`}, 3, "<nil>"},
		{"no end of it", []string{gone, gone, gone, gone}, 3, `cannot run goal-state --format=json: exit code 1: unit "probe/2" not found`},
		{"another error", []string{down}, 1, "cannot run goal-state --format=json: exit code 1: connection is shut down"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			made := 0
			a := startAgent(t, func(Request) (Response, error) {
				made++
				if made <= len(c.stderr) {
					return Response{Code: 1, Stderr: []byte(c.stderr[made-1] + "\n")}, nil
				}
				return Response{Stdout: []byte(`{"units":{"probe/0":{"status":"active"}},"relations":{}}`)}, nil
			})
			state, err := New(openSocket(t, a)).GoalState(t.Context())
			if got := fmt.Sprint(err); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err == nil && len(state.Units) != 1 {
				t.Errorf("got %v", state)
			}
			if calls, _ := a.took(); len(calls) != c.calls {
				t.Errorf("%d calls were made, want %d", len(calls), c.calls)
			}
		})
	}
}

func TestActionSetRefuses(t *testing.T) {
	cases := []struct{ name, key, value, want string }{
		{"no key", "", "v", `cannot run action-set =...: key "" is not valid`},
		{"equals sign", "a=b", "v", `cannot run action-set a=b=...: key "a=b" is not valid`},
		{"NUL", "a", "v\x00w", `cannot run action-set a=...: the value has a NUL byte`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := New(answering("")).ActionSet(t.Context(), kv{c.key: c.value})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// hanging is a transport whose calls end with their context alone.
type hanging struct{}

func (hanging) Run(ctx context.Context, tool string, _ []string, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, &Error{Tool: tool, Code: -1, Err: context.Cause(ctx)}
}

// What is bounded is given up when the bound ends, log lines too, whatever their
// own time is.
func TestBoundGivesUpWhatHangs(t *testing.T) {
	tools := New(hanging{})
	ctx, cancel := context.WithCancelCause(t.Context())
	tools.Bound(ctx)
	late := errors.New("too late")
	cancel(late)
	if err := tools.StatusSet(t.Context(), "active", ""); !errors.Is(err, late) {
		t.Errorf("status-set: %v", err)
	}
	var stderr strings.Builder
	slog.New(NewLogHandler(tools, slog.LevelInfo, &stderr)).Info("hello")
	if !strings.Contains(stderr.String(), "hello") {
		t.Errorf("stderr has %q", stderr.String())
	}
}
