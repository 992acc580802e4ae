package hooktool

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
)

// The four messages of a call are Juju's and net/rpc's: gob goes by the names of their fields.

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

// refusal is what the agent says when it answers a call with an error in place of a tool's exit code.
type refusal string

func (r refusal) Error() string { return string(r) }

// undelivered marks the error of a call that certainly reached no hook tool, so that it may be made again.
type undelivered struct{ error }

func (u undelivered) Unwrap() error { return u.error }

// rpcConn is one connection to the agent. A gob stream describes each type once, so encoder and decoder live as long
// as the connection.
type rpcConn struct {
	net.Conn
	out     bytes.Buffer
	encoder *gob.Encoder
	in      io.LimitedReader
	decoder *gob.Decoder
	limit   int // bytes of a response
	seq     uint64
	broken  bool // no further call can be made
}

func newRPCConn(conn net.Conn, limit int) *rpcConn {
	c := &rpcConn{Conn: conn, limit: limit}
	c.in.R = conn
	c.encoder = gob.NewEncoder(&c.out)
	c.decoder = gob.NewDecoder(&c.in)
	return c
}

// call sends one request and waits for its response. The error is a refusal, undelivered, or says that nobody knows
// whether the call was made.
func (c *rpcConn) call(request toolRequest) (toolResponse, error) {
	c.seq++
	if err := c.send(rpcRequest{ServiceMethod: "Jujuc.Main", Seq: c.seq}, request); err != nil {
		c.broken = true
		return toolResponse{}, err
	}
	header, response, err := c.receive()
	switch {
	case err == nil && header.Seq != c.seq:
		err = fmt.Errorf("it answered call %d, not %d", header.Seq, c.seq)
	case err != nil && c.in.N <= 0:
		err = ErrTooMuchOutput
	}
	if err != nil {
		c.broken = true
		return toolResponse{}, fmt.Errorf("lost the unit agent in mid-call: %w", err)
	}
	return response, refused(header.Error)
}

// send writes header and request in one piece: if none of it could be written, the agent has not seen the call.
func (c *rpcConn) send(header rpcRequest, request toolRequest) error {
	c.out.Reset()
	if err := errors.Join(c.encoder.Encode(header), c.encoder.Encode(request)); err != nil {
		return err
	}
	n, err := c.Write(c.out.Bytes())
	if err == nil {
		return nil
	}
	err = fmt.Errorf("cannot write to the unit agent: %w", err)
	if n == 0 {
		return undelivered{err}
	}
	return err
}

func (c *rpcConn) receive() (header rpcResponse, response toolResponse, err error) {
	c.in.N = int64(c.limit)
	if err := c.decoder.Decode(&header); err != nil {
		return header, response, err
	}
	if header.Error != "" {
		return header, response, c.decoder.DecodeValue(reflect.Value{}) // skips the body, which says nothing
	}
	err = c.decoder.Decode(&response)
	return header, response, err
}

// refused is the error for the text in a response. What net/rpc itself says before it calls anything means that no
// unit agent listens there.
func refused(text string) error {
	switch {
	case text == "":
		return nil
	case strings.HasPrefix(text, "rpc: can't find "):
		return undelivered{fmt.Errorf("no unit agent at the socket: %s", text)}
	default:
		return refusal(text)
	}
}
