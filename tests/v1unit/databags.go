package v1unit

import (
	"context"
	"maps"
	"slices"
	"time"
)

// leaseRenewal is how long the ops framework takes an answer of is-leader for
// granted.
const leaseRenewal = 30 * time.Second

// databags is the relation as the ops framework gives it to the library: each
// databag is read once in a hook, when first asked for.
type databags struct {
	c       Config
	leader  bool
	asked   bool // is-leader was, at askedAt
	askedAt time.Duration
	members []string
	listed  bool
	appBag  map[string]string
	units   map[string]map[string]string
}

func (d *databags) leads(ctx context.Context) (bool, error) {
	now := d.c.Clock.SinceBoot()
	if d.asked && now-d.askedAt <= leaseRenewal {
		return d.leader, nil
	}
	d.asked, d.askedAt = true, now
	var err error
	d.leader, err = d.c.IsLeader(ctx)
	return d.leader, err
}

// list asks relation-list, as the framework does when the relation is first
// touched.
func (d *databags) list(ctx context.Context) error {
	if d.listed {
		return nil
	}
	members, err := d.c.Relation.Members(ctx)
	if err != nil {
		return err
	}
	d.members, d.listed = members, true
	return nil
}

// everybody is all units of the relation, in the order in which they come.
func (d *databags) everybody() []string {
	all := append(slices.Clone(d.members), d.c.Unit)
	slices.Sort(all)
	if d.c.Order != nil {
		return d.c.Order(all)
	}
	return all
}

func (d *databags) app(ctx context.Context) (map[string]string, error) {
	if d.appBag == nil {
		bag, err := d.c.Relation.App(ctx)
		if err != nil {
			return nil, err
		}
		d.appBag = copyOf(bag)
	}
	return d.appBag, nil
}

func (d *databags) unit(ctx context.Context, name string) (map[string]string, error) {
	if d.units[name] == nil {
		bag, err := d.c.Relation.Unit(ctx, name)
		if err != nil {
			return nil, err
		}
		d.units[name] = copyOf(bag)
	}
	return d.units[name], nil
}

func (d *databags) setApp(ctx context.Context, changes map[string]string) error {
	bag, err := d.app(ctx)
	if err != nil {
		return err
	}
	set(bag, changes)
	return d.c.Relation.SetApp(ctx, changes)
}

func (d *databags) setUnit(ctx context.Context, changes map[string]string) error {
	bag, err := d.unit(ctx, d.c.Unit)
	if err != nil {
		return err
	}
	set(bag, changes)
	return d.c.Relation.SetUnit(ctx, changes)
}

func copyOf(bag map[string]string) map[string]string {
	out := make(map[string]string, len(bag))
	maps.Copy(out, bag)
	return out
}

// set writes as Juju does: an empty value deletes its key.
func set(bag, changes map[string]string) {
	for key, value := range changes {
		if value == "" {
			delete(bag, key)
		} else {
			bag[key] = value
		}
	}
}
