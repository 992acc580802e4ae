package simtest_test

import (
	"context"
	"fmt"
	"testing"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/simtest"
)

// The test of a charm: a script that operates it and says what must have come of
// it. In a test t is its parameter.
func ExampleRun() {
	test := func(t testing.TB) {
		simtest.Run(t, agent.Options{
			CharmDir: "../agent/testdata/charm",
			Env:      []string{"GATE_STATE={unit-dir}/state"}, // for a charm that keeps files elsewhere
		}, 2, `
			run leader share note=hello
			wait idle
			expect databag leader note hello
			expect status all active
			agent-restart follower
			wait idle
			expect no-overlap
		`)
	}
	fmt.Printf("failure: %q\n", record(test).fatal)
	// Output: failure: ""
}

// A test that needs more than a script can say drives the model itself.
func ExampleDeploy() {
	test := func(t testing.TB) {
		model := simtest.Deploy(t, agent.Options{
			CharmDir: "../agent/testdata/charm",
			Env:      []string{"GATE_STATE={unit-dir}/state"},
		}, 2)
		result, err := model.RunAction(context.Background(), "gate/0", "greet", nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(result.Results["reply"])
	}
	fmt.Printf("failure: %q\n", record(test).fatal)
	// Output:
	// hello world
	// failure: ""
}
