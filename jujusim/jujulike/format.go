package jujulike

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"gopkg.in/yaml.v3"

	"rolling-ops/internal/unitname"
	"rolling-ops/jujusim/agent"
)

// statusOf is what juju status prints.
func statusOf(view View) map[string]any {
	units := make(map[string]any)
	hosts := make(map[string]map[string]any) // units of principals, by application
	for _, u := range view.Status.Units {
		if u.Principal == "" {
			units[u.Name] = stateOf(u)
			continue
		}
		app := unitname.Application(u.Principal)
		if hosts[app] == nil {
			hosts[app] = make(map[string]any)
		}
		hosts[app][u.Principal] = map[string]any{
			"workload-status": map[string]any{"current": "active"}, "juju-status": map[string]any{"current": "idle"},
			"subordinates": map[string]any{u.Name: stateOf(u)},
		}
	}
	relations := make(map[string]any)
	for endpoint, name := range view.Interfaces {
		relations[endpoint] = []any{map[string]any{"related-application": view.Status.App, "interface": name, "scope": "global"}}
	}
	applications := map[string]any{view.Status.App: map[string]any{
		"charm": "local:" + view.Status.Charm + fmt.Sprintf("-%d", view.Status.Revision), "charm-name": view.Status.Charm, "charm-rev": view.Status.Revision,
		"life": "alive", "relations": relations, "units": units,
	}}
	for app, units := range hosts {
		applications[app] = map[string]any{"charm": "principal", "life": "alive", "units": units}
	}
	return map[string]any{
		"model": map[string]any{
			"name": view.Model, "type": "iaas", "controller": view.Controller, "cloud": "simulated", "version": "4.1-beta2",
			"model-status": map[string]any{"current": "available"},
		},
		"machines": map[string]any{}, "applications": applications,
	}
}

// stateOf is a unit in juju status. Of one whose agent is down Juju says that it is
// lost, and no longer what it was at.
func stateOf(u agent.UnitStatus) map[string]any {
	workload := map[string]any{"current": u.Status}
	if u.Message != "" {
		workload["message"] = u.Message
	}
	state := map[string]any{"current": u.Agent, "version": "4.1-beta2"}
	switch u.Agent {
	case "down", "rebooting":
		state["current"], state["message"] = "lost", "agent is not communicating with the server"
		workload = map[string]any{"current": "unknown", "message": "agent lost, see 'juju show-status-log " + u.Name + "'"}
	case "executing":
		state["message"] = "running " + u.Hook + " hook"
	case "failed":
		state["current"] = "idle"
		workload = map[string]any{"current": "error", "message": fmt.Sprintf("hook failed: %q", u.Hook)}
	}
	if u.Life == "dying" {
		state["life"] = u.Life
	}
	out := map[string]any{"workload-status": workload, "juju-status": state, "machine": "0"}
	if u.Leader {
		out["leader"] = true
	}
	return out
}

// writeTable writes the units as juju status does for people.
func writeTable(w io.Writer, view View) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "Model\tController\tCloud\n%s\t%s\tsimulated\n\nUnit\tWorkload\tAgent\tMessage\n", view.Model, view.Controller)
	for _, u := range view.Status.Units {
		state := stateOf(u)
		workload, _ := state["workload-status"].(map[string]any)
		juju, _ := state["juju-status"].(map[string]any)
		name := u.Name
		if u.Leader {
			name += "*"
		}
		message, _ := workload["message"].(string)
		fmt.Fprintf(t, "%s\t%v\t%v\t%s\n", name, workload["current"], juju["current"], message)
	}
	return t.Flush()
}

// unitOf is a unit with its relations, as juju show-unit prints it.
func unitOf(view View, u agent.UnitStatus, endpoint string) map[string]any {
	var relations []any
	for _, r := range view.Status.Relations {
		if endpoint != "" && r.Endpoint != endpoint || u.Databags[r.ID] == nil {
			continue
		}
		related := make(map[string]any)
		for _, other := range view.Status.Units {
			if other.Name != u.Name && other.Databags[r.ID] != nil {
				related[other.Name] = map[string]any{"in-scope": true, "data": other.Databags[r.ID]}
			}
		}
		id := 0
		_, _ = fmt.Sscanf(r.ID, r.Endpoint+":%d", &id)
		databag := r.Databag
		if databag == nil {
			databag = map[string]string{}
		}
		relations = append(relations, map[string]any{
			"relation-id": id, "endpoint": r.Endpoint, "related-endpoint": r.Endpoint, "application-data": databag,
			"local-unit": map[string]any{"in-scope": true, "data": u.Databags[r.ID]}, "related-units": related,
		})
	}
	return map[string]any{"leader": u.Leader, "life": u.Life, "relation-info": relations}
}

// parseParams reads key=value as juju run does: values are YAML.
func parseParams(words []string, plain bool) (map[string]any, error) {
	params := make(map[string]any)
	for _, word := range words {
		key, text, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("argument %q must be of the form key.key.key...=value", word)
		}
		var value any = text
		if !plain {
			if err := yaml.Unmarshal([]byte(text), &value); err != nil {
				return nil, err
			}
		}
		params[key] = value
	}
	return params, nil
}
