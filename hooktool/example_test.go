package hooktool_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"rolling-ops/hooktool"
)

// answers stands in for the agent: what each hook tool prints.
type answers map[string]string

func (a answers) Run(_ context.Context, tool string, _ []string, _ []byte) ([]byte, error) {
	answer, ok := a[tool]
	if !ok {
		return nil, &hooktool.Error{Tool: tool, Code: 1, Stderr: "permission denied"}
	}
	return []byte(answer), nil
}

// In a hook the runner is what Auto returns; in a test it can be anything that
// answers as hook tools do.
func ExampleNew() {
	tools := hooktool.New(answers{
		"is-leader":  `true`,
		"config-get": `{"port":5432,"verbose":true}`,
	})
	ctx := context.Background()
	leads, err := tools.IsLeader(ctx)
	if err != nil {
		log.Fatal(err)
	}
	config, err := tools.Config(ctx)
	if err != nil {
		log.Fatal(err)
	}
	port, err := config.Int("port")
	fmt.Println(leads, port, err)
	_, err = config.Int("verbose")
	fmt.Println(err)
	// Output:
	// true 5432 <nil>
	// cannot use "verbose": it must be a whole number
}

// An error names the tool and its arguments, but no value that was to be written.
func ExampleError() {
	tools := hooktool.New(answers{})
	err := tools.RelationSet(context.Background(), "cluster:0", map[string]string{"password": "secret"})
	var failed *hooktool.Error
	fmt.Println(errors.As(err, &failed), failed.Tool, failed.Code)
	fmt.Println(err)
	// Output:
	// true relation-set 1
	// cannot run relation-set -r cluster:0 --file - password=...: exit code 1: permission denied
}
