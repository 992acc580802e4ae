package juju

import (
	"context"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rolling-ops/tests/integration/steps"
)

// TestFaults runs the scripts in which machines fail. They have these steps more:
//
//	lxc stop|start|pause|restart UNIT   stop (by force), start ... the unit's container
//	lxc exec UNIT,... COMMAND...        run a program in the units' containers, past Juju
//	agent-restart UNIT                  restart the Juju agent of the unit's machine
//	model-config KEY=VALUE              set an option of the model
func TestFaults(t *testing.T) {
	scripts(t, "lxd", map[string]func(*testscript.TestScript, bool, []string){
		"lxc": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < 2 {
				ts.Fatalf("usage: lxc ACTION UNIT,... [COMMAND...]")
			}
			for name := range strings.SplitSeq(args[1], ",") {
				onMachine(ts, name, func(ctx context.Context, m *Model, unit string) error {
					return m.Container(ctx, unit, args[0], args[2:]...)
				})
			}
		},
		"agent-restart": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) != 1 {
				ts.Fatalf("usage: agent-restart UNIT")
			}
			onMachine(ts, args[0], func(ctx context.Context, m *Model, unit string) error {
				return m.RestartAgent(ctx, unit)
			})
		},
		"model-config": func(ts *testscript.TestScript, neg bool, args []string) {
			key, value, ok := strings.Cut(strings.Join(args, " "), "=")
			if neg || !ok {
				ts.Fatalf("usage: model-config KEY=VALUE")
			}
			ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
			defer cancel()
			ts.Check(steps.ScriptOf(ts).Backend().(*Model).Configure(ctx, map[string]any{key: value}))
		},
	})
}

// onMachine carries out a step on the machine of a unit.
func onMachine(ts *testscript.TestScript, name string, do func(ctx context.Context, m *Model, unit string) error) {
	script := steps.ScriptOf(ts)
	unit, err := script.Unit(name)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
	defer cancel()
	ts.Check(do(ctx, script.Backend().(*Model), unit))
}
