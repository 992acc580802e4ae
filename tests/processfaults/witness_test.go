package processfaults

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	witnessProgram = "witness"
	witnessSocket  = "witness.socket" // beside the program
)

// witnessMain is the health check: it says which unit is here, waits, and exits
// with 0 if it is told that all is well.
func witnessMain(path string) int {
	conn, err := net.Dial("unix", filepath.Join(filepath.Dir(path), witnessSocket))
	if err != nil {
		return 2
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, os.Getenv("JUJU_UNIT_NAME")+"\n"); err != nil {
		return 2
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != well {
		return 1
	}
	return 0
}

// What a witness is told.
const (
	well   byte = '0'
	unwell byte = '1'
)

// visit is a unit in its operation, as its witness says. It decides how the
// operation goes: what it returns is told to the witness, if gone is still open.
type visit func(unit string, gone <-chan struct{}) (answer byte)

func healthy(string, <-chan struct{}) byte { return well }
func failing(string, <-chan struct{}) byte { return unwell }

// until is a visit that lasts until done is closed.
func until(done <-chan struct{}) visit {
	return func(_ string, gone <-chan struct{}) byte {
		select {
		case <-done:
		case <-gone:
		}
		return well
	}
}

// witnesses is told by the units' health checks who is in an operation.
type witnesses struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool // nil when closed
	planned []visit           // of the next sections; those after them are healthy
	inside  int               // sections that have begun and not ended
	seen    []section
}

func listenToWitnesses(dir string) (*witnesses, error) {
	listener, err := net.Listen("unix", filepath.Join(dir, witnessSocket))
	if err != nil {
		return nil, err
	}
	w := &witnesses{listener: listener, conns: map[net.Conn]bool{}}
	w.wait.Go(w.accept)
	return w, nil
}

func (w *witnesses) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return // closed
		}
		w.mu.Lock()
		open := w.conns != nil
		if open {
			w.conns[conn] = true
		}
		w.mu.Unlock()
		if !open {
			conn.Close()
			return
		}
		w.wait.Go(func() { w.serve(conn) })
	}
}

// serve is one section, from the witness's first word to its answer or death.
func (w *witnesses) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		w.mu.Lock()
		delete(w.conns, conn)
		w.mu.Unlock()
	}()
	in := bufio.NewReader(conn)
	unit, err := in.ReadString('\n')
	if err != nil {
		return
	}
	s := section{Unit: strings.TrimSpace(unit), What: witnessProgram, From: time.Now()}
	gone := make(chan struct{})
	var goneAt time.Time
	w.wait.Go(func() {
		_, _ = in.ReadByte() // nothing follows but the end
		goneAt = time.Now()
		close(gone)
	})
	answer := w.next()(s.Unit, gone)
	select {
	case <-gone:
		s.To, s.Killed = goneAt, true
	default:
		s.To = time.Now()
	}
	w.mu.Lock()
	w.seen = append(w.seen, s)
	w.inside--
	w.mu.Unlock()
	_, _ = conn.Write([]byte{answer})
}

func (w *witnesses) next() visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inside++
	if len(w.planned) == 0 {
		return healthy
	}
	v := w.planned[0]
	w.planned = w.planned[1:]
	return v
}

// plan says how the next sections go that nobody has planned yet.
func (w *witnesses) plan(visits ...visit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = append(w.planned, visits...)
}

// forget has all further sections be healthy.
func (w *witnesses) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = nil
}

// visitors returns how many sections have begun and not ended.
func (w *witnesses) visitors() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inside
}

// sections returns those that are over.
func (w *witnesses) sections() []section {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]section(nil), w.seen...)
}

func (w *witnesses) close() error {
	err := w.listener.Close()
	w.mu.Lock()
	for conn := range w.conns {
		conn.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	w.wait.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
