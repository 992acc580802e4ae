package jujusim

import (
	"fmt"
	"maps"
	"sort"
)

// relation is a peer relation as the controller has it, or the one between a
// subordinate and an application of principals. The maps in it are replaced, never
// changed: views and clones share them.
type relation struct {
	id       int
	key      string // as hook tools write it: "restart:0"
	endpoint Endpoint
	remote   string // the application of the principals; empty for a peer relation
	ends     bool   // it is being removed
	app      map[string]string
	written  bool // the application databag was ever written
	bags     []bag
}

// bag is the databag of a unit. It outlives the unit, as in Juju.
type bag struct {
	unit    string
	data    map[string]string
	inScope bool
}

// addBag gives a unit that comes its databag.
func (r *relation) addBag(unit, address string) {
	at := searchBag(r.bags, unit)
	if at == len(r.bags) || r.bags[at].unit != unit {
		r.bags = append(r.bags, bag{})
		copy(r.bags[at+1:], r.bags[at:])
	}
	r.bags[at] = bag{unit: unit, inScope: true, data: map[string]string{
		"egress-subnets":  address + "/32",
		"ingress-address": address,
	}}
}

func (r *relation) bag(unit string) *bag {
	if i := searchBag(r.bags, unit); i < len(r.bags) && r.bags[i].unit == unit {
		return &r.bags[i]
	}
	return nil
}

// membership is what one unit's agent knows of one relation.
type membership struct {
	watched bool // of the relation with other principals: it was there when the agent started
	inScope bool // the agent knows of it
	created bool // relation-created ran
	// changedPending is the unit that just joined: its relation-changed is next.
	changedPending string
	app            view
	peers          []view // the others, by name
}

// view is what one unit's agent knows of one databag in the relation.
type view struct {
	unit   string // empty for the application
	joined bool   // relation-joined ran here
	gone   bool   // the controller says it left
	dirty  bool   // changed since its relation-changed ran here
	held   bool   // events are delayed, see Model.Hold
	missed bool   // events were lost until an agent restart or a new change
	// cache is the databag as first read here since its last relation-changed.
	cache map[string]string
}

func (v *view) quiet() bool { return v.held || v.missed }

func (s *membership) peer(unit string) *view {
	i := sort.Search(len(s.peers), func(i int) bool { return s.peers[i].unit >= unit })
	if i < len(s.peers) && s.peers[i].unit == unit {
		return &s.peers[i]
	}
	return nil
}

func (s *membership) addPeer(unit string) {
	i := sort.Search(len(s.peers), func(i int) bool { return s.peers[i].unit >= unit })
	s.peers = append(s.peers, view{})
	copy(s.peers[i+1:], s.peers[i:])
	s.peers[i] = view{unit: unit}
}

func (s *membership) dropPeer(unit string) {
	for i := range s.peers {
		if s.peers[i].unit == unit {
			s.peers = append(s.peers[:i], s.peers[i+1:]...)
			return
		}
	}
}

// enterScope makes u a member of every relation that its charm knows.
func (m *Model) enterScope(u *unit) {
	if !u.installed || u.dying || u.down || u.queued != nil || u.failed != nil {
		return
	}
	for i, r := range m.relations {
		s := &u.rels[i]
		if s.inScope || !u.takesPartIn(r, i) {
			continue
		}
		s.inScope = true
		s.app.dirty = r.written
		if r.remote == "" || i == u.host {
			r.addBag(u.name, unitAddress(u.num))
		}
		for _, p := range m.principals {
			if p.app == r.remote && !p.dying {
				s.addPeer(p.name)
			}
		}
		for _, other := range m.units {
			if other == u || !other.rels[i].inScope || r.remote != "" {
				continue
			}
			other.rels[i].addPeer(u.name)
			if !m.opts.EarlyDepartures || !other.dying {
				s.addPeer(other.name)
			}
		}
	}
}

// watchHosts is the start of the unit's agent: see [Model.Integrate].
func (u *unit) watchHosts(m *Model) {
	for i, r := range m.relations {
		u.rels[i].watched = r.remote != ""
	}
}

// takesPartIn reports whether the unit's agent knows of a relation, if its charm
// has a peer relation of that name.
func (u *unit) takesPartIn(r *relation, i int) bool {
	if r.remote != "" {
		return i == u.host || u.rels[i].watched && !r.ends
	}
	_, isPeer := u.charm.peer(r.endpoint.Name)
	return isPeer
}

func unitAddress(num int) string {
	return fmt.Sprintf("10.0.%d.%d", num/250, num%250+1)
}

// depart tells the others that a unit is no longer in the relations.
func (m *Model) depart(name string) {
	for _, u := range m.units {
		for i := range u.rels {
			if v := u.rels[i].peer(name); v != nil && !v.gone {
				v.gone = true
				v.missed = m.opts.LostDepartures
			}
		}
		u.tidy()
	}
}

// tidy forgets units that left before they were ever seen to join.
func (u *unit) tidy() {
	if u.hook != nil || u.failed != nil {
		return
	}
	for i := range u.rels {
		s := &u.rels[i]
		for j := len(s.peers) - 1; j >= 0; j-- {
			if v := s.peers[j]; v.gone && !v.joined {
				s.dropPeer(v.unit)
			}
		}
	}
}

// apply returns the databag that changes make of old ("" deletes), or old itself
// and false if they change nothing.
func apply(old, changes map[string]string) (map[string]string, bool) {
	differs := false
	for key, value := range changes {
		if old[key] != value {
			differs = true
			break
		}
	}
	if !differs {
		return old, false
	}
	next := make(map[string]string, len(old)+len(changes))
	maps.Copy(next, old)
	merge(next, changes)
	return next, true
}

// merge writes changes into bag; "" deletes.
func merge(bag, changes map[string]string) {
	for key, value := range changes {
		if value == "" {
			delete(bag, key)
		} else {
			bag[key] = value
		}
	}
}

// writeUnit commits changes to a unit databag and tells every other unit.
func (m *Model) writeUnit(i int, writer string, changes map[string]string) bool {
	b := m.relations[i].bag(writer)
	if b == nil {
		return false
	}
	next, changed := apply(b.data, changes)
	if !changed {
		return false
	}
	b.data = next
	for _, u := range m.units {
		if v := u.rels[i].peer(writer); v != nil {
			v.dirty, v.missed = true, v.missed && v.gone
		}
	}
	return true
}

// writeApp commits changes to the application databag and tells every unit.
func (m *Model) writeApp(i int, writer string, changes map[string]string) bool {
	r := m.relations[i]
	next, changed := apply(r.app, changes)
	if !changed {
		return false
	}
	r.app, r.written = next, true
	for _, u := range m.units {
		if !u.rels[i].inScope || (m.opts.QuietWriter && u.name == writer) {
			continue
		}
		u.rels[i].app.dirty, u.rels[i].app.missed = true, false
	}
	return true
}
