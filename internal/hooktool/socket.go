package hooktool

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
)

// Socket is the transport that calls the unit agent over its Unix socket, at address (JUJU_AGENT_SOCKET_ADDRESS; a
// leading "@" means the abstract name space), for the hook named by contextID (JUJU_CONTEXT_ID). It connects at the
// first call and keeps the connection; calls go one after another. When a call's context ends the connection is
// closed, and the next call makes a new one.
//
// The protocol is that of Juju's own hook-tool program: a call of Jujuc.Main in net/rpc's gob encoding. It is spoken
// here without net/rpc, which would link an HTTP server into every charm binary.
func Socket(address, contextID string) Transport {
	s := &socket{address: address, contextID: contextID, turn: make(chan struct{}, 1)}
	return s
}

type socket struct {
	address, contextID string

	turn chan struct{} // holds an element while a call is being made; guards conn
	conn *rpcConn      // nil: none, or lost
}

// undelivered marks the error of a call that certainly reached no hook tool, so that it may be made again.
type undelivered struct{ error }

func (u undelivered) Unwrap() error { return u.error }

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
	err := s.conn.conn.Close()
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
	if err := ctx.Err(); err != nil {
		return nil, failed(tool, err)
	}
	response, err := s.call(ctx, toolRequest{
		ContextId:   s.contextID,
		Dir:         workingDirectory(),
		CommandName: tool,
		Args:        args,
		StdinSet:    true, // like a program's stdin, it is there even if it is empty
		Stdin:       stdin,
	})
	var refused refusal
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, failed(tool, ctx.Err())
	case errors.As(err, &refused) && !refused.unknownMethod():
		// The program would write this to stderr and exit 1.
		return nil, exited(tool, 1, []byte(refused))
	case err != nil:
		return nil, failed(tool, err)
	case len(response.Stdout) > maxOutput:
		return nil, failed(tool, errTooMuchOutput)
	case response.Code != 0:
		return nil, exited(tool, response.Code, response.Stderr)
	}
	return response.Stdout, nil
}

// call makes one call, over the connection that there is or a new one. An error other than a refusal costs the
// connection.
func (s *socket) call(ctx context.Context, request toolRequest) (toolResponse, error) {
	if s.conn == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", s.address)
		if err != nil {
			return toolResponse{}, undelivered{fmt.Errorf("cannot reach the unit agent: %w", err)}
		}
		s.conn = newRPCConn(conn)
	}
	conn := s.conn.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	response, err := s.conn.call(request)
	var refused refusal
	if !stop() || err != nil && !errors.As(err, &refused) {
		s.drop()
	}
	return response, err
}

// workingDirectory is where a tool looks for files that it is told to read.
func workingDirectory() string {
	dir, err := os.Getwd()
	if err != nil {
		return "/" // deleted; no tool is told to read a file here
	}
	return dir
}

// The four messages below are Juju's and net/rpc's: gob goes by the names of their fields.

type rpcRequest struct {
	ServiceMethod string
	Seq           uint64
}

type rpcResponse struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type toolRequest struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
}

type toolResponse struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// refusal is a call that the agent answered with an error in place of a tool's exit code.
type refusal string

func (r refusal) Error() string { return string(r) }

// unknownMethod says that who listens is not a unit agent: net/rpc's own answer, given before it calls anything.
func (r refusal) unknownMethod() bool {
	return strings.HasPrefix(string(r), "rpc: can't find ")
}

// rpcConn is one connection, on which gob sends each type's description once.
type rpcConn struct {
	conn    net.Conn
	out     bytes.Buffer
	encoder *gob.Encoder
	in      io.LimitedReader
	decoder *gob.Decoder
	seq     uint64
}

func newRPCConn(conn net.Conn) *rpcConn {
	c := &rpcConn{conn: conn}
	c.in.R = conn
	c.encoder = gob.NewEncoder(&c.out)
	c.decoder = gob.NewDecoder(&c.in)
	return c
}

// call sends one request and waits for its response. After an error other than a refusal the connection is of no
// more use.
func (c *rpcConn) call(request toolRequest) (toolResponse, error) {
	header := rpcRequest{ServiceMethod: "Jujuc.Main", Seq: c.seq}
	c.seq++
	if err := c.send(header, request); err != nil {
		return toolResponse{}, err
	}
	response, err := c.receive(header)
	var refused refusal
	if errors.As(err, &refused) && refused.unknownMethod() {
		return response, undelivered{err}
	}
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("lost the unit agent, the call may or may not have been made: %w", err)
	}
	return response, err
}

// send writes header and request in one piece: if none of it could be written, the agent has not seen the call.
func (c *rpcConn) send(header rpcRequest, request toolRequest) error {
	c.out.Reset()
	if err := errors.Join(c.encoder.Encode(header), c.encoder.Encode(request)); err != nil {
		return err
	}
	n, err := c.conn.Write(c.out.Bytes())
	if err != nil && n == 0 {
		return undelivered{fmt.Errorf("cannot write to the unit agent: %w", err)}
	}
	if err != nil {
		return fmt.Errorf("cannot write to the unit agent: %w", err)
	}
	return nil
}

func (c *rpcConn) receive(request rpcRequest) (toolResponse, error) {
	c.in.N = maxOutput + 1<<20 // stdout, and what comes with it
	var header rpcResponse
	if err := c.decoder.Decode(&header); err != nil {
		return toolResponse{}, err
	}
	if header.Seq != request.Seq {
		return toolResponse{}, fmt.Errorf("it answered call %d, not %d", header.Seq, request.Seq)
	}
	if header.Error != "" {
		if err := c.decoder.DecodeValue(reflect.Value{}); err != nil { // the empty body
			return toolResponse{}, err
		}
		return toolResponse{}, refusal(header.Error)
	}
	var response toolResponse
	err := c.decoder.Decode(&response)
	return response, err
}
