package agent

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/internal/unitname"
	"rolling-ops/jujusim"

	"github.com/kballard/go-shellquote"
)

// execNames are what juju-exec is called, today and on Juju 2.9.
var execNames = []string{"juju-exec", "juju-run"}

// IsTool reports whether a program started under the name argv0 is to behave as
// one of the programs that a charm finds on its PATH: see ToolMain.
func IsTool(argv0 string) bool {
	name := filepath.Base(argv0)
	return slices.Contains(execNames, name) || slices.Contains(jujusim.Tools(), name)
}

// ToolMain is the main function of a hook tool or juju-exec; args[0] says
// which. It returns the exit code.
func ToolMain(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	run := toolMain
	if slices.Contains(execNames, filepath.Base(args[0])) {
		run = execMain
	}
	resp, err := run(args, stdin)
	resp.writeAll(stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "ERROR %v\n", err)
	}
	return resp.Code
}

// toolMain asks the unit agent to run a hook tool. The tool's stdin is read
// only when the agent says that it is wanted.
func toolMain(args []string, stdin io.Reader) (ExecResponse, error) {
	failed := ExecResponse{Code: 1}
	env := map[string]string{}
	for _, name := range []string{"JUJU_CONTEXT_ID", "JUJU_AGENT_SOCKET_ADDRESS", "JUJU_AGENT_SOCKET_NETWORK"} {
		if env[name] = os.Getenv(name); env[name] == "" {
			return failed, fmt.Errorf("%s not set", name)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return failed, err
	}
	client, err := rpc.Dial(env["JUJU_AGENT_SOCKET_NETWORK"], env["JUJU_AGENT_SOCKET_ADDRESS"])
	if err != nil {
		return failed, err
	}
	defer client.Close()

	req := Request{
		ContextId:   env["JUJU_CONTEXT_ID"],
		Dir:         dir,
		CommandName: filepath.Base(args[0]),
		Args:        args[1:],
	}
	var resp ExecResponse
	err = client.Call(toolMethod, req, &resp)
	if err != nil && err.Error() == jujusim.ErrNoStdin.Error() {
		if req.Stdin, err = io.ReadAll(stdin); err != nil {
			return failed, fmt.Errorf("cannot read stdin: %w", err)
		}
		req.StdinSet = true
		err = client.Call(toolMethod, req, &resp)
	}
	if err != nil {
		return failed, err
	}
	return resp, nil
}

var unitTagPattern = regexp.MustCompile(`^unit-([a-z][a-z0-9-]*)-([0-9]+)$`)

// parseUnit takes a unit's name or tag.
func parseUnit(s string) (string, error) {
	if unitname.Valid(s) {
		return s, nil
	}
	if m := unitTagPattern.FindStringSubmatch(s); m != nil && unitname.Valid(m[1]+"/"+m[2]) {
		return m[1] + "/" + m[2], nil
	}
	return "", fmt.Errorf("%q is not a valid tag", s)
}

var errRelation = errors.New("invalid relation id")

// execMain asks a unit's agent to run a command in its turn.
func execMain(args []string, _ io.Reader) (ExecResponse, error) {
	usage := ExecResponse{Code: 2}
	if id := os.Getenv("JUJU_CONTEXT_ID"); id != "" {
		return usage, fmt.Errorf("%s cannot be called from within a hook, have context %q", filepath.Base(args[0]), id)
	}
	req, err := parseExec(args[1:])
	if err != nil {
		if errors.Is(err, errRelation) {
			usage.Code = 1
		}
		return usage, err
	}
	failed := ExecResponse{Code: 1}
	dir, err := modelDir(args[0])
	if err != nil {
		return failed, err
	}
	unitDir := filepath.Join(dir, "agents", unitTag(req.UnitName))
	if _, err := os.Stat(unitDir); errors.Is(err, os.ErrNotExist) {
		return failed, fmt.Errorf("unit %q not found on this machine", req.UnitName)
	}
	var resp ExecResponse
	if err := call("unix", filepath.Join(unitDir, runSocket), execMethod, req, &resp); err != nil {
		return failed, err
	}
	return resp, nil
}

func parseExec(args []string) (RunCommandsArgs, error) {
	req := RunCommandsArgs{RelationId: -1}
	flags := flag.NewFlagSet("juju-exec", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	unit := flags.String("u", "-", "")
	var relation string
	flags.StringVar(&relation, "r", "", "")
	flags.StringVar(&relation, "relation", "", "")
	flags.StringVar(&req.RemoteUnitName, "remote-unit", "", "")
	flags.StringVar(&req.RemoteApplicationName, "remote-app", "", "")
	flags.BoolVar(&req.ForceRemoteUnit, "force-remote-unit", false, "")
	if err := flags.Parse(args); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			err = fmt.Errorf("option provided but not defined: --%s", name)
		}
		return req, err
	}
	rest := flags.Args()
	if *unit == "-" {
		if len(rest) == 0 {
			return req, errors.New("missing unit-name")
		}
		*unit, rest = rest[0], rest[1:]
	}
	var err error
	if req.UnitName, err = parseUnit(*unit); err != nil {
		return req, err
	}
	if relation != "" {
		id := relation[strings.LastIndex(relation, ":")+1:]
		if req.RelationId, err = strconv.Atoi(id); err != nil {
			return req, errRelation
		}
	}
	switch len(rest) {
	case 0:
		return req, errors.New("missing commands")
	case 1:
		req.Commands = rest[0]
	default:
		req.Commands = shellquote.Join(rest...)
	}
	return req, nil
}

// modelDir finds the model's directory on this machine: named by the
// environment, which whatever a hook starts inherits, or the parent of the
// tools' directory that the program was found in.
func modelDir(argv0 string) (string, error) {
	if dir := os.Getenv(dirVariable); dir != "" {
		return dir, nil
	}
	path, err := exec.LookPath(argv0)
	if err != nil {
		return "", fmt.Errorf("cannot find the simulated model: %w", err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cannot find the simulated model: %w", err)
	}
	return filepath.Dir(filepath.Dir(path)), nil
}
