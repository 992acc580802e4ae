package jujulike

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/agent"
)

// Socket names the environment variable with the socket at which the program juju
// asks.
const Socket = "JUJUSIM_JUJU_SOCKET"

// IsJuju reports whether a program was started as juju.
func IsJuju(arg0 string) bool { return filepath.Base(arg0) == "juju" }

// Link puts a program juju into a directory: a link to executable, which must call Main
// when IsJuju says so.
func Link(dir, executable string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot make juju: %w", err)
	}
	if err := os.Symlink(executable, filepath.Join(dir, "juju")); err != nil {
		return fmt.Errorf("cannot make juju: %w", err)
	}
	return nil
}

// frame is a piece of an answer; the last one has the exit code.
type frame struct {
	Stdout, Stderr []byte `json:",omitempty"`
	Code           *int   `json:",omitempty"`
}

// Main is the program juju. It returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	path := os.Getenv(Socket)
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Fprintf(stderr, "ERROR unable to connect to API: %v\n", err)
		return 1
	}
	defer conn.Close()
	err = json.NewEncoder(conn).Encode(args[1:])
	for frames := json.NewDecoder(conn); err == nil; {
		var f frame
		if err = frames.Decode(&f); err == nil {
			_, _ = stderr.Write(f.Stderr)
			_, _ = stdout.Write(f.Stdout)
		}
		if f.Code != nil {
			return *f.Code
		}
	}
	fmt.Fprintf(stderr, "ERROR connection is shut down: %v\n", err)
	return 1
}

// Server answers for a cluster on a socket.
type Server struct {
	listener net.Listener
	cancel   context.CancelFunc
	wait     sync.WaitGroup
}

// Names are what juju shows for what a cluster does not have.
type Names struct{ Controller, Model string }

// Command answers a call that is none of juju's.
type Command func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Serve answers for a cluster on the socket at a path until Close: as juju, and for the
// commands in more, by their names.
func Serve(cluster *agent.Cluster, names Names, path string, more map[string]Command) (*Server, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot answer for juju: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{listener: listener, cancel: cancel}
	w := world{cluster, names}
	s.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.wait.Go(func() { answer(ctx, w, more, conn) })
		}
	})
	return s, nil
}

// Close ends all answers.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.wait.Wait()
	return err
}

// answer answers one call. When the caller goes away it is no longer waited for.
func answer(ctx context.Context, w World, more map[string]Command, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	var args []string
	if json.NewDecoder(conn).Decode(&args) != nil {
		return
	}
	gone := make(chan struct{})
	go func() { // nothing more comes: reading ends when the caller does
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	frames := json.NewEncoder(conn)
	stdout := writer(func(p []byte) error { return frames.Encode(frame{Stdout: p}) })
	stderr := writer(func(p []byte) error { return frames.Encode(frame{Stderr: p}) })
	var code int
	if command := more[first(args)]; command != nil {
		code = command(ctx, args[1:], stdout, stderr)
	} else {
		code = Answer(ctx, w, args, stdout, stderr)
	}
	_ = frames.Encode(frame{Code: &code})
	conn.Close()
	<-gone
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// writer passes on what is written at once.
type writer func([]byte) error

func (w writer) Write(p []byte) (int, error) { return len(p), w(p) }

// world is a cluster as juju sees it.
type world struct {
	*agent.Cluster
	names Names
}

func (w world) Look() View {
	charm := w.Charm()
	view := View{
		Controller: w.names.Controller, Model: w.names.Model, Status: w.Status(), Config: w.Config(),
		Interfaces: make(map[string]string), Actions: make(map[string]string),
	}
	for _, p := range charm.Peers {
		view.Interfaces[p.Name] = p.Interface
	}
	for name, action := range charm.Actions {
		view.Actions[name] = action.Description
	}
	return view
}

func (w world) Start(unit, action string, params map[string]any) (string, error) {
	return w.StartAction(unit, action, params)
}

func (w world) Task(id string) (Task, bool) {
	unit, status, ok := w.ActionStatus(id)
	task := Task{ID: id, Unit: unit, Status: status}
	if ok && task.Over() {
		var result jujusim.ActionResult
		result, err := w.WaitAction(context.Background(), id)
		ok = err == nil
		task.Message, task.Results = result.Message, result.Results
	}
	return task, ok
}

func (w world) Wait(ctx context.Context, id string) error {
	_, err := w.WaitAction(ctx, id)
	return err
}

func (w world) Cancel(id string) bool { return w.CancelAction(id) }
