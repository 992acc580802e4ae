package script_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/script"
)

// A script is checked as a whole before its first step runs.
func ExampleParse() {
	_, err := script.Parse("roll.txt", strings.NewReader(`deploy 3
run all
expect no-overlaps
`))
	fmt.Println(err)
	// Output:
	// roll.txt:2: cannot parse: run is not complete; usage: run UNITS ACTION [KEY=VALUE...] [&]
	// roll.txt:3: cannot parse: no condition is called "no-overlaps"; there are: databag, leader, no-overlap, running, status, units; usage: expect CONDITION
}

// Steps tell what they do, and stop at the first that fails.
func ExampleRun() {
	steps, err := script.Parse("greet.txt", strings.NewReader(`
# Two units, of which one greets.
deploy 2
wait idle
run gate/1 greet name=you
! run gate/0 refuse
expect leader gate/1
`))
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cluster, err := agent.New(agent.Options{
		CharmDir: "../agent/testdata/charm",
		Dir:      dir,
		Env:      []string{"GATE_STATE={unit-dir}/state", "GORACE=atexit_sleep_ms=0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	fmt.Println(script.Run(context.Background(), cluster, steps, ".", os.Stdout))
	// Output:
	// > deploy 2
	// > wait idle
	// > run gate/1 greet name=you
	//   gate/1 greet: completed
	//     greeting you
	//     reply: hello you
	//     return-code: 0
	// > ! run gate/0 refuse
	//   gate/0 refuse: failed
	//     return-code: 0
	//   fails as it should: refuse on gate/0 failed: as asked
	// > expect leader gate/1
	// greet.txt:7: expect leader gate/1: gate/0 leads
}
