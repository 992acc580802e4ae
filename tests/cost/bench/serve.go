package bench

import (
	"fmt"
	"net"
	"net/rpc"
	"sync"

	"rolling-ops/jujusim/agent"
)

// jujuc is the RPC service behind the hook tools.
type jujuc struct{ rig *Rig }

// Main runs one hook tool.
func (j *jujuc) Main(req agent.Request, resp *agent.ExecResponse) (err error) {
	*resp, err = j.rig.tool(req)
	return err
}

// jujuExec is the RPC service behind juju-exec.
type jujuExec struct{ rig *Rig }

// RunCommands runs a command in a unit's turn.
func (j *jujuExec) RunCommands(args agent.RunCommandsArgs, resp *agent.ExecResponse) (err error) {
	*resp, err = j.rig.exec(args)
	return err
}

// server is an RPC service on a unix socket.
type server struct {
	listener net.Listener
	closing  chan struct{}
	wait     sync.WaitGroup
}

func listen(path, name string, service any) (*server, error) {
	handler := rpc.NewServer()
	if err := handler.RegisterName(name, service); err != nil {
		return nil, fmt.Errorf("cannot serve %s: %w", name, err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot serve %s: %w", name, err)
	}
	s := &server{listener: listener, closing: make(chan struct{})}
	s.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go handler.ServeConn(conn) // until the client hangs up
		}
	})
	return s, nil
}

func (s *server) close() {
	close(s.closing)
	s.listener.Close()
	s.wait.Wait()
}
