package jujusim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A subordinate application has a unit beside each unit of the applications that
// it is integrated with: its principals. Of those the model knows no more than
// which units there are and which of them are leaving.

// principalApp is an application that this one is subordinate to.
type principalApp struct {
	name  string
	next  int // number of its next unit
	host  int // the relation with it
	since time.Time
}

// principal is one of its units.
type principal struct {
	app   string
	name  string
	unit  string // the subordinate beside it; empty when that is gone
	dying bool
	since time.Time
}

// PrincipalInfo is a unit of a principal application.
type PrincipalInfo struct {
	Name string // "postgresql/0"
	Life string // alive or dying
	Unit string // the subordinate beside it; empty when that is gone
}

// ErrSubordinate means that the units of a subordinate application come and go
// with their principals.
var ErrSubordinate = errors.New("the application is subordinate: its units come and go with their principals'")

// Integrate integrates the subordinate application with a principal one, which has
// no units yet, unless it is already.
//
// As of Juju 4.1, the agent of each unit of the subordinate watches the relations
// with all principal applications that there are when it starts, with all units of
// those. One that is made later it watches if it is with its own principal.
func (m *Model) Integrate(app string) error {
	switch {
	case !m.charm.Subordinate:
		return fmt.Errorf("cannot integrate with %s: charm %s is not subordinate", app, m.charm.Name)
	case !nameRule.MatchString(app) || app == m.app:
		return fmt.Errorf("cannot integrate with %q: no name of another application", app)
	}
	switch a := m.principalApp(app); {
	case a == nil:
		m.principalApps = append(m.principalApps, principalApp{name: app, host: m.addHostRelation(app), since: m.Time()})
	case m.relations[a.host].ends:
		return fmt.Errorf("cannot integrate with %s: its relation is being removed", app)
	}
	return nil
}

// AddPrincipalUnit adds a unit to a principal application, which the subordinate
// one is integrated with if it was not, and a unit of the subordinate beside it.
func (m *Model) AddPrincipalUnit(app string) (principalUnit, unit string, err error) {
	if err := m.Integrate(app); err != nil {
		return "", "", err
	}
	a := m.principalApp(app)
	p := principal{app: app, name: fmt.Sprintf("%s/%d", app, a.next), since: m.Time()}
	a.next++
	m.relations[a.host].addBag(p.name, unitAddress(m.nextUnit)) // both are on one machine
	for _, u := range m.units {
		if u.rels[a.host].inScope {
			u.rels[a.host].addPeer(p.name)
		}
	}
	p.unit = m.addUnit(p.name, a.host)
	m.principals = append(m.principals, p)
	return p.name, p.unit, nil
}

// RemovePrincipalUnit tells a principal's unit to leave, and so its subordinate.
// The principal waits until that is gone. By force both are gone at once.
func (m *Model) RemovePrincipalUnit(name string, force bool) error {
	i := m.principalIndex(name)
	if i < 0 {
		return fmt.Errorf("cannot remove %s: %w", name, ErrNoUnit)
	}
	m.principals[i].dying = true
	m.depart(name) // it waits for nothing before it leaves the relation
	u, err := m.unit(m.principals[i].unit)
	switch {
	case err != nil: // its subordinate is gone already
		m.dropPrincipal(name)
		return nil
	case force:
		m.dropPrincipal(name)
		m.vanish(u)
		return nil
	}
	m.tellToLeave(u)
	return nil
}

// RemoveRelation ends the integration with a principal application: its units
// stay, their subordinates leave. First each runs the last hooks of the relation
// that ties it to its principal; only then is it told to leave. Other units that
// watch the relation run these hooks too, and stay. goal-state has the
// application until all of them are through with the relation, and not while they
// run what comes then: it may be actions and commands, too.
func (m *Model) RemoveRelation(app string) error {
	a := m.principalApp(app)
	if a == nil || m.relations[a.host].ends {
		return fmt.Errorf("cannot remove relation: there is none with %q", app)
	}
	m.relations[a.host].ends = true
	for _, p := range slices.Clone(m.principals) {
		if u, err := m.unit(p.unit); err == nil && p.app == app && !u.rels[u.host].inScope {
			u.leftPrincipal = true // it never entered
			m.tellToLeave(u)
		}
	}
	m.dropRemovedApps()
	return nil
}

// Principals returns the units of all principal applications, in the order in
// which they were added.
func (m *Model) Principals() []PrincipalInfo {
	var infos []PrincipalInfo
	for _, p := range m.principals {
		infos = append(infos, PrincipalInfo{Name: p.name, Life: life(p.dying), Unit: p.unit})
	}
	return infos
}

// remoteApp is the application at the other end of a relation.
func (m *Model) remoteApp(relation int) string {
	if remote := m.relations[relation].remote; remote != "" {
		return remote
	}
	return m.app
}

func (m *Model) principalApp(name string) *principalApp {
	for i := range m.principalApps {
		if m.principalApps[i].name == name {
			return &m.principalApps[i]
		}
	}
	return nil
}

func (m *Model) principalIndex(name string) int {
	return slices.IndexFunc(m.principals, func(p principal) bool { return p.name == name })
}

func (m *Model) dropPrincipal(name string) {
	if i := m.principalIndex(name); i >= 0 {
		m.principals = slices.Delete(m.principals, i, i+1)
	}
}

// subordinateGone notes that the unit beside a principal is gone: what the
// principal has waited for if it is leaving.
func (m *Model) subordinateGone(u *unit) {
	if i := m.principalIndex(u.principal); i >= 0 {
		m.principals[i].unit = ""
		if m.principals[i].dying {
			m.dropPrincipal(u.principal)
		}
	}
	m.dropRemovedApps()
}

// dropRemovedApps forgets the principal applications whose relation is over.
func (m *Model) dropRemovedApps() {
	for i := len(m.principalApps) - 1; i >= 0; i-- {
		app, ends := m.principalApps[i].name, m.relations[m.principalApps[i].host].ends
		inScope := func(p principal) bool {
			u, err := m.unit(p.unit)
			return p.app == app && err == nil && !u.leftPrincipal
		}
		if ends && !slices.ContainsFunc(m.principals, inScope) {
			m.principalApps = slices.Delete(m.principalApps, i, i+1)
			m.principals = slices.DeleteFunc(m.principals, func(p principal) bool { return p.app == app })
		}
	}
}

// principalGoals is what goal-state has under the endpoint of the relation to the
// principals: each application, with the state of the relation, and those of its
// units that are in the relation. One that leaves is not, from the first moment on:
// on a real controller it is seen as dying for a while, or not even that.
func (m *Model) principalGoals() map[string]goalUnit {
	goals := map[string]goalUnit{}
	for _, a := range m.principalApps {
		goals[a.name] = goalUnit{Status: "joined", Since: since(a.since)}
	}
	for _, p := range m.principals {
		if !p.dying {
			goals[p.name] = goalUnit{Status: "active", Since: since(p.since)}
		}
	}
	return goals
}
