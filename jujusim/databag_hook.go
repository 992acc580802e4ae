package jujusim

import (
	"errors"
	"fmt"
	"maps"
)

// What a hook sees of the databags, whenever it looks, and what becomes of what
// it writes: the rules by which Juju caches, and keeps back until the commit.

// Members returns the other units that relation-list names: those whose
// relation-joined ran here, or is running, and whose relation-departed did not.
func (h *Hook) Members(relation int) []string {
	names := []string{}
	if h.inRelation(relation) != nil {
		return names
	}
	s := &h.u.rels[relation]
	for i := range s.peers {
		if v := &s.peers[i]; h.isMember(relation, v) {
			names = append(names, v.unit)
		}
	}
	return names
}

func (h *Hook) isMember(relation int, v *view) bool {
	if h.run.RelationID == relation && h.run.RemoteUnit == v.unit {
		return h.run.step != stepDeparted
	}
	return v.joined
}

// ReadUnit returns a unit's databag as relation-get does. The own databag comes
// with the hook's writes; a member's as it was when first read since its last
// relation-changed; any other as it was when first read in this hook. The map
// must not be changed.
func (h *Hook) ReadUnit(relation int, unit string) (map[string]string, error) {
	if err := h.inRelation(relation); err != nil {
		return nil, err
	}
	r := &h.rels[relation]
	if unit == h.u.name {
		return h.own(relation), nil
	}
	v := h.u.rels[relation].peer(unit)
	member := v != nil && h.isMember(relation, v)
	if member && v.cache != nil {
		return v.cache, nil
	}
	if data, ok := r.others[unit]; ok && !member {
		return data, nil
	}
	b := h.m.relations[relation].bag(unit)
	if b == nil {
		return nil, errors.New("relation unit not found")
	}
	if member {
		v.cache = b.data
		return b.data, nil
	}
	if r.others == nil {
		r.others = map[string]map[string]string{}
	}
	r.others[unit] = b.data
	return b.data, nil
}

// ReadApp returns the application databag as relation-get --app does: read at
// most once in a hook. Only a unit that is leader when it asks sees what it wrote
// itself in this hook. The map must not be changed.
func (h *Hook) ReadApp(relation int, app string) (map[string]string, error) {
	if err := h.inRelation(relation); err != nil {
		return nil, err
	}
	if remote := h.m.relations[relation].remote; remote != "" && app == remote {
		return map[string]string{}, nil // a principal writes nothing
	}
	if app != h.m.app {
		return nil, fmt.Errorf("getting application %q not found", app)
	}
	if h.isLeader() {
		return h.appOwn(relation), nil
	}
	r := &h.rels[relation]
	if r.appSeen == nil {
		r.appSeen = orEmpty(h.m.relations[relation].app)
	}
	return r.appSeen, nil
}

// WriteUnit keeps changes of the own databag for the commit, as relation-set
// does; "" deletes.
func (h *Hook) WriteUnit(relation int, changes map[string]string) error {
	if err := h.inRelation(relation); err != nil {
		return err
	}
	r := &h.rels[relation]
	r.own = maps.Clone(h.own(relation))
	if r.ownChanges == nil {
		r.ownChanges = make(map[string]string, len(changes))
	}
	merge(r.own, changes)
	maps.Copy(r.ownChanges, changes)
	return nil
}

// WriteApp keeps changes of the application databag for the commit, as
// relation-set --app does. It fails unless the unit is leader now; the commit
// fails unless it is leader then.
func (h *Hook) WriteApp(relation int, changes map[string]string) error {
	if err := h.inRelation(relation); err != nil {
		return err
	}
	if !h.isLeader() {
		return errors.New("cannot write relation settings")
	}
	r := &h.rels[relation]
	r.app = maps.Clone(h.appOwn(relation))
	if r.appChanges == nil {
		r.appChanges = make(map[string]string, len(changes))
	}
	r.appDirty = true
	merge(r.app, changes)
	maps.Copy(r.appChanges, changes)
	return nil
}

// inRelation reports whether the hook can use a relation.
func (h *Hook) inRelation(relation int) error {
	if h.over != nil {
		return h.over
	}
	if relation < 0 || relation >= len(h.rels) || !h.u.rels[relation].inScope {
		return errors.New("relation not found")
	}
	return nil
}

// own returns the unit's databag with its writes.
func (h *Hook) own(relation int) map[string]string {
	r := &h.rels[relation]
	if r.own == nil {
		if b := h.m.relations[relation].bag(h.u.name); b != nil {
			r.own = b.data
		}
		r.own = orEmpty(r.own)
	}
	return r.own
}

// appOwn returns the application databag as the leader loaded it, with its
// writes.
func (h *Hook) appOwn(relation int) map[string]string {
	r := &h.rels[relation]
	if r.app == nil {
		r.app = orEmpty(h.m.relations[relation].app)
	}
	return r.app
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
