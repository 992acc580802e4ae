package jujusim

import (
	"errors"
	"fmt"

	"rolling-ops/internal/unitname"
)

func relationIDs(c *call) error {
	name := c.h.run.Endpoint
	if len(c.args) > 0 {
		name = c.args[0]
	} else if name == "" {
		return usagef("no endpoint name specified")
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	ids := []string{}
	for i, r := range c.h.m.relations {
		if r.endpoint.Name == name && c.h.u.rels[i].inScope {
			ids = append(ids, r.key)
		}
	}
	return c.write(ids)
}

func relationList(c *call) error {
	if c.relation < 0 {
		return usagef("no relation id specified")
	}
	if err := c.noMore(0); err != nil {
		return err
	}
	if c.app {
		return c.write(c.h.m.remoteApp(c.relation))
	}
	return c.write(c.h.Members(c.relation))
}

func relationModelGet(c *call) error {
	if c.relation < 0 {
		return usagef("no relation id specified")
	}
	if err := c.noMore(0); err != nil {
		return err
	}
	return c.write(map[string]string{"uuid": c.h.m.opts.ModelUUID})
}

func relationGet(c *call) error {
	if c.relation < 0 {
		return usagef("no relation id specified")
	}
	key := ""
	if len(c.args) > 0 && c.args[0] != "-" {
		key = c.args[0]
	}
	target, app, err := c.readTarget()
	if err != nil {
		return usageError{err}
	}
	if err := c.noMore(2); err != nil {
		return err
	}
	var bag map[string]string
	if app {
		bag, err = c.h.ReadApp(c.relation, target)
	} else {
		bag, err = c.h.ReadUnit(c.relation, target)
	}
	if err != nil {
		return err
	}
	if key == "" {
		return c.write(bag)
	}
	if value, ok := bag[key]; ok {
		return c.write(value)
	}
	return c.write(nil)
}

// readTarget returns the unit or application whose databag relation-get reads:
// the one named, else the one that the hook is about.
func (c *call) readTarget() (name string, app bool, err error) {
	if len(c.args) > 1 {
		name = c.args[1]
		switch {
		case c.app && unitname.Valid(name):
			return appOf(name), true, nil
		case c.app && nameRule.MatchString(name):
			return name, true, nil
		case c.app:
			return "", false, fmt.Errorf("invalid application name %q", name)
		case unitname.Valid(name):
			return name, false, nil
		case nameRule.MatchString(name):
			return "", false, fmt.Errorf("expected unit name, got application name %q", name)
		}
		return "", false, fmt.Errorf("invalid unit name %q", name)
	}
	run := c.h.run
	if run.RemoteUnit != "" && !c.app {
		return run.RemoteUnit, false, nil
	}
	if run.RemoteApp != "" {
		return run.RemoteApp, true, nil
	}
	return "", false, errors.New("no unit or application specified")
}

func relationSet(c *call) error {
	if c.relation < 0 {
		return usagef("no relation id specified")
	}
	if _, ok := c.flags["old-format"]; ok {
		c.stderr = append(c.stderr, `--format flag deprecated for command "relation-set"`...)
	}
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if c.app {
		return c.h.WriteApp(c.relation, settings)
	}
	return c.h.WriteUnit(c.relation, settings)
}

func appOf(unit string) string {
	for i := 0; i < len(unit); i++ {
		if unit[i] == '/' {
			return unit[:i]
		}
	}
	return unit
}
