package charm

import (
	"context"
	"errors"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
)

// peers is the peer relation as the library wants it: a hook tool call a
// method.
type peers struct {
	tools *hooktool.Tools
	id    string // such as "restart:0"
	unit  string
	leads bool // what is-leader said
}

func (p *peers) App(ctx context.Context) (map[string]string, error) {
	application, _, _ := strings.Cut(p.unit, "/")
	bag, err := p.tools.RelationGetApp(ctx, p.id, application)
	if !errors.Is(err, hooktool.ErrTooMuchOutput) {
		return bag, err
	}
	return byKey(rollingops.AppKeys, func(key string) (string, error) {
		return p.tools.RelationGetAppKey(ctx, p.id, application, key)
	})
}

func (p *peers) Unit(ctx context.Context, unit string) (map[string]string, error) {
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

func (p *peers) Members(ctx context.Context) ([]string, error) {
	return p.tools.RelationList(ctx, p.id)
}

func (p *peers) SetUnit(ctx context.Context, changes map[string]string) error {
	return p.tools.RelationSet(ctx, p.id, changes)
}

func (p *peers) SetApp(ctx context.Context, changes map[string]string) error {
	return p.tools.RelationSetApp(ctx, p.id, changes)
}

func (p *peers) IsLeader(ctx context.Context) (bool, error) {
	var err error
	p.leads, err = p.tools.IsLeader(ctx)
	return p.leads, err
}

func (p *peers) Units(ctx context.Context) (leaving map[string]bool, err error) {
	state, err := p.tools.GoalState(ctx)
	leaving = make(map[string]bool, len(state.Units))
	for unit, goal := range state.Units {
		leaving[unit] = goal.Status == "dying"
	}
	return leaving, err
}
