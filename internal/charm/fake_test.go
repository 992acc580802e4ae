package charm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/unit"
)

// juju is one hook of rolling-ops/0, as far as the hook tools show it. It
// counts the calls.
type juju struct {
	t        *testing.T
	leader   bool
	relation string // the peer relation's id, "" for none
	members  []string
	app      map[string]string
	units    map[string]map[string]string
	config   map[string]any
	params   map[string]any
	// principals are those that goal-state names, of a subordinate charm.
	principals []string
	// renamed is the name that the application and its principals have, if they are not
	// rolling-ops and db.
	renamed string

	calls    []string // in order, such as "relation-get rolling-ops/1"
	failing  string   // the tool that does not work
	statuses []string
	results  map[string]string
	failed   string            // what action-fail was given
	slow     func(tool string) // called before each call
}

const local = "rolling-ops/0"

// newJuju returns a hook of a follower in an application of n units, in which
// nothing is queued.
func newJuju(t *testing.T, n int) *juju {
	j := &juju{t: t, relation: "restart:0", app: map[string]string{}, units: map[string]map[string]string{}}
	for i := range n {
		unit := fmt.Sprintf("rolling-ops/%d", i)
		j.units[unit] = map[string]string{}
		if unit != local {
			j.members = append(j.members, unit)
		}
	}
	return j
}

// Run calls a hook tool. The fake knows the applications by their short names.
func (j *juju) Run(_ context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	if j.renamed == "" {
		return j.run(tool, args, stdin)
	}
	if tool == "status-set" {
		return j.run(tool, args, stdin)
	}
	back := strings.NewReplacer(j.renamed+"-db/", "db/", j.renamed+"/", "rolling-ops/", j.renamed, "rolling-ops")
	for i := range args {
		args[i] = back.Replace(args[i])
	}
	out, err := j.run(tool, args, []byte(back.Replace(string(stdin))))
	return []byte(strings.NewReplacer("db/", j.renamed+"-db/", "rolling-ops/", j.renamed+"/").Replace(string(out))), err
}

func (j *juju) run(tool string, args []string, stdin []byte) ([]byte, error) {
	if j.slow != nil {
		j.slow(tool)
	}
	var words []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			words = append(words, arg)
		}
	}
	app := slices.Contains(args, "--app")
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	j.calls = append(j.calls, strings.TrimSpace(tool+" "+last))
	if tool == j.failing {
		return nil, &hooktool.Error{Tool: tool, Code: 1, Stderr: "it does not work"}
	}
	switch tool {
	case "is-leader":
		return j.answer(j.leader)
	case "relation-ids":
		if j.relation == "" {
			return j.answer([]string{})
		}
		return j.answer([]string{j.relation})
	case "relation-list":
		return j.answer(j.members)
	case "relation-get":
		if app {
			return j.answer(j.app)
		}
		return j.answer(j.units[last])
	case "relation-set":
		bag := j.units[local]
		if app {
			bag = j.app
		}
		var changes map[string]string
		if err := json.Unmarshal(stdin, &changes); err != nil {
			return nil, err
		}
		maps.Copy(bag, changes)
		maps.DeleteFunc(bag, func(_, value string) bool { return value == "" })
		return nil, nil
	case "goal-state":
		units := map[string]map[string]string{}
		for unit := range j.units {
			units[unit] = map[string]string{"status": "active"}
		}
		if len(j.principals) > 0 {
			named := map[string]map[string]string{}
			for _, unit := range j.principals {
				named[unit] = map[string]string{"status": "active"}
			}
			return j.answer(map[string]any{"units": map[string]any{}, "relations": map[string]any{"host": named}})
		}
		return j.answer(map[string]any{"units": units})
	case "config-get":
		return j.answer(j.config)
	case "action-get":
		return j.answer(j.params)
	case "action-set":
		j.results = map[string]string{}
		for _, word := range words {
			key, value, _ := strings.Cut(word, "=")
			j.results[key] = value
		}
		return nil, nil
	case "juju-reboot":
		return nil, nil
	case "action-fail":
		j.failed = last
		return nil, nil
	case "status-set":
		j.statuses = append(j.statuses, strings.TrimSpace(strings.Join(args[1:], " ")))
		return nil, nil
	}
	return nil, fmt.Errorf("unexpected call of %s", tool)
}

