package charm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
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
	return p.tools.RelationGetApp(ctx, p.id, application)
}

func (p *peers) Unit(ctx context.Context, unit string) (map[string]string, error) {
	bag, err := p.tools.RelationGet(ctx, p.id, unit)
	if errors.Is(err, hooktool.ErrTooMuchOutput) {
		err = fmt.Errorf("%w: %w", codec.ErrTooLarge, err)
	}
	return bag, err
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
