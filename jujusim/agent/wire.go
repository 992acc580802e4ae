package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// The messages below keep the names and fields of Juju's own, so that any
// client that can talk to a unit agent of Juju can talk to this one.

// Request asks the unit agent to run one hook tool in the context ContextId.
type Request struct {
	ContextId   string
	Dir         string // absolute working directory of the caller
	CommandName string
	Args        []string
	StdinSet    bool // tells no stdin from an empty one
	Stdin       []byte
}

// ExecResponse is what a hook tool or a juju-exec command left behind.
type ExecResponse struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// RunCommandsArgs asks the unit agent to run a shell command in a hook context.
type RunCommandsArgs struct {
	Commands              string
	RelationId            int // -1: no relation
	UnitName              string
	RemoteUnitName        string
	RemoteApplicationName string
	ForceRemoteUnit       bool
}

const (
	toolMethod = "Jujuc.Main"
	execMethod = "JujuExecServer.RunCommands"

	agentSocket = "agent.socket" // served while a hook runs
	runSocket   = "run.socket"   // served while the agent is up
)

// Jujuc is the RPC service behind the hook tools of one hook.
type Jujuc struct {
	contextID string
	run       func(Request) (ExecResponse, error)
}

// Main runs one hook tool.
func (j *Jujuc) Main(req Request, resp *ExecResponse) error {
	switch {
	case req.CommandName == "":
		return errors.New("bad request: command not specified")
	case !filepath.IsAbs(req.Dir):
		return errors.New("bad request: Dir is not absolute")
	case req.ContextId != j.contextID:
		return fmt.Errorf("bad request: wrong context ID; got %q", req.ContextId)
	}
	var err error
	*resp, err = j.run(req)
	return err
}

// JujuExecServer is the RPC service behind juju-exec of one unit.
type JujuExecServer struct {
	run func(RunCommandsArgs) (ExecResponse, error)
}

// RunCommands runs a command in the unit's turn and returns when it has run.
func (s *JujuExecServer) RunCommands(args RunCommandsArgs, resp *ExecResponse) error {
	var err error
	*resp, err = s.run(args)
	return err
}

// server is an RPC service on a unix socket.
type server struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// maxSocketPath is what the kernel takes for the path of a unix socket.
const maxSocketPath = 107

// serve registers service and answers calls on the unix socket at path until
// Close.
func serve(path string, service any) (*server, error) {
	handler := rpc.NewServer()
	if err := handler.Register(service); err != nil {
		return nil, fmt.Errorf("cannot register RPC service: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	s := &server{listener: listener, conns: map[net.Conn]bool{}}
	s.wait.Go(func() { s.accept(handler) })
	return s, nil
}

func (s *server) accept(handler *rpc.Server) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		if !s.add(conn) {
			conn.Close()
			return
		}
		s.wait.Go(func() {
			handler.ServeConn(conn)
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

func (s *server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[conn] = true
	return true
}

// Close removes the socket and hangs up on the clients: one that outlived its
// hook must not keep the agent waiting.
func (s *server) Close() {
	s.hangUp()
	s.wait.Wait()
}

// hangUp does not wait for the calls that go on.
func (s *server) hangUp() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
}

// call makes one RPC call to the unix socket at address.
func call(network, address, method string, args, reply any) error {
	client, err := rpc.Dial(network, address)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Call(method, args, reply)
}

// unitTag is the unit's name as Juju writes it in paths: unit-app-0.
func unitTag(unit string) string {
	return "unit-" + strings.ReplaceAll(unit, "/", "-")
}

// writeAll passes a response on to the caller's streams.
func (r ExecResponse) writeAll(stdout, stderr io.Writer) {
	_, _ = stdout.Write(r.Stdout)
	_, _ = stderr.Write(r.Stderr)
}
