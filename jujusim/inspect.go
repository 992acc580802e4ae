package jujusim

import (
	"fmt"
	"maps"
)

// RelationInfo is a peer relation.
type RelationInfo struct {
	ID   int    // what Hook's methods take
	Name string // the endpoint's
	Key  string // "restart:0", what hook tools take
}

// Relations returns the peer relations by id.
func (m *Model) Relations() []RelationInfo {
	var infos []RelationInfo
	for _, r := range m.relations {
		if r.remote != "" {
			continue
		}
		infos = append(infos, RelationInfo{ID: r.id, Name: r.endpoint.Name, Key: r.key})
	}
	return infos
}

// UnitDatabag returns a unit's databag in a relation as committed, also of a
// unit that has left. The map must not be changed.
func (m *Model) UnitDatabag(relation int, unit string) map[string]string {
	if relation < 0 || relation >= len(m.relations) {
		return nil
	}
	if b := m.relations[relation].bag(unit); b != nil {
		return b.data
	}
	return nil
}

// AppDatabag returns the application's databag in a relation as committed. The
// map must not be changed.
func (m *Model) AppDatabag(relation int) map[string]string {
	if relation < 0 || relation >= len(m.relations) {
		return nil
	}
	return m.relations[relation].app
}

// OverwriteUnitDatabag changes a unit's databag from outside of any hook, to
// model data that came to be by other means. "" deletes. The other units hear of
// it.
func (m *Model) OverwriteUnitDatabag(relation int, unit string, changes map[string]string) error {
	if relation < 0 || relation >= len(m.relations) || m.relations[relation].bag(unit) == nil {
		return fmt.Errorf("cannot overwrite databag: %s is in no relation %d", unit, relation)
	}
	m.writeUnit(relation, unit, maps.Clone(changes))
	return nil
}
