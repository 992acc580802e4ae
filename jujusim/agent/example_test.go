package agent_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"rolling-ops/jujusim/agent"
)

// The program that calls New is what the charm finds as hook tools on its PATH,
// so its main function begins like this; see package simtest for tests.
func ExampleIsTool() {
	main := func() {
		if agent.IsTool(os.Args[0]) {
			os.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
		}
		// ...
	}
	main()
	// Output:
}

// Two units of a charm in shell are deployed, one runs an action, and leadership
// moves.
func Example() {
	dir, err := os.MkdirTemp("", "sim") // a short path: sockets are in there
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	cluster, err := agent.New(agent.Options{
		CharmDir: "testdata/charm",
		Dir:      dir,
		Env:      []string{"GATE_STATE={unit-dir}/state", "GORACE=atexit_sleep_ms=0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	for range 2 {
		if _, err := cluster.AddUnit(); err != nil {
			log.Fatal(err)
		}
	}
	if err := cluster.WaitIdle(ctx, false); err != nil {
		log.Fatal(err)
	}

	result, err := cluster.RunAction(ctx, "gate/1", "greet", map[string]any{"name": "you"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Status, result.Results["reply"])

	if err := cluster.Elect(ctx, "gate/1"); err != nil {
		log.Fatal(err)
	}
	answer, err := cluster.Exec(ctx, "gate/1", "is-leader")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("leader: %s", answer.Stdout)
	for _, unit := range cluster.Status().Units {
		fmt.Println(unit.Name, unit.Status, unit.Message)
	}
	// Output:
	// completed hello you
	// leader: True
	// gate/0 active ready hello
	// gate/1 active ready hello
}
