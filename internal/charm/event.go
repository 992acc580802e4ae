package charm

import "rolling-ops/internal/unit"

// PeerRelation is the endpoint in metadata.yaml that the units share.
const PeerRelation = "restart"

// Event is what Juju runs the charm for.
type Event = unit.Event

// ParseEvent reads the event off the environment: see unit.ParseEvent.
func ParseEvent(getenv func(string) string) (Event, error) {
	return unit.ParseEvent(getenv, PeerRelation)
}
