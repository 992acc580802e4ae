package unit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/unitname"
)

// Peers is what the library asks of Juju: the peer relation, the leadership and
// goal-state.
type Peers struct {
	tools     *hooktool.Tools
	id        string // such as "restart:0"
	unit      string
	principal string // "" unless the charm is subordinate
	leads     bool
}

// FindPeers returns the peer relation of the event's unit, nil while there is
// none. Relation is its endpoint in metadata.yaml.
func FindPeers(ctx context.Context, tools *hooktool.Tools, event Event, relation string) (*Peers, error) {
	id := event.RelationID
	if id == "" {
		ids, err := tools.RelationIDs(ctx, relation)
		if err != nil {
			return nil, fmt.Errorf("cannot find the peer relation: %w", err)
		}
		if len(ids) == 0 {
			return nil, nil
		}
		id = ids[0]
	}
	return &Peers{tools: tools, id: id, unit: event.Unit, principal: event.Principal}, nil
}

// Join hands it to the library, which has no peer relation as long as p is nil.
func (p *Peers) Join(c *rollingops.Config) {
	if p != nil {
		c.Juju, c.Principal = p, p.principal
	}
}

// Leads is what is-leader said, once it was asked.
func (p *Peers) Leads() bool { return p != nil && p.leads }

func (p *Peers) App(ctx context.Context) (map[string]string, error) {
	application := unitname.Application(p.unit)
	bag, err := p.tools.RelationGetApp(ctx, p.id, application)
	if !errors.Is(err, hooktool.ErrTooMuchOutput) {
		return bag, err
	}
	return byKey(rollingops.AppKeys, func(key string) (string, error) {
		return p.tools.RelationGetAppKey(ctx, p.id, application, key)
	})
}

func (p *Peers) Unit(ctx context.Context, unit string) (map[string]string, error) {
	bag, err := p.tools.RelationGet(ctx, p.id, unit)
	if !errors.Is(err, hooktool.ErrTooMuchOutput) {
		return bag, err
	}
	bag, err = byKey(rollingops.UnitKeys, func(key string) (string, error) {
		return p.tools.RelationGetKey(ctx, p.id, unit, key)
	})
	if err == nil && bag[rollingops.KeyOperations] == tooLarge {
		err = codec.ErrTooLarge
	}
	return bag, err
}

// tooLarge stands for a value that is too large to be read. It is no value that
// any of the keys may have.
const tooLarge = "?"

// byKey reads the keys that count of a databag that is too large to be read
// whole, so that what others keep there does not matter.
func byKey(keys []string, get func(key string) (string, error)) (map[string]string, error) {
	bag := make(map[string]string)
	for _, key := range keys {
		value, err := get(key)
		switch {
		case errors.Is(err, hooktool.ErrTooMuchOutput):
			bag[key] = tooLarge
		case err != nil:
			return nil, err
		case value != "":
			bag[key] = value
		}
	}
	return bag, nil
}

func (p *Peers) Members(ctx context.Context) ([]string, error) {
	return p.tools.RelationList(ctx, p.id)
}

func (p *Peers) SetUnit(ctx context.Context, changes map[string]string) error {
	return p.tools.RelationSet(ctx, p.id, changes)
}

func (p *Peers) SetApp(ctx context.Context, changes map[string]string) error {
	return p.tools.RelationSetApp(ctx, p.id, changes)
}

func (p *Peers) IsLeader(ctx context.Context) (bool, error) {
	var err error
	p.leads, err = p.tools.IsLeader(ctx)
	return p.leads, err
}

func (p *Peers) GoalState(ctx context.Context) (leaving map[string]bool, err error) {
	state, err := p.tools.GoalState(ctx)
	if err != nil {
		return nil, err
	}
	leaving = make(map[string]bool, len(state.Units))
	add := func(goals map[string]hooktool.GoalStatus) {
		for unit, goal := range goals {
			if unitname.Valid(unit) { // an application stands beside its units
				leaving[unit] = goal.Status == "dying"
			}
		}
	}
	if p.principal == "" {
		add(state.Units)
		return leaving, nil
	}
	for _, goals := range state.Relations {
		add(goals)
	}
	return leaving, nil
}

// Beside reports whether the local unit is in a relation with its principal, in
// which only the unit's own last hook of that relation ends its part.
func (p *Peers) Beside(ctx context.Context) (bool, error) {
	state, err := p.tools.GoalState(ctx)
	if err != nil {
		return false, err
	}
	for endpoint, goals := range state.Relations {
		if _, named := goals[p.principal]; !named {
			continue
		}
		ids, err := p.tools.RelationIDs(ctx, endpoint)
		if err != nil {
			return false, err
		}
		for _, id := range ids {
			units, err := p.tools.RelationList(ctx, id)
			if err != nil || slices.Contains(units, p.principal) {
				return err == nil, err
			}
		}
	}
	return false, nil
}
