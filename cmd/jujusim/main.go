// Command jujusim runs a charm, in any language, on a Juju model that is
// simulated on this machine.
package main

import (
	"os"

	cli "rolling-ops/internal/simcli"
	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/jujulike"
)

func main() {
	// The hook tools of the models are links to this program.
	if agent.IsTool(os.Args[0]) {
		os.Exit(agent.ToolMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	// In a shell of "jujusim shell", so is juju.
	if jujulike.IsJuju(os.Args[0]) {
		os.Exit(jujulike.Main(os.Args, os.Stdout, os.Stderr))
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
