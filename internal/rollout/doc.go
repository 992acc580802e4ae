// Package rollout is the data of rollouts as pure values: what stands in the
// databags, how it is read and written, and which changes it may go through.
// The library of rolling-ops acts on it and the operator's program shows it;
// neither knows the other.
//
// A rollout is one operation over the units of an application, one unit at a
// time. The leader writes the Record of the newest one; every unit that the
// record names answers with a Step. Texts come from other machines: the Parse
// functions bound them and check every field, and what the Encode methods write
// is within the bounds.
//
//	key                  databag      value
//	rollingops-rollout   application  Record, at most 1 KiB
//	rollingops-grant     application  Grant: the grant of the lock is for a step of that rollout
//	rollingops-history   application  History, at most 1 KiB: the last 5 ended rollouts, the newest first
//	rollingops-step      unit         Step, at most 400 B
//	rollingops-last      unit         Last, at most 300 B
//
// # Results of the actions
//
// start-rollout, pause-rollout, resume-rollout and abort-rollout set these
// results, all of them strings; clients rely on the names.
//
//	changed  true or false: whether the record was written
//	rollout  the id, as 7
//	token    the token of the record as it is now, as 7.3: what the parameter expect takes
//	state    running, paused, done or aborted
//	message  what the action did
//	next     the command that an operator types next
//
// show-rollout sets the same, changed being false, and one more: text for
// format=text; json for format=json, an object of record, lock ({"unit","at"},
// absent while it is free), units (a list of {"unit","phase","step","last"}
// with the words of Phase) and history. Where there is no rollout, rollout,
// token and state are absent.
package rollout

// Keys of the databags. They begin with rollingops- as all keys that are not
// those of the Python library.
const (
	KeyRecord  = "rollingops-rollout" // application
	KeyGrant   = "rollingops-grant"   // application
	KeyHistory = "rollingops-history" // application
	KeyStep    = "rollingops-step"    // unit
	KeyLast    = "rollingops-last"    // unit
)

// Names of the actions, of their parameters and of their results.
const (
	ActionStart  = "start-rollout"
	ActionPause  = "pause-rollout"
	ActionResume = "resume-rollout"
	ActionAbort  = "abort-rollout"
	ActionShow   = "show-rollout"

	ParamOperation   = "operation"
	ParamUnits       = "units"
	ParamPauseAfter  = "pause-after"
	ParamMaxFailures = "max-failures"
	ParamRetries     = "retries"
	ParamReason      = "reason"
	ParamExpect      = "expect"
	ParamSkip        = "skip"
	ParamFormat      = "format"

	ResultChanged = "changed"
	ResultRollout = "rollout"
	ResultToken   = "token"
	ResultState   = "state"
	ResultMessage = "message"
	ResultNext    = "next"
	ResultText    = "text"
	ResultJSON    = "json"
)
