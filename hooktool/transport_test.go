package hooktool

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestCancel has the context end while the tool hangs, and then makes another call.
func TestCancel(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	answer := func(request Request) (Response, error) {
		if request.CommandName == "goal-state" {
			entered <- struct{}{}
			<-release
		}
		return Response{Stdout: []byte("true")}, nil
	}
	transports(t, answer, func(t *testing.T, r Transport, _ *agent) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-entered
			cancel()
		}()
		_, err := New(r).GoalState(ctx)
		release <- struct{}{}
		var e *Error
		if !errors.As(err, &e) || e.Code != -1 || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := New(r).IsLeader(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("with the context done: %v", err)
		}
		if leader, err := New(r).IsLeader(t.Context()); !leader || err != nil {
			t.Errorf("next call: %v, %v", leader, err)
		}
	})
}

// TestSocketTurn gives up waiting for a call that hangs.
func TestSocketTurn(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	a := startAgent(t, func(Request) (Response, error) {
		entered <- struct{}{}
		<-release
		return Response{}, nil
	})
	transport := openSocket(t, a)
	first := make(chan error)
	go func() { first <- New(transport).ActionLog(t.Context(), "slow") }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(transport).ActionLog(ctx, "second"); !errors.Is(err, context.Canceled) {
		t.Errorf("second call: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("first call: %v", err)
	}
}

// TestTooMuchOutput gives the transports a small limit, since the real one takes long to reach.
func TestTooMuchOutput(t *testing.T) {
	const limit = 1000
	answer := func(Request) (Response, error) { return Response{Stdout: bytes.Repeat([]byte("x"), limit+1)}, nil }
	transports(t, answer, func(t *testing.T, r Transport, _ *agent) {
		switch limited := r.(type) {
		case *socket:
			limited.limit = limit
		case programs:
			r = programs{limit: limit}
		}
		_, err := r.Run(t.Context(), "state-get", nil, nil)
		if !errors.Is(err, ErrTooMuchOutput) {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoStdin checks that a tool that wants stdin and was given none reads an empty one.
func TestNoStdin(t *testing.T) {
	answer := func(Request) (Response, error) { return Response{}, nil }
	transports(t, answer, func(t *testing.T, r Transport, a *agent) {
		if _, err := r.Run(t.Context(), "state-set", []string{"--file", "-"}, nil); err != nil {
			t.Error(err)
		}
		if calls, _ := a.took(); len(calls) != 1 || len(calls[0].Stdin) != 0 {
			t.Errorf("calls: %+v", calls)
		}
	})
}

func TestConcurrentCalls(t *testing.T) {
	answer := func(request Request) (Response, error) { return Response{Stdout: request.Stdin}, nil }
	transports(t, answer, func(t *testing.T, r Transport, _ *agent) {
		var calls sync.WaitGroup
		for i := range 8 {
			calls.Go(func() {
				want := strings.Repeat("x", i+1)
				got, err := r.Run(t.Context(), "state-set", []string{"--file", "-"}, []byte(want))
				if err != nil || string(got) != want {
					t.Errorf("call %d: %q, %v", i, got, err)
				}
			})
		}
		calls.Wait()
	})
}

func TestProgramMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := New(Programs()).IsLeader(t.Context())
	want := `cannot run is-leader --format=json: exec: "is-leader": executable file not found in $PATH`
	if !errors.Is(err, exec.ErrNotFound) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestProgramKilled(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\nkill -9 $$\n"
	if err := os.WriteFile(filepath.Join(bin, "is-leader"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	_, err := New(Programs()).IsLeader(t.Context())
	if want := "cannot run is-leader --format=json: signal: killed"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSocketKeepsOneConnection(t *testing.T) {
	answer := func(request Request) (Response, error) {
		switch request.CommandName {
		case "juju-log":
			return Response{}, errors.New("bad request")
		case "action-fail":
			return Response{Code: 1}, nil
		}
		return Response{Stdout: []byte("true")}, nil
	}
	a := startAgent(t, answer)
	tools := New(openSocket(t, a))
	ctx := t.Context()
	for range 3 {
		if _, err := tools.IsLeader(ctx); err != nil {
			t.Error(err)
		}
		if tools.Log(ctx, 0, "no") == nil || tools.ActionFail(ctx, "no") == nil {
			t.Error("a refused call gave no error")
		}
	}
	if calls, connections := a.took(); len(calls) != 9 || connections != 1 {
		t.Errorf("%d calls over %d connections", len(calls), connections)
	}
}

func TestSocketAbstractAddress(t *testing.T) {
	a := &agent{}
	server := rpc.NewServer()
	answer := func(Request) (Response, error) { return Response{Stdout: []byte("true")}, nil }
	if err := server.Register(&Jujuc{agent: a, answer: answer}); err != nil {
		t.Fatal(err)
	}
	a.serve(t, "@"+filepath.Base(socketDir(t)), func(conn net.Conn) { server.ServeConn(conn) })
	if leader, err := New(openSocket(t, a)).IsLeader(t.Context()); !leader || err != nil {
		t.Errorf("got %v, %v", leader, err)
	}
}

// TestSocketLost has the agent go away, or talk nonsense, after it took the call.
func TestSocketLost(t *testing.T) {
	replies := []struct{ name, reply string }{
		{"closes", ""},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"zeros", strings.Repeat("\x00", 64)},
		{"huge message", "\xf8\x7f\xff\xff\xff\xff\xff\xff\xff"},
		{"gob of something else", "\x03\x04\x00\x07"},
	}
	for _, c := range replies {
		t.Run(c.name, func(t *testing.T) {
			a := startRawAgent(t, func(conn net.Conn) {
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, c.reply)
			})
			_, err := New(openSocket(t, a)).IsLeader(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Code != -1 || !strings.Contains(err.Error(), "lost the unit agent in mid-call: ") {
				t.Errorf("got %v", err)
			}
			if errors.As(err, new(undelivered)) {
				t.Error("the call counts as never made")
			}
		})
	}
}

func TestSocketWrongSequence(t *testing.T) {
	a := startRawAgent(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		encoder := gob.NewEncoder(conn)
		encoder.Encode(rpc.Response{ServiceMethod: "Jujuc.Main", Seq: 7})
		encoder.Encode(Response{Stdout: []byte("true")})
	})
	_, err := New(openSocket(t, a)).IsLeader(t.Context())
	want := "cannot run is-leader --format=json: lost the unit agent in mid-call: it answered call 7, not 1"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestSocketAgentRestarts loses the connection between two calls.
func TestSocketAgentRestarts(t *testing.T) {
	answer := func(Request) (Response, error) { return Response{Stdout: []byte("true")}, nil }
	a := startAgent(t, answer)
	tools := New(openSocket(t, a))
	if _, err := tools.IsLeader(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.hangUp()
	_, err := tools.IsLeader(t.Context())
	if !errors.As(err, new(undelivered)) {
		t.Errorf("got %v", err)
	}
	if _, err := tools.IsLeader(t.Context()); err != nil {
		t.Errorf("next call: %v", err)
	}
}
