package processfaults

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// proxy stands between a unit's dispatch and its agent's socket, so that calls
// over the socket can go wrong.
type proxy struct {
	listener net.Listener
	target   string
	wait     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // nil when closed
	tool  string            // whose next call the fault befalls, or anyTool
	fault string
	gate  chan struct{} // closed to let calls that hang go on
}

func startProxy(path, target string) (*proxy, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]bool{}, gate: make(chan struct{})}
	p.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			p.wait.Go(func() { p.serve(conn) })
		}
	})
	return p, nil
}

// setFault has a fault befall the next call of a tool, and returns the one that
// has befallen none yet.
func (p *proxy) setFault(tool, fault string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.tool, p.fault = p.fault, tool, fault
	return before
}

// open lets calls that hang go on.
func (p *proxy) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.gate)
	p.gate = make(chan struct{})
}

// take returns the fault for a call. Its tool's name stands in it as it is.
func (p *proxy) take(call []byte) (fault string, gate chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tool == anyTool || bytes.Contains(call, []byte(p.tool)) {
		fault, p.fault = p.fault, ""
	}
	return fault, p.gate
}

// add notes a connection, to be closed with the proxy.
func (p *proxy) add(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *proxy) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *proxy) serve(client net.Conn) {
	defer p.drop(client)
	if !p.add(client) {
		return
	}
	server, err := net.Dial("unix", p.target)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.add(server) {
		return
	}
	answers := &muffled{to: client}
	p.wait.Go(func() {
		_, _ = io.Copy(answers, server)
		client.Close()
	})
	p.requests(client, server, answers)
}

// requests passes a client's calls on. Each is written in one piece.
func (p *proxy) requests(client, server net.Conn, answers *muffled) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		fault, gate := p.take(buffer[:n])
		switch fault {
		case fails:
			return
		case loses:
			answers.muffle()
		case garbles:
			answers.muffle()
			_, _ = client.Write(nonsense)
		case hangs:
			if !hang(client, gate) {
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// hang waits until the gate is opened, or the client gives up: then it returns
// false. A client waits for the answer to a call before it makes another.
func hang(client net.Conn, gate chan struct{}) bool {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = client.Read(make([]byte, 1))
	}()
	select {
	case <-gone:
		return false
	case <-gate:
		// Now the deadline ends the read above, and is lifted again.
		_ = client.SetReadDeadline(past)
		<-gone
		_ = client.SetReadDeadline(never)
		return true
	}
}

// muffled passes on answers until it is muffled: then it hangs up in the place
// of the next one.
type muffled struct {
	to net.Conn

	mu    sync.Mutex
	mutes bool
}

func (m *muffled) muffle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mutes = true
}

func (m *muffled) Write(data []byte) (int, error) {
	m.mu.Lock()
	mutes := m.mutes
	m.mu.Unlock()
	if mutes {
		return 0, net.ErrClosed
	}
	return m.to.Write(data)
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.wait.Wait()
}
