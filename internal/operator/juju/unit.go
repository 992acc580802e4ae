package juju

import (
	"context"
	"encoding/json"
	"errors"
)

// Databags are those of a peer relation, as one unit of it shows them.
type Databags struct {
	Application map[string]string
	Units       map[string]map[string]string // of all units that are in the relation
}

// shownUnit is what juju show-unit prints of a unit.
type shownUnit struct {
	Relations []struct {
		Endpoint    string          `json:"endpoint"`
		Application bag             `json:"application-data"`
		Local       side            `json:"local-unit"`
		Units       map[string]side `json:"related-units"`
	} `json:"relation-info"`
}

type side struct {
	Data bag `json:"data"`
}

// bag is a databag. juju writes each value as the JSON or YAML that it looks
// like, so that true or 7 may come without quotes.
type bag map[string]string

func (b *bag) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*b = make(bag, len(raw))
	for key, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		(*b)[key] = text
	}
	return nil
}

// Databags reads all databags of a peer relation through one of its units,
// whose agent need not be alive.
func (c *Client) Databags(ctx context.Context, unit, endpoint string) (Databags, error) {
	var shown map[string]shownUnit
	if err := c.read(ctx, &shown, "show-unit", unit, "--endpoint", endpoint); err != nil {
		return Databags{}, err
	}
	for _, r := range shown[unit].Relations {
		if r.Endpoint != endpoint {
			continue
		}
		bags := Databags{Application: r.Application, Units: map[string]map[string]string{unit: r.Local.Data}}
		for name, other := range r.Units {
			bags.Units[name] = other.Data
		}
		return bags, nil
	}
	return Databags{}, errors.New("juju show-unit " + unit + " shows no relation " + endpoint + ": the unit is still being set up; try again")
}
