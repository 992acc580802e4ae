package jujusim

import (
	"maps"
	"slices"
)

// Clone returns an independent copy, with the hooks that run: [Model.Hook] finds
// them. Options, charms, clock and observer are shared.
func (m *Model) Clone() *Model {
	c := *m
	relations := make([]relation, len(m.relations))
	c.relations = make([]*relation, len(m.relations))
	for i, r := range m.relations {
		relations[i] = *r
		relations[i].bags = slices.Clone(r.bags)
		c.relations[i] = &relations[i]
	}
	units := make([]unit, len(m.units))
	c.units = make([]*unit, len(m.units))
	for i, u := range m.units {
		units[i] = *u
		c.units[i] = &units[i]
		c.units[i].detach(&c)
	}
	c.principalApps = slices.Clone(m.principalApps)
	c.principals = slices.Clone(m.principals)
	// Slices that only grow are shared: the copy gets no room behind their end, so
	// it moves away before it appends.
	c.done = slices.Clip(m.done)
	return &c
}

// detach gives a unit that was copied its own slices and hook.
func (u *unit) detach(m *Model) {
	u.rels = slices.Clone(u.rels)
	for i := range u.rels {
		u.rels[i].peers = slices.Clone(u.rels[i].peers)
	}
	// A queued action does not change before it runs, a queued or failed run not
	// at all.
	u.actions = slices.Clip(u.actions)
	u.execs = slices.Clip(u.execs)
	if u.hook != nil {
		u.hook = u.hook.clone(m, u)
	}
}

func (h *Hook) clone(m *Model, u *unit) *Hook {
	c := *h
	c.m, c.u = m, u
	c.rels = slices.Clone(h.rels)
	for i := range c.rels {
		r := &c.rels[i]
		r.ownChanges = maps.Clone(r.ownChanges)
		r.appChanges = maps.Clone(r.appChanges)
		r.others = maps.Clone(r.others)
	}
	c.state = maps.Clone(h.state)
	c.opened, c.closed = slices.Clone(h.opened), slices.Clone(h.closed)
	if h.action != nil {
		action := *h.action
		action.results = cloneTree(action.results)
		action.log = slices.Clip(action.log)
		c.action = &action
	}
	return &c
}

func cloneMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

// cloneTree copies the nested maps that action-set makes.
func cloneTree(m map[string]any) map[string]any {
	c := maps.Clone(m)
	for key, value := range c {
		if sub, ok := value.(map[string]any); ok {
			c[key] = cloneTree(sub)
		}
	}
	return c
}
