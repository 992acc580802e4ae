package rollingops

import (
	"context"
	"maps"
	"slices"

	"rolling-ops/internal/unitname"
)

// Goal-state names no unit of a subordinate charm. It names the units of the
// applications that the charm is integrated with, beside each of which one of the
// subordinate's is: its principal. It forgets a principal that leaves while the
// subordinate is still at work, so that the lock is taken only from one that has
// left the peer relation as well. docs/protocol.md has the argument.

// readPrincipal returns the unit that a databag names, "" for what is no unit.
func readPrincipal(name string) string {
	if !unitname.Valid(name) {
		return ""
	}
	return name
}

// principalText is the value of KeyGrantedPrincipal.
func (g grant) principalText() string {
	if g.free() || g.principal == "" {
		return ""
	}
	return g.unit + " " + g.principal
}

// mayStillRun reports whether a holder whose principal goal-state does not name may
// be there all the same. It is not once this unit has heard of its departure, which
// is in that very hook or when nothing else waits to be heard: a unit that it does
// not list in other hooks may have just joined.
func (h *Hook) mayStillRun(unit string) bool {
	heard := h.view.unlisted(unit) && (h.event.Departing == unit || h.event.Kind == UpdateStatus)
	return h.m.Principal != "" && !heard
}

// partWithLock gives the lock back in a subordinate's last hooks, as nobody else
// may ever know that it is gone. From then on it asks for nothing.
func (h *Hook) partWithLock() {
	if h.m.Principal == "" || !h.event.Leaving || h.view.leads {
		return
	}
	if h.own.state != "" {
		h.own.state = Idle
	}
	if h.holdsUnused() {
		h.m.Log.Info("leaving, lock given back unused")
		h.endAttempt()
	}
}

// hasLeft reports whether a unit of a subordinate charm is no member of the peer
// relation, as far as this hook knows. That takes the lock from nobody.
func (h *Hook) hasLeft(unit string) bool {
	return h.m.Principal != "" && unit != h.m.Unit && unit != h.grant.unit && h.view.unlisted(unit)
}

// applicationUnits are all units, once candidates has asked for what it needs.
func (h *Hook) applicationUnits() []string {
	if h.m.Principal != "" {
		return append([]string{h.m.Unit}, h.view.members...)
	}
	return slices.Collect(maps.Keys(h.view.goal))
}

// stays reports whether the application has the unit and means to keep it.
func (h *Hook) stays(unit string) bool {
	leaving, exists := h.view.whereabouts(unit)
	return exists && !leaving && !h.hasLeft(unit)
}

// besidePrincipal reports whether the attempt may begin: always, unless the unit
// is a subordinate that has left the relation with its principal, or can't tell.
func (h *Hook) besidePrincipal(ctx context.Context) bool {
	if h.m.Principal == "" {
		return true
	}
	beside, err := h.m.Juju.Beside(ctx)
	if err != nil {
		h.m.Log.Warn("cannot tell whether the principal is there, the operation has to wait", "principal", h.m.Principal, "error", err)
	} else if !beside {
		h.m.Log.Info("in no relation with the principal, the operation has to wait", "principal", h.m.Principal)
	}
	h.apart = err != nil || !beside
	return !h.apart
}

// Principals returns which units are beside which, as far as this hook has read:
// after Survey of all. It is empty unless the charm is a subordinate one.
func (h *Hook) Principals() map[string]string {
	principals := make(map[string]string)
	if h.m.Principal == "" {
		return principals
	}
	for _, unit := range append([]string{h.m.Unit, h.grant.unit}, slices.Collect(maps.Keys(h.view.others))...) {
		if principal := h.view.principalOf(unit); unit != "" && principal != "" {
			principals[unit] = principal
		}
	}
	return principals
}
