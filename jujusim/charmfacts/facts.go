package charmfacts

import "encoding/json"

// The keys of the peer relation that the table shows.
const (
	StateKey      = "state"        // of a unit
	OperationsKey = "operations"   // of a unit: a JSON list
	GrantedKey    = "granted_unit" // of the application
)

// The actions that the benchmarks run, with their parameters.
const (
	RestartAction  = "restart"
	FailingAction  = "failed-restart" // lets others go before it is tried again
	DelayParameter = "delay"
	RetryParameter = "max-retry"
)

// Where the charm keeps its files.
const (
	stateVariable   = "ROLLINGOPS_STATE_DIR"
	stateFolder     = "state"
	transitionsFile = "transitions.log"
)

// Env is what the environment of a unit's hooks needs, so that units that share a
// machine keep their state apart; see [rolling-ops/jujusim/agent.Options].
// It also shows the charm the unit's own boots instead of this machine's.
func Env() []string {
	return []string{stateVariable + "={unit-dir}/" + stateFolder, "ROLLINGOPS_BOOT_ID={unit-dir}/boot_id", "ROLLINGOPS_RUN_DIR={unit-dir}/run"}
}

// EnvIn is the first variable of Env for a unit's directory.
func EnvIn(unitDir string) string { return stateVariable + "=" + StateDir(unitDir) }

// StateDir is where a charm with Env in its environment keeps its state, in a
// unit's directory.
func StateDir(unitDir string) string { return unitDir + "/" + stateFolder }

// TransitionsLog is where such a charm logs its transitions.
func TransitionsLog(unitDir string) string { return StateDir(unitDir) + "/" + transitionsFile }

// QueueLength counts the operations that wait on a unit, in its databag's
// OperationsKey; -1 if there is no list.
func QueueLength(operations string) int {
	var entries []json.RawMessage
	if json.Unmarshal([]byte(operations), &entries) != nil {
		return -1
	}
	return len(entries)
}
