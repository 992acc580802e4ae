// Package hooktool gives a charm Juju's hook tools as typed Go calls.
//
// A [Tools] is made once a hook and asked for what the charm needs:
//
//	transport, err := hooktool.Auto(os.Getenv)
//	if err != nil {
//		return err
//	}
//	defer transport.Close()
//	tools := hooktool.New(transport)
//	leader, err := tools.IsLeader(ctx)
//
// How a call reaches the unit agent is the business of a [Runner]. [Socket] speaks to the agent directly, over the
// Unix socket that Juju names in the hook's environment, and costs no process. [Programs] runs the hook-tool programs
// that Juju puts on PATH. [Auto] takes the first and falls back to the second. Both give the same answers, the same
// errors and the same limits.
//
// Writes to databags and state (relation-set, state-set) are buffered by the agent and committed together when the hook
// succeeds; status-set, action-* and juju-log act at once.
//
// Every failed call is an [*Error]. It names the tool and its arguments, but never a value that was to be written:
// databags and action results may hold secrets, and errors end up in logs.
package hooktool
