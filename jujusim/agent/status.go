package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rolling-ops/jujusim"
)

// Status is the application at one moment.
type Status struct {
	App       string       `json:"application"`
	Charm     string       `json:"charm"`
	Revision  int          `json:"revision"`
	Relations []Relation   `json:"relations"`
	Units     []UnitStatus `json:"units"` // by number
}

// Relation is a peer relation with the application's databag.
type Relation struct {
	ID       string            `json:"id"` // restart:0
	Endpoint string            `json:"endpoint"`
	Databag  map[string]string `json:"application-data"`
}

// UnitStatus is one unit at one moment.
type UnitStatus struct {
	Name   string `json:"name"`
	Leader bool   `json:"leader,omitempty"`
	// Principal is the unit that a subordinate's is beside.
	Principal string `json:"principal,omitempty"`
	Life      string `json:"life"`
	Status    string `json:"workload-status"`
	Message   string `json:"message,omitempty"`
	Version   string `json:"workload-version,omitempty"`
	Agent     string `json:"agent-status"`     // idle, executing, failed, down or rebooting
	Doing     string `json:"doing,omitempty"`  // what it runs, see Event.Hook
	Remote    string `json:"remote,omitempty"` // whom that is about
	Hook      string `json:"hook,omitempty"`   // the hook's name, or the action's
	Pending   string `json:"pending,omitempty"`
	Revision  int    `json:"charm-revision"`
	// Databags are the unit's, by relation id.
	Databags map[string]map[string]string `json:"databags"`
}

// Idle reports whether the agent runs nothing and has nothing to run.
func (u UnitStatus) Idle() bool { return u.Agent == "idle" && u.Pending == "" }

// Status returns the application as it is now.
func (c *Cluster) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	charm, revision := c.model.Charm()
	status := Status{App: c.model.App(), Charm: charm.Name, Revision: revision}
	for _, r := range c.model.Relations() {
		status.Relations = append(status.Relations, Relation{ID: r.Key, Endpoint: r.Name, Databag: c.model.AppDatabag(r.ID)})
	}
	for _, name := range c.model.Units() {
		status.Units = append(status.Units, c.unitStatus(name))
	}
	return status
}

func (c *Cluster) unitStatus(name string) UnitStatus {
	info, _ := c.model.Unit(name)
	u := UnitStatus{
		Name: info.Name, Leader: info.Leader, Life: info.Life, Version: info.Version, Revision: info.Revision,
		Status: info.Status.Status, Message: info.Status.Message,
		Agent:    "idle",
		Databags: map[string]map[string]string{},
	}
	u.Principal = info.Principal
	switch {
	case c.agents[name] != nil && c.agents[name].machine == goingDown:
		u.Agent = "rebooting"
	case info.Down:
		u.Agent = "down"
	case info.Running != nil:
		u.Agent, u.Doing = "executing", hookName(*info.Running)
		u.Hook, u.Remote = info.Running.Name, info.Running.RemoteUnit
	case info.Failed != nil:
		u.Agent = "failed"
	}
	if next, ok := c.model.Next(name); ok {
		u.Pending = fullName(next)
	}
	for _, r := range c.model.Relations() {
		u.Databags[r.Key] = c.model.UnitDatabag(r.ID, name)
	}
	return u
}

// Units returns the names of the units, by number.
func (c *Cluster) Units() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.Units()
}

// Leader returns the name of the leader, "" if there is none.
func (c *Cluster) Leader() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.Leader()
}

