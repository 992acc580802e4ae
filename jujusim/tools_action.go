package jujusim

import (
	"errors"
	"slices"
	"strings"
)

var errNoAction = errors.New("not running an action")

func actionGet(c *call) error {
	if err := c.noMore(1); err != nil {
		return err
	}
	if c.h.action == nil {
		return errNoAction
	}
	params := anyMap(c.h.action.params)
	if len(c.args) == 0 {
		return c.write(params)
	}
	var value any = params
	for _, key := range strings.Split(c.args[0], ".") {
		m, ok := value.(map[string]any)
		if !ok {
			return c.write(nil)
		}
		value = m[key]
	}
	return c.write(value)
}

var reservedResults = []string{"stdout", "stdout-encoding", "stderr", "stderr-encoding"}

func actionSet(c *call) error {
	type result struct {
		path  []string
		value string
	}
	var results []result
	for _, arg := range c.args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usagef("argument %q must be of the form key...=value", arg)
		}
		path := strings.Split(name, ".")
		for _, key := range path {
			if !actionRule.MatchString(key) {
				return usagef("key %q must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric and hyphens", key)
			}
			if slices.Contains(reservedResults, key) {
				return usagef("cannot set reserved action key %q", key)
			}
		}
		results = append(results, result{path, value})
	}
	if c.h.action == nil {
		return errNoAction
	}
	if c.h.action.results == nil {
		c.h.action.results = map[string]any{}
	}
	for _, r := range results {
		setPath(c.h.action.results, r.path, r.value)
	}
	return nil
}

// setPath sets a value in nested maps. What stands in the way is replaced.
func setPath(m map[string]any, path []string, value string) {
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

func actionFail(c *call) error {
	message := "action failed without reason given, check action for errors"
	if len(c.args) > 0 {
		message = c.args[0]
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	if c.h.action == nil {
		return errNoAction
	}
	c.h.action.failed, c.h.action.message = true, message
	return nil
}

func actionLog(c *call) error {
	if len(c.args) == 0 {
		return usagef("no message specified")
	}
	if c.h.action == nil {
		return errNoAction
	}
	message := strings.Join(c.args, " ")
	c.h.action.log = append(c.h.action.log, message)
	c.h.m.emit(Event{Kind: ActionLogged, Unit: c.h.u.name, Run: c.h.run, Message: message})
	return nil
}
