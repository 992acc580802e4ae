package unit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// Peers is the peer relation, the leadership and goal-state as the library wants
// them: a hook tool call a method.
type Peers struct {
	tools *hooktool.Tools
	id    string // such as "restart:0"
	unit  string
	leads bool
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
	return &Peers{tools: tools, id: id, unit: event.Unit}, nil
}

// Leads is what is-leader said, once it was asked.
func (p *Peers) Leads() bool { return p != nil && p.leads }

func (p *Peers) App(ctx context.Context) (map[string]string, error) {
	application, _, _ := strings.Cut(p.unit, "/")
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

func (p *Peers) Units(ctx context.Context) (leaving map[string]bool, err error) {
	state, err := p.tools.GoalState(ctx)
	leaving = make(map[string]bool, len(state.Units))
	for unit, goal := range state.Units {
		leaving[unit] = goal.Status == "dying"
	}
	return leaving, err
}
