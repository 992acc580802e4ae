package hooktool

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// told is a connection to an agent that says what it says, whatever it is asked.
type told struct {
	net.Conn
	in *bytes.Reader
}

func (c told) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c told) Write(p []byte) (int, error) { return len(p), nil }

// FuzzRPC reads what no agent should say. A call neither panics nor takes more
// than it may, and a connection that is out of step is not used again.
func FuzzRPC(f *testing.F) {
	stream := func(messages ...any) []byte {
		var out bytes.Buffer
		encoder := gob.NewEncoder(&out)
		for _, m := range messages {
			if err := encoder.Encode(m); err != nil {
				f.Fatal(err)
			}
		}
		return out.Bytes()
	}
	answer := stream(rpcResponse{"Jujuc.Main", 1, ""}, toolResponse{0, []byte("true\n"), nil},
		rpcResponse{"Jujuc.Main", 2, ""}, toolResponse{1, nil, []byte("ERROR no\n")})
	f.Add(answer)
	f.Add(answer[:len(answer)/2])
	f.Add(stream(rpcResponse{"Jujuc.Main", 1, "bad request"}, struct{}{}, rpcResponse{"Jujuc.Main", 2, "rpc: can't find service"}, struct{}{}))
	f.Add(stream(rpcResponse{"Jujuc.Main", 7, ""}, toolResponse{}))
	f.Add(stream(rpcResponse{"Jujuc.Main", 1, ""}, "text"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 12
		conn := newRPCConn(told{in: bytes.NewReader(data)}, limit)
		for range 3 {
			response, err := conn.call(toolRequest{CommandName: "is-leader"})
			if size := len(response.Stdout) + len(response.Stderr); size > limit {
				t.Fatalf("an answer of %d bytes", size)
			}
			answered := err == nil || errors.As(err, new(refusal)) || errors.As(err, new(undelivered))
			if conn.broken == answered {
				t.Fatalf("broken is %v after %v", conn.broken, err)
			}
			if conn.broken {
				return
			}
		}
	})
}

// FuzzAnswers gives every reader any answer: it takes JSON of its kind, and
// says what is wrong with anything else.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"true", "null", `["restart:0"]`, `{"operations":"[]","state":"idle"}`, `{"status":"active","message":""}`,
		`{"units":{"a/0":{"status":"active","since":"2026-05-04 12:00:00Z"}},"relations":{"db":{"b/0":{"status":1}}}}`,
		`{"delay":1e400,"nested":{"a":[1,{}]}}`, "", " \n", "true false", "{", "\"\xff\"", `{"a":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		tools, ctx := New(answering(answer)), t.Context()
		settings := func(s Settings, err error) error {
			for key := range s {
				_, _ = s.String(key)
				_, _ = s.Bool(key)
				_, _ = s.Int(key)
				_, _ = s.Float(key)
			}
			return err
		}
		for name, read := range map[string]func() error{
			"is-leader":     func() error { _, err := tools.IsLeader(ctx); return err },
			"relation-ids":  func() error { _, err := tools.RelationIDs(ctx, "restart"); return err },
			"relation-list": func() error { _, err := tools.RelationList(ctx, "restart:0"); return err },
			"relation-get":  func() error { _, err := tools.RelationGet(ctx, "restart:0", "a/0"); return err },
			"goal-state":    func() error { _, err := tools.GoalState(ctx); return err },
			"status-get":    func() error { _, err := tools.StatusGet(ctx); return err },
			"state-get":     func() error { _, err := tools.StateGet(ctx); return err },
			"config-get":    func() error { return settings(tools.Config(ctx)) },
			"action-get":    func() error { return settings(tools.ActionParams(ctx)) },
		} {
			err := read()
			if err == nil && !json.Valid([]byte(answer)) {
				t.Errorf("%s took %q", name, answer)
			}
			if e := (*Error)(nil); err != nil && (!errors.As(err, &e) || e.Tool != name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// FuzzEncodeSettings writes anything, for YAML and for JSON: either gives the
// very values back.
func FuzzEncodeSettings(f *testing.F) {
	f.Add("operations", `["{\"kwargs\":\"{}\"}"]`, "state", "idle")
	f.Add("a: b", "- x\n# y", "<<", "\u2028\ufeff\x00")
	f.Add("", "\xff", "~", "\t")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		values := kv{key1: value1, key2: value2}
		encoded, err := encodeSettings(values)
		if err != nil {
			for key, value := range values {
				if key == "" || len(key) > maxKey/6 || !utf8.ValidString(key+value) || !utf8.ValidString(value) {
					return
				}
			}
			t.Fatalf("refused %q: %v", values, err)
		}
		var fromYAML, fromJSON kv
		if err := errors.Join(yaml.Unmarshal(encoded, &fromYAML), json.Unmarshal(encoded, &fromJSON)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, fromYAML) + cmp.Diff(values, fromJSON); diff != "" {
			t.Errorf("%q (-want +got):\n%s", encoded, diff)
		}
	})
}
