package juju

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/unitname"
)

// Interface is that of the peer relation by which an application is known to
// hold a rolling-ops lock.
const Interface = "rolling_op"

// Status is a model as juju status shows it.
type Status struct {
	Model struct {
		Name       string `json:"name"`
		Controller string `json:"controller"`
	} `json:"model"`
	Applications map[string]Application `json:"applications"`
}

// Application is one of a model.
type Application struct {
	Relations relations       `json:"relations"`
	Units     map[string]Unit `json:"units"`
}

// Unit is one unit as juju status shows it.
type Unit struct {
	Workload     Info            `json:"workload-status"`
	Agent        Info            `json:"juju-status"`
	Leader       bool            `json:"leader"`
	Subordinates map[string]Unit `json:"subordinates"`
	Principal    string          `json:"-"` // the unit that a subordinate's is beside
}

// Info is a status of a unit, in two words or more.
type Info struct {
	Current string `json:"current"`
	Message string `json:"message"`
	Since   string `json:"since"` // as 26 Nov 2026 01:18:10Z
	Life    string `json:"life"`
}

// Time is since when the status is so, zero if that is not known.
func (i Info) Time() time.Time {
	for _, layout := range []string{"02 Jan 2006 15:04:05Z07:00", "02 Jan 2006 15:04:05Z"} {
		if t, err := time.Parse(layout, i.Since); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// relations are those of an application by endpoint. Juju 2.9 gives names of
// applications alone, which tell no interface.
type relations map[string][]relation

type relation struct {
	Application string `json:"related-application"`
	Interface   string `json:"interface"`
}

func (r *relation) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &r.Application)
	}
	type plain relation
	return json.Unmarshal(data, (*plain)(r))
}

// Status reads the model.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	if err := c.read(ctx, &s, "status"); err != nil {
		return nil, err
	}
	s.adopt()
	return &s, nil
}

// adopt puts units of subordinate applications, which juju shows below their
// principals, where they belong.
func (s *Status) adopt() {
	for _, app := range s.Applications {
		for principal, unit := range app.Units {
			for name, sub := range unit.Subordinates {
				own := unitname.Application(name)
				host, ok := s.Applications[own]
				if !ok {
					continue
				}
				if host.Units == nil {
					host.Units = make(map[string]Unit)
				}
				sub.Principal = principal
				host.Units[name] = sub
				s.Applications[own] = host
			}
		}
	}
}

// Endpoint is the name of the peer relation with the rolling-ops lock.
func (s *Status) Endpoint(app string) (string, bool) {
	for _, endpoint := range slices.Sorted(maps.Keys(s.Applications[app].Relations)) {
		for _, r := range s.Applications[app].Relations[endpoint] {
			if r.Interface == Interface && r.Application == app {
				return endpoint, true
			}
		}
	}
	return "", false
}

// Locking are the names of the applications that hold a rolling-ops lock.
func (s *Status) Locking() []string {
	var names []string
	for app := range s.Applications {
		if _, ok := s.Endpoint(app); ok {
			names = append(names, app)
		}
	}
	slices.Sort(names)
	return names
}

// Choose returns the application that is named, or else the only one with a
// rolling-ops lock.
func (s *Status) Choose(named string) (string, error) {
	locking := s.Locking()
	switch {
	case named != "" && slices.Contains(locking, named):
		return named, nil
	case named != "":
		if _, ok := s.Applications[named]; !ok {
			return "", fmt.Errorf("model %s has no application %q%s", s.Name(), named, with(locking))
		}
		return "", fmt.Errorf("application %s has no peer relation of the interface %s%s", named, Interface, with(locking))
	case len(locking) == 1:
		return locking[0], nil
	case len(locking) == 0:
		return "", fmt.Errorf("no application of model %s has a peer relation of the interface %s", s.Name(), Interface)
	}
	return "", fmt.Errorf("several applications of model %s roll: name one with --app: %s", s.Name(), strings.Join(locking, ", "))
}

// Name is the model's, with the controller's.
func (s *Status) Name() string { return Clean(s.Model.Controller + ":" + s.Model.Name) }

func with(locking []string) string {
	if len(locking) == 0 {
		return ""
	}
	return "; these have: " + strings.Join(locking, ", ")
}

var (
	validApp  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)
	validUnit = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*/(0|[1-9][0-9]*|leader)$`)
)

// validModel takes CONTROLLER:USER/MODEL and parts of it.
var validModel = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9@._+:/-]*$`)

// ValidModel reports whether name can be a model's, with its controller or
// without.
func ValidModel(name string) bool { return len(name) < 1024 && validModel.MatchString(name) }

// ValidApp reports whether name can be an application's.
func ValidApp(name string) bool { return len(name) < 256 && validApp.MatchString(name) }

// ValidUnit reports whether name can be a unit's.
func ValidUnit(name string) bool { return len(name) < 256 && validUnit.MatchString(name) }
