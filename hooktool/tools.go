package hooktool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// maxMessage bounds a message that goes to a tool as an argument, in bytes. The kernel refuses arguments of 128 KiB,
// and nobody reads more than this anyhow.
const maxMessage = 32 << 10

// hidden stands in an Error for what was to be written.
const hidden = "..."

// Tools calls the hook tools of one hook. It keeps nothing: asking twice makes two calls. It is safe for concurrent
// use.
type Tools struct {
	runner Runner
	bound  atomic.Pointer[context.Context]
}

// New returns the hook tools as reached through r.
func New(r Runner) *Tools { return &Tools{runner: r} }

// Bound gives up all calls from now on when ctx ends, those of the log too: a charm calls it when what it wrote has to be
// committed soon, and nothing that follows is worth a delay.
func (t *Tools) Bound(ctx context.Context) { t.bound.Store(&ctx) }

// bounded returns ctx, ended when that of Bound ends.
func (t *Tools) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	bound := t.bound.Load()
	if bound == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(*bound, func() { cancel(context.Cause(*bound)) })
	return ctx, func() { stop(); cancel(nil) }
}

// call is one hook-tool call. Arguments that do not name something of the charm's own go after a "--", so that none
// is taken for a flag.
type call struct {
	tool  string
	args  []string
	shown []string // the arguments as an Error may show them; nil: args
	stdin []byte
}

// query is a call that answers in JSON.
func query(tool string, args ...string) call {
	return call{tool: tool, args: append([]string{"--format=json"}, args...)}
}

// run makes the call and completes its error.
func (t *Tools) run(ctx context.Context, c call) ([]byte, error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	stdout, err := t.runner.Run(ctx, c.tool, c.args, c.stdin)
	if err == nil {
		return stdout, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = failed(c.tool, err)
	}
	return nil, c.explain(e)
}

// explain adds to e the arguments that may be shown.
func (c call) explain(e *Error) *Error {
	e.Args = c.args
	if c.shown != nil {
		e.Args = c.shown
	}
	return e
}

// tell makes a call whose answer does not matter.
func (t *Tools) tell(ctx context.Context, c call) error {
	_, err := t.run(ctx, c)
	return err
}

// ask makes the query and decodes its answer into out, strictly: one value, valid UTF-8. Numbers that go into an any
// are json.Number.
func (t *Tools) ask(ctx context.Context, c call, out any) error {
	stdout, err := t.run(ctx, c)
	if err != nil {
		return err
	}
	if err := decodeJSON(stdout, out); err != nil {
		return c.undecodable(err)
	}
	return nil
}

func (c call) undecodable(err error) error {
	return c.explain(&Error{Tool: c.tool, Err: fmt.Errorf("cannot decode its output: %w", err)})
}

func decodeJSON(data []byte, out any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("it is empty")
	}
	if !utf8.Valid(data) {
		return errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(out); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(data[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow the JSON value", len(rest))
	}
	return nil
}

// IsLeader asks Juju (is-leader) whether this unit leads its application. "True" is a promise for at least 30 seconds
// from the call; once it has said false in a hook, Juju says false for the rest of that hook.
func (t *Tools) IsLeader(ctx context.Context) (bool, error) {
	c := query("is-leader")
	var leader *bool
	if err := t.ask(ctx, c, &leader); err != nil {
		return false, err
	}
	if leader == nil {
		return false, c.undecodable(errors.New("it is null"))
	}
	return *leader, nil
}

// Status is a unit's workload status.
type Status struct {
	// Name is active, blocked, maintenance, waiting, or one of those that only Juju sets (unknown, error ...).
	Name string `json:"status"`
	// Message is what the charm said with it.
	Message string `json:"message"`
}

// StatusSet sets the unit's status (status-set) at once. name is active, blocked, maintenance or
// waiting; a message over 32 KiB is cut.
func (t *Tools) StatusSet(ctx context.Context, name, message string) error {
	return t.tell(ctx, call{
		tool:  "status-set",
		args:  []string{"--", name, argument(message)},
		shown: []string{name, hidden},
	})
}

// StatusGet returns the unit's status (status-get).
func (t *Tools) StatusGet(ctx context.Context) (Status, error) {
	var status Status
	err := t.ask(ctx, query("status-get", "--include-data"), &status)
	return status, err
}

// Reboot has Juju reboot the unit's machine (juju-reboot) once the running hook has succeeded and what it wrote is
// committed: nothing of it is lost, and no other hook of the unit comes in between. Asking twice is asking once. Juju
// refuses it in an action.
func (t *Tools) Reboot(ctx context.Context) error { return t.tell(ctx, call{tool: "juju-reboot"}) }

// ApplicationVersionSet says which version of the software runs (application-version-set).
func (t *Tools) ApplicationVersionSet(ctx context.Context, version string) error {
	return t.tell(ctx, call{tool: "application-version-set", args: []string{"--", argument(version)}})
}

// Log writes a message to the model's log (juju-log), at once. A message over 32 KiB is cut. Levels between Juju's
// own (DEBUG, INFO, WARNING, ERROR) go down to the next lower one, those under DEBUG to DEBUG.
func (t *Tools) Log(ctx context.Context, level slog.Level, message string) error {
	name := jujuLevel(level)
	return t.tell(ctx, call{
		tool:  "juju-log",
		args:  []string{"--log-level", name, "--", argument(message)},
		shown: []string{"--log-level", name, hidden},
	})
}

func jujuLevel(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARNING"
	case level >= slog.LevelInfo:
		return "INFO"
	default:
		return "DEBUG"
	}
}

// argument makes a text for people fit to be one argument of a program: valid UTF-8, no NUL, not too long.
func argument(text string) string {
	return clip(strings.ReplaceAll(text, "\x00", string(utf8.RuneError)), maxMessage)
}
