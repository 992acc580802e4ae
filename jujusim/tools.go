package jujusim

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is one call of a hook tool.
type Request struct {
	Dir      string // what relative paths in Args are relative to
	Command  string
	Args     []string
	Stdin    []byte
	StdinSet bool // false if no stdin was sent, rather than an empty one
}

// Response is what a hook tool answers.
type Response struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// ErrNoStdin asks the caller of a hook tool to call again, with stdin.
var ErrNoStdin = errors.New("hook tool requires stdin, none supplied")

// usageError makes a tool exit with 2.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// call is a hook tool at work.
type call struct {
	h    *Hook
	req  *Request
	name string
	args []string // what is left when the options are taken out

	format   string
	output   string
	relation int // -1 if none was given and the hook has none
	app      bool
	flags    map[string]string // options that only one tool has

	stdout []byte
	stderr []byte
}

// tool is one hook tool; without run one that the model only knows the name of.
type tool struct {
	usage   string
	options []option
	run     func(c *call) error
}

// option is one that a tool takes. Aliases share a canonical name.
type option struct {
	name, canonical string
	takesValue      bool
}

var (
	formatOptions = []option{{"format", "format", true}, {"o", "output", true}, {"output", "output", true}}
	relOptions    = []option{{"r", "relation", true}, {"relation", "relation", true}}
	fileOptions   = []option{{"file", "file", true}}
	appOption     = []option{{"app", "app", false}}
)