// Changed returns a channel that is closed when something happens next.
func (c *Cluster) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Wait waits until the application's status is as until wants it, which is
// asked after each change.
func (c *Cluster) Wait(ctx context.Context, until func(Status) bool) error {
	for {
		changed := c.Changed()
		if until(c.Status()) {
			return nil
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// pollBackground is how often processes in the background are looked for
	// when there is nothing else to wait for; their end is no event.
	pollBackground = 20 * time.Millisecond
	// settled is for how long nothing may happen to count as idle while there
	// may be processes in the background that could still do something.
	settled = 300 * time.Millisecond
)

// WaitIdle waits until no unit runs anything or has anything to run, and no
// process is left in the background that could change that. If background
// processes are to be ignored it is enough that nothing happens for a moment.
// A unit whose agent is down counts as idle, one in error does not.
func (c *Cluster) WaitIdle(ctx context.Context, ignoreBackground bool) error {
	for {
		c.mu.Lock()
		busy, version, changed := c.busy(), c.version, c.changed
		c.mu.Unlock()
		var pause <-chan time.Time
		if len(busy) == 0 && ignoreBackground {
			pause = time.After(settled)
		} else if len(busy) == 0 {
			processes, err := c.Background()
			if err != nil {
				return err
			}
			for _, p := range processes {
				busy = append(busy, p.String())
			}
			pause = time.After(pollBackground)
			if len(busy) == 0 && c.still(version) {
				return nil
			}
		}
		select {
		case <-changed:
		case <-pause:
			if ignoreBackground && c.still(version) {
				return nil
			}
		case <-c.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("cannot wait until idle: %w: %s", notIdle(ctx.Err()), strings.Join(busy, "; "))
		}
	}
}

func notIdle(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("time is up")
	}
	return err
}

// still reports whether nothing has happened since version.
func (c *Cluster) still(version int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version == version
}

// busy lists the units that are not idle and why; c.mu is held.
func (c *Cluster) busy() []string {
	var busy []string
	for _, name := range c.model.Units() {
		info, _ := c.model.Unit(name)
		if a := c.agents[name]; a != nil && a.machine == goingDown {
			busy = append(busy, name+" reboots")
		} else if info.Running != nil {
			busy = append(busy, fmt.Sprintf("%s runs %s", name, fullName(*info.Running)))
		} else if next, ok := c.model.Next(name); ok {
			busy = append(busy, fmt.Sprintf("%s has to run %s", name, fullName(next)))
		}
	}
	return busy
}

// showUnit mirrors what juju show-unit prints.
type showUnit struct {
	Leader    bool           `yaml:"leader"`
	Life      string         `yaml:"life"`
	Workload  string         `yaml:"workload-status"`
	Message   string         `yaml:"workload-message,omitempty"`
	Agent     string         `yaml:"agent-status"`
	CharmRev  int            `yaml:"charm-revision"`
	Relations []showRelation `yaml:"relation-info"`
}

type showRelation struct {
	ID          string              `yaml:"relation-id"`
	Endpoint    string              `yaml:"endpoint"`
	Application map[string]string   `yaml:"application-data"`
	Local       showData            `yaml:"local-unit"`
	Related     map[string]showData `yaml:"related-units,omitempty"`
}

type showData struct {
	Data map[string]string `yaml:"data"`
}

// ShowUnit returns a unit with its relations' databags, in the form of juju
// show-unit: a value for yaml.Marshal.
func (c *Cluster) ShowUnit(unit string) (any, error) {
	status := c.Status()
	for _, u := range status.Units {
		if u.Name != unit {
			continue
		}
		show := showUnit{
			Leader: u.Leader, Life: u.Life, Workload: u.Status, Message: u.Message, Agent: u.Agent, CharmRev: u.Revision,
		}
		for _, r := range status.Relations {
			relation := showRelation{
				ID: r.ID, Endpoint: r.Endpoint, Application: r.Databag, Local: showData{u.Databags[r.ID]},
				Related: map[string]showData{},
			}
			for _, other := range status.Units {
				if other.Name != unit && other.Databags[r.ID] != nil {
					relation.Related[other.Name] = showData{other.Databags[r.ID]}
				}
			}
			show.Relations = append(show.Relations, relation)
		}
		return map[string]showUnit{unit: show}, nil
	}
	return nil, fmt.Errorf("cannot show unit: %w: %q", jujusim.ErrNoUnit, unit)
}
