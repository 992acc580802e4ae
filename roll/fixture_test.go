package roll

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rolling-ops/hooktool"
)

// juju is one hook of db/0 at a time, as far as the hook tools show it.
type juju struct {
	leader   bool
	noPeers  bool
	app      map[string]string
	units    map[string]map[string]string
	calls    []string // tools that tell Juju something, with what
	failing  string   // the tool that does not work
	stateDir string
	log      bytes.Buffer
}

const local = "db/0"

// newJuju is an application of two units, led by the other. Its worker does
// nothing.
func newJuju(t testing.TB) *juju {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dispatch"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &juju{stateDir: dir, app: map[string]string{}, units: map[string]map[string]string{local: {}, "db/1": {}}}
}

// grant gives db/0 the lock.
func (j *juju) grant() {
	j.app = map[string]string{"granted_unit": local, "granted_at": "2026-01-01T00:00:00+00:00"}
}

func (j *juju) environment(dispatchPath string) Environment {
	env := map[string]string{
		"JUJU_DISPATCH_PATH": dispatchPath, "JUJU_UNIT_NAME": local, "JUJU_CHARM_DIR": j.stateDir,
		"JUJU_RELATION_ID": "peers:0", "ROLLINGOPS_STATE_DIR": j.stateDir,
	}
	return Environment{
		Getenv: func(name string) string { return env[name] },
		Tools:  hooktool.New(j),
		Log:    slog.New(slog.NewTextHandler(&j.log, nil)),
	}
}

// Run implements hooktool.Runner.
func (j *juju) Run(_ context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	if tool == j.failing {
		return nil, &hooktool.Error{Tool: tool, Code: 1, Stderr: "it does not work"}
	}
	app := slices.Contains(args, "--app")
	switch tool {
	case "is-leader":
		return json.Marshal(j.leader)
	case "relation-ids":
		if j.noPeers {
			return []byte("[]"), nil
		}
		return []byte(`["peers:0"]`), nil
	case "relation-list":
		return []byte(`["db/1"]`), nil
	case "relation-get":
		if app {
			return json.Marshal(j.app)
		}
		return json.Marshal(j.units[args[len(args)-1]])
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
		return nil, nil
	case "goal-state":
		return []byte(`{"units":{"db/0":{"status":"active"},"db/1":{"status":"active"}}}`), nil
	case "status-set", "action-fail":
		j.calls = append(j.calls, tool+" "+strings.TrimPrefix(strings.Join(args, " "), "-- "))
		return nil, nil
	}
	return nil, fmt.Errorf("unexpected call of %s", tool)
}
