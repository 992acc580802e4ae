package hooktool

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Request and Response have the fields of Juju's Request and ExecResponse; the server that takes them is the real
// net/rpc, so what these tests speak is what a unit agent understands.
type Request struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
}

type Response struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

const noStdin = "hook tool requires stdin, none supplied"

// agent is a unit agent for tests, listening on a Unix socket.
type agent struct {
	address  string
	listener net.Listener
	served   sync.WaitGroup

	mu    sync.Mutex
	calls []Request
	conns []net.Conn
}

// Jujuc is the service that net/rpc registers under this name.
type Jujuc struct {
	agent  *agent
	answer func(Request) (Response, error)
}

func (j *Jujuc) Main(request Request, response *Response) error {
	if !request.StdinSet && slices.Contains(request.Args, "--file") {
		return errors.New(noStdin)
	}
	if !filepath.IsAbs(request.Dir) || request.ContextId != testContext {
		return fmt.Errorf("bad request: context %q, dir %q", request.ContextId, request.Dir)
	}
	j.agent.mu.Lock()
	j.agent.calls = append(j.agent.calls, request)
	j.agent.mu.Unlock()
	answer, err := j.answer(request)
	*response = answer
	return err
}

const testContext = "probe/0-run-commands-7"

// startAgent starts an agent that answers calls with answer; without one it is a net/rpc server that knows no
// service.
func startAgent(t testing.TB, answer func(Request) (Response, error)) *agent {
	t.Helper()
	a := &agent{}
	server := rpc.NewServer()
	if answer != nil {
		if err := server.Register(&Jujuc{agent: a, answer: answer}); err != nil {
			t.Fatal(err)
		}
	}
	a.serve(t, filepath.Join(socketDir(t), "agent.socket"), func(conn net.Conn) { server.ServeConn(conn) })
	return a
}

// startRawAgent starts something that listens like an agent and treats connections as it likes.
func startRawAgent(t testing.TB, serve func(net.Conn)) *agent {
	t.Helper()
	a := &agent{}
	a.serve(t, filepath.Join(socketDir(t), "agent.socket"), serve)
	return a
}

// socketDir is short enough for a socket's path, which t.TempDir need not be.
func socketDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "hooktool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (a *agent) serve(t testing.TB, address string, serve func(net.Conn)) {
	t.Helper()
	listener, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	a.address, a.listener = address, listener
	a.served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.mu.Lock()
			a.conns = append(a.conns, conn)
			a.mu.Unlock()
			a.served.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(a.stop)
}

// stop ends the agent and all its connections.
func (a *agent) stop() {
	a.listener.Close()
	a.hangUp()
	a.served.Wait()
}

func (a *agent) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, conn := range a.conns {
		conn.Close()
	}
}

// took returns the calls that the agent has taken, and on how many connections.
func (a *agent) took() (calls []Request, connections int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls), len(a.conns)
}

// programAgent names the socket of the agent that this binary calls when it is run as a hook-tool program. It is not
// Juju's variable, so that a test can have the socket lead nowhere and the programs work.
const programAgent = "HOOKTOOL_TEST_AGENT"

// installPrograms puts hook-tool programs, links to this test binary, on PATH, and nothing else.
func installPrograms(t testing.TB, a *agent) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, tool := range []string{"action-fail", "action-get", "action-log", "action-set", "application-version-set",
		"config-get", "goal-state", "is-leader", "juju-reboot", "juju-log", "relation-get", "relation-ids", "relation-list",
		"relation-set", "state-delete", "state-get", "state-set", "status-get", "status-set"} {
		if err := os.Symlink(self, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv(programAgent, a.address)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each program takes a second to exit under the race detector
}

// transports runs the test over both transports against an agent that answers with answer.
func transports(t *testing.T, answer func(Request) (Response, error), test func(*testing.T, Transport, *agent)) {
	t.Run("socket", func(t *testing.T) {
		a := startAgent(t, answer)
		test(t, openSocket(t, a), a)
	})
	t.Run("programs", func(t *testing.T) {
		a := startAgent(t, answer)
		installPrograms(t, a)
		test(t, Programs(), a)
	})
}

func openSocket(t testing.TB, a *agent) Transport {
	s := Socket(a.address, testContext)
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("cannot close: %v", err)
		}
	})
	return s
}

// TestMain is also Juju's hook-tool program: it calls the agent as that does, asking again with stdin if it must.
func TestMain(m *testing.M) {
	if address := os.Getenv(programAgent); address != "" {
		os.Exit(hookToolProgram(address))
	}
	goleak.VerifyTestMain(m)
}

func hookToolProgram(address string) int {
	client, err := rpc.Dial("unix", address)
	if err != nil {
		return complain(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return complain(err)
	}
	request := Request{ContextId: testContext, Dir: dir, CommandName: filepath.Base(os.Args[0]), Args: os.Args[1:]}
	var response Response
	err = client.Call("Jujuc.Main", request, &response)
	if err != nil && err.Error() == noStdin {
		request.StdinSet = true
		if request.Stdin, err = io.ReadAll(os.Stdin); err == nil {
			err = client.Call("Jujuc.Main", request, &response)
		}
	}
	if err != nil {
		return complain(err)
	}
	os.Stdout.Write(response.Stdout)
	os.Stderr.Write(response.Stderr)
	return response.Code
}

func complain(err error) int {
	fmt.Fprintf(os.Stderr, "ERROR %v\n", err)
	return 1
}