func options(groups ...[]option) []option {
	var all []option
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

var tools map[string]tool

// The table is filled here since the tools' code refers to it.
func init() {
	tools = map[string]tool{
		"relation-ids":       {"<name>", formatOptions, relationIDs},
		"relation-list":      {"", options(formatOptions, relOptions, appOption), relationList},
		"relation-get":       {"<key> <unit id>", options(formatOptions, relOptions, appOption), relationGet},
		"relation-set":       {"key=value [key=value ...]", options(relOptions, appOption, fileOptions, []option{{"format", "old-format", true}}), relationSet},
		"relation-model-get": {"", options(formatOptions, relOptions), relationModelGet},

		"is-leader":               {"", formatOptions, isLeader},
		"goal-state":              {"", formatOptions, goalState},
		"config-get":              {"[<key>]", options(formatOptions, []option{{"a", "all", false}, {"all", "all", false}}), configGet},
		"status-set":              {"<status> [<message>]", []option{{"application", "application", false}}, statusSet},
		"status-get":              {"[--include-data] [--application]", options(formatOptions, []option{{"include-data", "include-data", false}, {"application", "application", false}}), statusGet},
		"application-version-set": {"<new-version>", nil, versionSet},
		"state-get":               {"[<key>]", options(formatOptions, []option{{"strict", "strict", false}}), stateGet},
		"state-set":               {"key=value [key=value ...]", fileOptions, stateSet},
		"state-delete":            {"<key>", nil, stateDelete},

		"action-get":  {"[<key>[.<key>.<key>...]]", formatOptions, actionGet},
		"action-set":  {"<key>=<value> [<key>=<value> ...]", nil, actionSet},
		"action-fail": {`["<failure message>"]`, nil, actionFail},
		"action-log":  {"<message>", nil, actionLog},

		// Without secrets and storage in the model, there are none.
		"secret-ids":   {"", formatOptions, secretIDs},
		"storage-list": {"[<storage-name>]", formatOptions, storageList},

		// Not modelled.
		"credential-get":  {},
		"resource-get":    {},
		"secret-add":      {},
		"secret-get":      {},
		"secret-grant":    {},
		"secret-info-get": {},
		"secret-remove":   {},
		"secret-revoke":   {},
		"secret-set":      {},
		"storage-add":     {},
		"storage-get":     {},

		"juju-reboot":  {"", []option{{"now", "now", false}}, jujuReboot},
		"juju-log":     {"<message>", []option{{"debug", "debug", false}, {"l", "level", true}, {"log-level", "level", true}, {"format", "old-format", true}}, jujuLog},
		"network-get":  {"<binding-name> [--ingress-address] [--bind-address] [--egress-subnets]", options(formatOptions, relOptions, []option{{"primary-address", "primary-address", false}, {"bind-address", "bind-address", false}, {"ingress-address", "ingress-address", false}, {"egress-subnets", "egress-subnets", false}}), networkGet},
		"unit-get":     {"<setting>", formatOptions, unitGet},
		"open-port":    {"<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp", portOptions, openPort},
		"close-port":   {"<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp", portOptions, closePort},
		"opened-ports": {"", options(formatOptions, []option{{"endpoints", "show-endpoints", false}}), openedPorts},
	}
}

// Tools returns the names of all hook tools, sorted.
func Tools() []string { return sortedKeys(tools) }

// Tool makes a hook-tool call; see Call.
func (h *Hook) Tool(command string, args []string, stdin []byte, stdinSet bool) (Response, error) {
	return h.Call(Request{Command: command, Args: args, Stdin: stdin, StdinSet: stdinSet})
}

// Call makes a hook-tool call. A tool that fails says so in the response: exit
// code 1, or 2 when it was called wrongly, and "ERROR ..." on stderr. The error
// is for what Juju refuses before it runs a tool: ErrNoStdin, a command that it
// does not have, a hook that is over.
func (h *Hook) Call(req Request) (Response, error) {
	if h.over != nil {
		return Response{}, fmt.Errorf("bad request: %w", h.over)
	}
	t, ok := tools[req.Command]
	if !ok {
		return Response{}, fmt.Errorf("bad request: unknown command: %s", req.Command)
	}
	h.calls++
	c := &call{h: h, req: &req, name: req.Command, relation: h.run.RelationID}
	err := c.run(t)
	switch {
	case errors.Is(err, ErrNoStdin):
		return Response{}, ErrNoStdin
	case errors.As(err, new(usageError)):
		return c.failed(2, err), nil
	case err != nil:
		return c.failed(1, err), nil
	}
	return Response{Stdout: c.stdout, Stderr: c.stderr}, nil
}

func (c *call) failed(code int, err error) Response {
	return Response{Code: code, Stdout: c.stdout, Stderr: append(c.stderr, "ERROR "+err.Error()+"\n"...)}
}

func (c *call) run(t tool) error {
	if t.run == nil {
		return fmt.Errorf("%s is not modelled", c.name)
	}
	help, err := c.parse(t)
	if err != nil {
		return usageError{err}
	}
	if help {
		c.stdout = []byte(strings.TrimSpace("Usage: "+c.name+" [options] "+t.usage) + "\n")
		return nil
	}
	return t.run(c)
}

// parse takes the options out of the arguments. They may stand anywhere before a
// "--"; one-letter options may be run together.
func (c *call) parse(t tool) (help bool, err error) {
	args := c.req.Args
	c.args = make([]string, 0, len(args))
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case len(arg) < 2 || arg[0] != '-':
			c.args = append(c.args, arg)
		case arg == "--":
			c.args = append(c.args, args...)
			return false, nil
		case arg == "-h" || arg == "--help":
			return true, nil
		case arg[1] == '-':
			name, value, given := strings.Cut(arg[2:], "=")
			if args, err = c.option(t, name, value, given, args); err != nil {
				return false, err
			}
		default:
			if args, err = c.letters(t, arg[1:], args); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// letters reads one-letter options; the rest after one that takes a value is its
// value.
func (c *call) letters(t tool, text string, args []string) (rest []string, err error) {
	for len(text) > 0 {
		_, n := utf8.DecodeRuneInString(text)
		name := text[:n]
		text = text[n:]
		if o, ok := t.option(name); ok && o.takesValue && text != "" {
			return c.option(t, name, text, true, args)
		}
		if args, err = c.option(t, name, "", false, args); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// option sets one option, with the next argument as its value if need be.
func (c *call) option(t tool, name, value string, given bool, args []string) (rest []string, err error) {
	shown := "--" + name
	if utf8.RuneCountInString(name) == 1 {
		shown = "-" + name
	}
	o, ok := t.option(name)
	if !ok {
		return nil, fmt.Errorf("option provided but not defined: %s", shown)
	}
	switch {
	case !given && !o.takesValue:
		value = "true"
	case !given && len(args) == 0:
		return nil, fmt.Errorf("option needs an argument: %s", shown)
	case !given:
		value, args = args[0], args[1:]
	}
	if err := c.set(o, value); err != nil {
		return nil, fmt.Errorf("invalid value %q for option %s: %w", value, shown, err)
	}
	return args, nil
}

func (t tool) option(name string) (option, bool) {
	for _, o := range t.options {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

func (c *call) set(o option, value string) error {
	if !o.takesValue {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return err
		}
		if !on {
			value = ""
		}
	}
	switch o.canonical {
	case "format":
		if value != "json" && value != "yaml" && (value != "smart" || c.name == "goal-state") {
			return fmt.Errorf("unknown format %q", value)
		}
		c.format = value
	case "output":
		c.output = value
	case "relation":
		id, err := c.relationID(value)
		if err != nil {
			return err
		}
		c.relation = id
	case "app":
		c.app = value != ""
	default:
		if c.flags == nil {
			c.flags = map[string]string{}
		}
		c.flags[o.canonical] = value
	}
	return nil
}

// relationID reads "restart:0" or "0"; the name is not looked at, as in Juju.
func (c *call) relationID(value string) (int, error) {
	id, err := strconv.Atoi(value[strings.LastIndex(value, ":")+1:])
	if err != nil {
		return 0, errors.New("invalid relation id")
	}
	if id < 0 || id >= len(c.h.u.rels) || !c.h.u.rels[id].inScope {
		return 0, errors.New("relation not found")
	}
	return id, nil
}

// noMore refuses arguments beyond the first n.
func (c *call) noMore(n int) error {
	if len(c.args) > n {
		return usagef("unrecognized args: %q", c.args[n:])
	}
	return nil
}

// write prints a value in the format asked for.
func (c *call) write(value any) error {
	out, err := format(c.format, value)
	if err != nil {
		return err
	}
	if c.output == "" {
		c.stdout = out
		return nil
	}
	if c.h.m.opts.WriteFile == nil {
		return fmt.Errorf("cannot write %s: no files here", c.output)
	}
	return c.h.m.opts.WriteFile(c.path(c.output), out)
}

func (c *call) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.req.Dir, name)
}

// settings returns the key=value arguments laid over what --file holds.
func (c *call) settings() (map[string]string, error) {
	given := make(map[string]string, len(c.args))
	for _, arg := range c.args {
		if arg == "" {
			continue
		}
		key, value, ok := strings.Cut(arg, "=")
		// Juju trims both, so only --file keeps a value as it is.
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" {
			return nil, usagef(`expected "key=value", got %q`, arg)
		}
		if _, ok := given[key]; ok {
			return nil, usagef("key %q specified more than once", key)
		}
		given[key] = value
	}
	name := c.flags["file"]
	if name == "" {
		return given, nil
	}
	data, err := c.readFile(name)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(data)
	if err != nil {
		return nil, err
	}
	for key, value := range given {
		settings[key] = value
	}
	return settings, nil
}

func (c *call) readFile(name string) ([]byte, error) {
	if name == "-" {
		if !c.req.StdinSet {
			return nil, ErrNoStdin
		}
		return c.req.Stdin, nil
	}
	if c.h.m.opts.ReadFile == nil {
		return nil, fmt.Errorf("cannot read %s: no files here", name)
	}
	return c.h.m.opts.ReadFile(c.path(name))
}
