// juju-rolling-ops shows and drives rollouts of an application's units; also as
// a plugin of juju, where that finds it on PATH: juju rolling-ops.
package main

import (
	"os"
	_ "time/tzdata" // windows name time zones, and the operator's machine may know none

	"rolling-ops/internal/operator"
)

func main() { os.Exit(operator.Main(os.Args, os.Stdout, os.Stderr)) }
