package hooktool

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAuto(t *testing.T) {
	const id = "JUJU_CONTEXT_ID"
	const address = "JUJU_AGENT_SOCKET_ADDRESS"
	const network = "JUJU_AGENT_SOCKET_NETWORK"
	const forced = `cannot call hook tools over a socket, as ROLLINGOPS_HOOK_TOOLS asks: JUJU_AGENT_SOCKET_ADDRESS names no Unix socket or JUJU_CONTEXT_ID is not set`
	cases := []struct {
		name string
		env  kv
		want string // type of the transport, or the error
	}{
		{"as Juju sets it", kv{id: "x", address: "/a", network: "unix"}, "*hooktool.fallback"},
		{"auto", kv{id: "x", address: "/a", network: "unix", ModeVariable: "auto"}, "*hooktool.fallback"},
		{"no network, path", kv{id: "x", address: "/a"}, "*hooktool.fallback"},
		{"no network, abstract", kv{id: "x", address: "@a"}, "*hooktool.fallback"},
		{"no network, host", kv{id: "x", address: "host:1"}, "hooktool.programs"},
		{"TCP", kv{id: "x", address: "host:1", network: "tcp"}, "hooktool.programs"},
		{"no address", kv{id: "x", network: "unix"}, "hooktool.programs"},
		{"no context", kv{address: "/a", network: "unix"}, "hooktool.programs"},
		{"nothing", kv{}, "hooktool.programs"},
		{"programs", kv{id: "x", address: "/a", network: "unix", ModeVariable: "programs"}, "hooktool.programs"},
		{"socket", kv{id: "x", address: "/a", network: "unix", ModeVariable: "socket"}, "*hooktool.socket"},
		{"socket, TCP", kv{id: "x", address: "host:1", network: "tcp", ModeVariable: "socket"}, forced},
		{"socket, no context", kv{address: "/a", network: "unix", ModeVariable: "socket"}, forced},
		{"wrong", kv{ModeVariable: "direct"}, `cannot use ROLLINGOPS_HOOK_TOOLS="direct": it must be socket, programs or auto`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			transport, err := Auto(func(name string) string { return c.env[name] })
			got := fmt.Sprintf("%T", transport)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// auto opens the transport that a hook gets when its socket is at address.
func auto(t *testing.T, address, mode string) *Tools {
	t.Helper()
	env := kv{"JUJU_CONTEXT_ID": testContext, "JUJU_AGENT_SOCKET_ADDRESS": address, "JUJU_AGENT_SOCKET_NETWORK": "unix", ModeVariable: mode}
	transport, err := Auto(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close() })
	return New(transport)
}

func sayTrue(Request) (Response, error) { return Response{Stdout: []byte("true")}, nil }

// TestFallback has no agent at the socket at first: the hook's calls go to the programs, and stay there even when an
// agent appears.
func TestFallback(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	address := filepath.Join(socketDir(t), "agent.socket")
	tools := auto(t, address, "")
	if leader, err := tools.IsLeader(t.Context()); !leader || err != nil {
		t.Fatalf("got %v, %v", leader, err)
	}
	late := &agent{}
	late.serve(t, address, func(net.Conn) {})
	if leader, err := tools.IsLeader(t.Context()); !leader || err != nil {
		t.Fatalf("got %v, %v", leader, err)
	}
	if calls, _ := behind.took(); len(calls) != 2 {
		t.Errorf("the programs were called %d times", len(calls))
	}
	if _, connections := late.took(); connections != 0 {
		t.Errorf("the socket was tried %d more times", connections)
	}
}

// TestFallbackFromStranger has something that is no unit agent at the socket.
func TestFallbackFromStranger(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	stranger := startAgent(t, nil)
	tools := auto(t, stranger.address, "auto")
	for range 2 {
		if leader, err := tools.IsLeader(t.Context()); !leader || err != nil {
			t.Fatalf("got %v, %v", leader, err)
		}
	}
	calls, _ := behind.took()
	if _, connections := stranger.took(); len(calls) != 2 || connections != 1 {
		t.Errorf("%d calls to the programs, %d connections to the socket", len(calls), connections)
	}
}

// TestFallbackInMidHook loses the agent between two calls: the second one was not delivered.
func TestFallbackInMidHook(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	direct := startAgent(t, sayTrue)
	tools := auto(t, direct.address, "")
	for range 2 {
		if _, err := tools.IsLeader(t.Context()); err != nil {
			t.Fatal(err)
		}
		direct.hangUp()
	}
	calls, _ := behind.took()
	if first, _ := direct.took(); len(first) != 1 || len(calls) != 1 {
		t.Errorf("%d calls over the socket, %d to the programs", len(first), len(calls))
	}
}

// TestNoFallbackAfterDelivery loses the agent after it took the call: making it again might act twice.
func TestNoFallbackAfterDelivery(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	lost := startRawAgent(t, func(conn net.Conn) { conn.Read(make([]byte, 4096)) })
	if err := auto(t, lost.address, "").ActionLog(t.Context(), "once"); err == nil {
		t.Error("no error")
	}
	if calls, _ := behind.took(); len(calls) != 0 {
		t.Errorf("the call was made again: %+v", calls)
	}
}

// TestNoFallbackOfARefusal: a tool's own failure is an answer.
func TestNoFallbackOfARefusal(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	direct := startAgent(t, func(Request) (Response, error) { return Response{Code: 1}, nil })
	if err := auto(t, direct.address, "").ActionLog(t.Context(), "once"); err == nil {
		t.Error("no error")
	}
	if calls, _ := behind.took(); len(calls) != 0 {
		t.Errorf("the call was made again: %+v", calls)
	}
}

func TestForcedSocketDoesNotFallBack(t *testing.T) {
	behind := startAgent(t, sayTrue)
	installPrograms(t, behind)
	_, err := auto(t, filepath.Join(socketDir(t), "none"), "socket").IsLeader(t.Context())
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
	if calls, _ := behind.took(); len(calls) != 0 {
		t.Errorf("the programs were called: %+v", calls)
	}
}
