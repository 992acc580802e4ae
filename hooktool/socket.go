package hooktool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
)

// Socket is the transport that calls the unit agent over its Unix socket, at address (JUJU_AGENT_SOCKET_ADDRESS; a
// leading "@" means the abstract name space), for the hook named by contextID (JUJU_CONTEXT_ID). It connects at the
// first call and keeps the connection; calls go one after another. When a call's context ends or the agent is lost
// the connection is closed, and the next call makes a new one. Juju does not take a hook for finished while a
// connection of its is open; child processes do not inherit this one.
//
// The protocol is that of Juju's own hook-tool program: a call of Jujuc.Main in net/rpc's gob encoding. It is spoken
// here without net/rpc, which would link an HTTP server into every charm binary.
func Socket(address, contextID string) Transport {
	return &socket{address: address, contextID: contextID, limit: maxOutput, turn: make(chan struct{}, 1)}
}

type socket struct {
	address, contextID string
	limit              int // bytes of a response

	turn chan struct{} // holds an element while a call is being made; guards conn
	conn *rpcConn      // nil: none, or lost
}

func (s *socket) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.drop()
}

// drop closes the connection, if there is one.
func (s *socket) drop() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

func (s *socket) Run(ctx context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, failed(tool, ctx.Err())
	}
	response, err := s.call(ctx, toolRequest{
		ContextId:   s.contextID,
		Dir:         workingDirectory(),
		CommandName: tool,
		Args:        args,
		StdinSet:    true, // as with a program: stdin is always there, though it may be empty
		Stdin:       stdin,
	})
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return nil, exited(tool, 1, []byte(refused)) // what Juju's program makes of it
	case err != nil && ctx.Err() != nil:
		return nil, failed(tool, ctx.Err())
	case err != nil:
		return nil, failed(tool, err)
	case response.Code != 0:
		return nil, exited(tool, response.Code, response.Stderr)
	}
	return response.Stdout, nil
}

// call makes one call, over the connection that there is or a new one.
func (s *socket) call(ctx context.Context, request toolRequest) (toolResponse, error) {
	if err := s.connect(ctx); err != nil {
		return toolResponse{}, undelivered{fmt.Errorf("cannot reach the unit agent: %w", err)}
	}
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	response, err := conn.call(request)
	if !stop() || conn.broken {
		s.drop()
	}
	return response, err
}

func (s *socket) connect(ctx context.Context) error {
	if s.conn != nil {
		return ctx.Err()
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.address)
	if err != nil {
		return err
	}
	s.conn = newRPCConn(conn, s.limit)
	return nil
}

// workingDirectory is where a tool looks for files that it is told to read.
func workingDirectory() string {
	dir, err := os.Getwd()
	if err != nil {
		return "/" // the directory is gone; no tool is told to read a file in it
	}
	return dir
}
