// juju-rolling-ops shows and drives rollouts of an application's units; also as
// a plugin of juju, where that finds it on PATH: juju rolling-ops.
package main

import (
	"os"

	"rolling-ops/internal/operator"
)

func main() { os.Exit(operator.Main(os.Args, os.Stdout, os.Stderr)) }