func (j *juju) answer(value any) ([]byte, error) { return json.Marshal(value) }

// machine is what the charm does outside of Juju, on a clock that stands still
// but for the charm's own sleeps.
type machine struct {
	now         time.Time
	booted      time.Duration
	commands    []string
	broken      map[string]error // commands that fail
	wakes       []time.Duration
	looks       []time.Duration
	notes       map[string][]byte
	transitions []string
	sleepErr    error
	writeErr    error // of notes
	boot        string
	required    bool // a reboot is
	log         strings.Builder
}

func newMachine() *machine {
	return &machine{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), broken: map[string]error{}, notes: map[string][]byte{}}
}

func (m *machine) Now() time.Time           { return m.now }
func (m *machine) SinceBoot() time.Duration { return m.booted }

func (m *machine) Wake(_ context.Context, delay time.Duration) error {
	m.wakes = append(m.wakes, delay)
	return nil
}

func (m *machine) Watch(_ context.Context, delay time.Duration) error {
	m.looks = append(m.looks, delay)
	return nil
}

func (m *machine) Run(_ context.Context, limit time.Duration, argv ...string) (string, error) {
	command := strings.Join(argv, " ")
	m.commands = append(m.commands, fmt.Sprintf("%s (%s)", command, limit))
	return "output of " + argv[0], m.broken[command]
}

func (m *machine) ID() (string, error) { return m.boot, nil }

func (m *machine) Required() (bool, error) { return m.required, nil }

func (m *machine) Read(name string) ([]byte, error) { return m.notes[name], nil }

func (m *machine) Write(name string, data []byte) error {
	if m.writeErr != nil {
		return m.writeErr
	}
	m.notes[name] = data
	return nil
}

// progress is the note of the operation.
func (m *machine) progress(t *testing.T) progress {
	t.Helper()
	var p progress
	if err := unit.Load(m, operationNote, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (m *machine) Record(t Transition) error {
	params, err := json.Marshal(t.Parameters)
	m.transitions = append(m.transitions, t.Event+" "+string(params))
	return err
}

func (m *machine) sleep(_ context.Context, d time.Duration) error {
	m.now, m.booted = m.now.Add(d), m.booted+d
	return m.sleepErr
}

// charmOn is the charm on a machine, with Juju's hook tools.
func charmOn(m *machine, j *juju) *Charm {
	return New(Deps{
		Tools: hooktool.New(j), Clock: m, Waker: m, Commands: m, Transitions: m, Notes: m, Boots: m, Sleep: m.sleep,
		Log: slog.New(slog.NewTextHandler(&m.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})),
	})
}

func withoutTime(_ []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return attr
}

// hookOf is the event of a hook or, as "action NAME", of an action.
func hookOf(t *testing.T, name string) Event {
	t.Helper()
	dispatch := "hooks/" + name
	if action, ok := strings.CutPrefix(name, "action "); ok {
		dispatch = "actions/" + action
	}
	event, err := ParseEvent(variables(
		"JUJU_DISPATCH_PATH="+dispatch, "JUJU_UNIT_NAME="+local, "JUJU_CHARM_DIR=/charm", "JUJU_RELATION_ID=restart:0"))
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// queueOf is a queue of operations with a delay of 2 s.
func queueOf(t *testing.T, m *machine, operations ...string) string {
	t.Helper()
	var queue codec.Queue
	args, err := codec.NewArgs(map[string]any{"delay": 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range operations {
		op, err := codec.NewOperation(operation, args, m.now, nil)
		if err != nil {
			t.Fatal(err)
		}
		queue, _ = queue.Push(op)
	}
	text, err := queue.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var errBroken = errors.New("exit status 1")

// variables is an environment, of NAME=VALUE.
func variables(entries ...string) func(string) string {
	return func(name string) string {
		for _, entry := range entries {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
