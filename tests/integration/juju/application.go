package juju

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/juju/juju/api/client/application"
	apicharm "github.com/juju/juju/api/common/charm"
	"github.com/juju/juju/core/charm"

	"rolling-ops/tests/integration/steps"
)

// Deploy uploads the charm and deploys it.
func (m *Model) Deploy(ctx context.Context, d steps.Deployment) error {
	id, err := m.upload(ctx, d.Charm)
	if err != nil {
		return fmt.Errorf("cannot deploy %s: %w", d.Charm, err)
	}
	err = m.applications.Deploy(ctx, application.DeployArgs{
		CharmID:         id,
		CharmOrigin:     id.Origin,
		ApplicationName: steps.Application,
		NumUnits:        d.Units,
		Config:          d.Config,
	})
	if err != nil {
		return fmt.Errorf("cannot deploy %s: %w", d.Charm, err)
	}
	return nil
}

// uploadLimit is for how long an upload that fails is tried again: when the
// worker dies that stores a model's charms, the controller starts it again after
// ten seconds.
const uploadLimit = time.Minute

// upload hands a charm to the controller.
func (m *Model) upload(ctx context.Context, name steps.Charm) (application.CharmID, error) {
	cannot := func(err error) (application.CharmID, error) {
		return application.CharmID{}, fmt.Errorf("cannot upload charm %s: %w", name, err)
	}
	path, ok := m.setup.Charms[name]
	if !ok {
		return cannot(errors.New("it was not built"))
	}
	archive, url, err := charm.NewCharmAtPath(path)
	if err != nil {
		return cannot(err)
	}
	version, _ := m.conn.ServerVersion()
	err = retry(ctx, uploadLimit, func() error {
		uploaded, err := m.uploads.AddLocalCharm(url, archive, false, version)
		if err == nil {
			url = uploaded
		}
		return err
	})
	if err != nil {
		return cannot(err)
	}
	return application.CharmID{URL: url.String(), Origin: apicharm.Origin{
		Source:       apicharm.OriginLocal,
		Revision:     &url.Revision,
		Architecture: m.setup.Arch,
		Base:         m.setup.Base,
	}}, nil
}

// Refresh upgrades the application to another charm.
func (m *Model) Refresh(ctx context.Context, name steps.Charm) error {
	id, err := m.upload(ctx, name)
	if err != nil {
		return fmt.Errorf("cannot refresh to %s: %w", name, err)
	}
	err = m.applications.SetCharm(ctx, application.SetCharmConfig{ApplicationName: steps.Application, CharmID: id})
	if err != nil {
		return fmt.Errorf("cannot refresh to %s: %w", name, err)
	}
	return nil
}

// AddUnits adds n units, each on a machine of its own.
func (m *Model) AddUnits(ctx context.Context, n int) error {
	if _, err := m.applications.AddUnits(ctx, application.AddUnitsParams{ApplicationName: steps.Application, NumUnits: n}); err != nil {
		return fmt.Errorf("cannot add %d units: %w", n, err)
	}
	return nil
}

// RemoveUnit removes a unit. What it has written so far is read before.
func (m *Model) RemoveUnit(ctx context.Context, unit string, force bool) error {
	if _, err := m.Transitions(ctx); err != nil {
		return fmt.Errorf("cannot remove %s: %w", unit, err)
	}
	args := application.DestroyUnitsParams{Units: []string{unit}, Force: force}
	if force {
		args.MaxWait = ptr(time.Duration(0))
	}
	results, err := m.applications.DestroyUnits(ctx, args)
	if err != nil {
		return fmt.Errorf("cannot remove %s: %w", unit, err)
	}
	if err := results[0].Error; err != nil {
		return fmt.Errorf("cannot remove %s: %w", unit, err)
	}
	return nil
}

// SetConfig sets options of the application.
func (m *Model) SetConfig(ctx context.Context, options map[string]string) error {
	if err := m.applications.SetConfig(ctx, steps.Application, "", options); err != nil {
		return fmt.Errorf("cannot set the configuration: %w", err)
	}
	return nil
}

// Resolve has Juju run at once the hook again in which the unit is in error.
func (m *Model) Resolve(ctx context.Context, unit string) error {
	if err := m.applications.ResolveUnitErrors(ctx, []string{unit}, false, true); err != nil {
		return fmt.Errorf("cannot resolve %s: %w", unit, err)
	}
	return nil
}
