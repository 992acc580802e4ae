package jujusim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

func isLeader(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	return c.write(c.h.isLeader())
}

type goalUnit struct {
	Status string `json:"status" yaml:"status"`
	Since  string `json:"since,omitempty" yaml:"since,omitempty"`
}

type goal struct {
	Units     map[string]goalUnit            `json:"units" yaml:"units"`
	Relations map[string]map[string]goalUnit `json:"relations" yaml:"relations"`
}

// goalState says what the controller knows now, whatever was delivered here. It
// leaves out peer relations, and units that have a principal; of a subordinate it
// has the principals.
func goalState(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	g := goal{
		Units:     make(map[string]goalUnit, len(c.h.m.units)),
		Relations: map[string]map[string]goalUnit{},
	}
	if c.h.m.charm.Subordinate && len(c.h.m.principalApps) > 0 {
		g.Relations[c.h.m.charm.Host] = c.h.m.principalGoals()
	}
	for _, u := range c.h.m.units {
		if u.principal != "" {
			continue
		}
		status := u.status // a hook in error does not show
		if u.dying {
			status.Status = "dying"
		}
		g.Units[u.name] = goalUnit{Status: status.Status, Since: since(status.Since)}
	}
	if c.format == "" {
		c.format = "yaml"
	}
	return c.write(g)
}

func configGet(c *call) error {
	_, all := c.flags["all"]
	if len(c.args) > 0 && c.args[0] != "" && all {
		return usagef("cannot use argument --all together with key %q", c.args[0])
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	if c.h.config == nil {
		c.h.config = c.h.m.configFor(c.h.u.charm)
	}
	if len(c.args) > 0 && c.args[0] != "" {
		return c.write(c.h.config[c.args[0]])
	}
	config := maps.Clone(c.h.config)
	if !all {
		maps.DeleteFunc(config, func(_ string, value any) bool { return value == nil })
	}
	return c.write(config)
}

var settableStatuses = []string{"maintenance", "blocked", "waiting", "active"}

// statusSet acts at once: a failure of the hook does not take it back.
func statusSet(c *call) error {
	if len(c.args) < 1 {
		return usagef("invalid args, require <status> [message]")
	}
	if !slices.Contains(settableStatuses, c.args[0]) {
		return usagef("invalid status %q, expected one of %v", c.args[0], settableStatuses)
	}
	if err := c.noMore(2); err != nil {
		return err
	}
	status := Status{Status: c.args[0], Since: c.h.m.Time()}
	if len(c.args) > 1 {
		status.Message = c.args[1]
	}
	if c.flags["application"] != "" {
		if !c.h.isLeader() {
			return errors.New("this unit is not the leader")
		}
		c.h.m.appStatus = status
		c.h.m.emit(Event{Kind: AppStatusSet, Unit: c.h.u.name, Status: status})
		return nil
	}
	c.h.u.status, c.h.u.statusSet = status, true
	c.h.m.emit(Event{Kind: StatusSet, Unit: c.h.u.name, Status: status})
	return nil
}

func statusGet(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	data := c.flags["include-data"] != ""
	if c.flags["application"] != "" {
		return c.appStatus(data)
	}
	status := c.h.u.status
	if !data && (c.format == "" || c.format == "smart") {
		return c.write(status.Status)
	}
	return c.write(statusDetails(status, data))
}

func (c *call) appStatus(data bool) error {
	if !c.h.isLeader() {
		return errors.New("finding application status: this unit is not the leader")
	}
	status := c.h.m.appStatus
	if !data && (c.format == "" || c.format == "smart") {
		return c.write(status.Status)
	}
	units := map[string]any{}
	for _, u := range c.h.m.units {
		units[u.name] = statusDetails(u.workloadStatus(), data)
	}
	details := statusDetails(status, data)
	details["units"] = units
	return c.write(map[string]any{"application-status": details})
}

func statusDetails(status Status, data bool) map[string]any {
	details := map[string]any{"status": status.Status}
	if data {
		details["status-data"] = map[string]any{}
		details["message"] = status.Message
	}
	return details
}

func versionSet(c *call) error {
	if len(c.args) < 1 {
		return usagef("no version specified")
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	c.h.u.version = c.args[0]
	return nil
}

// The bounds that Juju sets on state-set.
const (
	maxStateKey   = 256
	maxStateValue = 65536
)

// charmState returns the unit's stored state with the hook's writes.
func (h *Hook) charmState() map[string]string {
	if h.state == nil {
		h.state = cloneMap(h.u.state)
	}
	return h.state
}

func stateGet(c *call) error {
	if err := c.noMore(1); err != nil {
		return err
	}
	state := c.h.charmState()
	if len(c.args) == 0 || c.args[0] == "" || c.args[0] == "-" {
		if len(state) == 0 {
			state = nil
		}
		return c.write(state)
	}
	value, ok := state[c.args[0]]
	if !ok && c.flags["strict"] != "" {
		return fmt.Errorf("%q not found", c.args[0])
	}
	return c.write(value)
}

func stateSet(c *call) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(settings) {
		value := settings[key]
		if len(key) > maxStateKey {
			return fmt.Errorf("max allowed key length (%d): quota limit exceeded", maxStateKey)
		}
		if len(value) > maxStateValue {
			return fmt.Errorf("max allowed value length (%d): quota limit exceeded", maxStateValue)
		}
		c.h.charmState()[key] = value
		c.h.dirty = true
	}
	return nil
}

func stateDelete(c *call) error {
	if err := c.noMore(1); err != nil {
		return err
	}
	if len(c.args) == 0 || c.args[0] == "" {
		return nil
	}
	delete(c.h.charmState(), c.args[0])
	c.h.dirty = true
	return nil
}
