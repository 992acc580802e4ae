package rollingops

import "rolling-ops/internal/rollout"

// Keys of the databags, fixed by the protocol. Those that begin with
// "rollingops-" are ours, others leave them alone.
const (
	KeyState       = "state"
	KeyOperations  = "operations"
	KeyExecutedAt  = "executed_at"
	KeyGrantedUnit = "granted_unit"
	KeyGrantedAt   = "granted_at"

	// KeyExecutedAtCopy is executed_at once more, written with it: a stamp that
	// something else than the unit puts back stays what it was.
	KeyExecutedAtCopy = "rollingops-executed-at"
	// KeyRetryNow is executed_at of the failed attempt after which the unit need
	// not pause: an operator wants the retry now. The retry uses it up.
	KeyRetryNow = "rollingops-retry-now"
	// KeyPrincipal is the unit that a unit of a subordinate charm is beside.
	KeyPrincipal = "rollingops-principal"
	// KeyPrimary says that the unit asked for the last turn when it answered.
	KeyPrimary = "rollingops-primary"
	// KeyGrantedPrincipal is granted_unit and, after a space, what that has in
	// KeyPrincipal: the databag of a holder that is gone may not be readable.
	KeyGrantedPrincipal = "rollingops-granted-principal"
	// KeyNudge is granted_at of the grant whose holder the leader has nudged.
	KeyNudge = "rollingops-nudge"
	// KeyForced is who lost the lock to an operator and has not committed
	// anything since, see marks.
	KeyForced = "rollingops-forced"
)

// UnitKeys are the keys of a unit's databag that count.
var UnitKeys = []string{KeyState, KeyOperations, KeyExecutedAt, KeyExecutedAtCopy, KeyRetryNow, KeyPrincipal, KeyPrimary, rollout.KeyStep, rollout.KeyLast}

// AppKeys are the keys of the application databag that count.
var AppKeys = []string{KeyGrantedUnit, KeyGrantedAt, KeyGrantedPrincipal, KeyForced, KeyNudge, rollout.KeyRecord, rollout.KeyGrant, rollout.KeyHistory}
