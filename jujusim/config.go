package jujusim

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

var optionRule = regexp.MustCompile(`^[a-zA-Z](-*[_a-zA-Z0-9])*$`)

func parseOptions(config *configYAML) (map[string]Option, error) {
	if config == nil {
		return nil, nil
	}
	options := make(map[string]Option, len(config.Options))
	for name, raw := range config.Options {
		if !optionRule.MatchString(name) {
			return nil, fmt.Errorf("cannot use option name %q", name)
		}
		option := Option{Type: raw.Type, Description: raw.Description}
		switch raw.Type {
		case "":
			option.Type = "string"
		case "integer":
			option.Type = "int"
		case "string", "int", "float", "boolean", "secret":
		default:
			return nil, fmt.Errorf("cannot use option %q: unknown type %q", name, raw.Type)
		}
		var err error
		if option.Default, err = decodeDefault(option.Type, raw.Default); err != nil {
			return nil, fmt.Errorf("cannot use default of option %q: %w", name, err)
		}
		options[name] = option
	}
	return options, nil
}

// decodeDefault returns the default in the option's own type; an absent or null
// default is nil.
func decodeDefault(kind string, node yaml.Node) (any, error) {
	if node.IsZero() {
		return nil, nil
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	if value == nil {
		return nil, nil
	}
	switch v := value.(type) {
	case string:
		if kind == "string" || kind == "secret" {
			return v, nil
		}
	case bool:
		if kind == "boolean" {
			return v, nil
		}
	case int:
		if kind == "int" {
			return int64(v), nil
		}
		if kind == "float" {
			return float64(v), nil
		}
	case float64:
		if kind == "float" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("expected %s, got %v", kind, value)
}

// parse returns text, as given to `juju config`, in the option's type.
func (o Option) parse(name, text string) (any, error) {
	var value any = text
	var err error
	switch o.Type {
	case "int":
		value, err = strconv.ParseInt(text, 10, 64)
	case "float":
		value, err = strconv.ParseFloat(text, 64)
		if f, _ := value.(float64); err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
			err = strconv.ErrRange
		}
	case "boolean":
		value, err = strconv.ParseBool(text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot set option %q: expected %s, got %q", name, o.Type, text)
	}
	return value, nil
}

// SetConfig sets options, as `juju config` does: each value is text in the
// option's type. Every unit whose application has thereby changed gets a
// config-changed hook. Nothing is set when one of them is wrong.
func (m *Model) SetConfig(values map[string]string) error {
	next := make(map[string]any, len(m.config)+len(values))
	for name, value := range m.config {
		next[name] = value
	}
	for name, text := range values {
		option, ok := m.charm.Options[name]
		if !ok {
			return fmt.Errorf("cannot set option %q: no such option", name)
		}
		value, err := option.parse(name, text)
		if err != nil {
			return err
		}
		next[name] = value
	}
	m.replaceConfig(next)
	return nil
}

// ResetConfig sets options back to their defaults.
func (m *Model) ResetConfig(names ...string) error {
	next := make(map[string]any, len(m.config))
	for name, value := range m.config {
		next[name] = value
	}
	for _, name := range names {
		if _, ok := m.charm.Options[name]; !ok {
			return fmt.Errorf("cannot reset option %q: no such option", name)
		}
		delete(next, name)
	}
	m.replaceConfig(next)
	return nil
}

func (m *Model) replaceConfig(next map[string]any) {
	before := m.Config()
	m.config = next
	after := m.Config()
	if equalConfig(before, after) {
		return
	}
	for _, u := range m.units {
		u.configChanged = true
	}
	m.emit(Event{Kind: ConfigSet})
}

func equalConfig(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		if b[name] != value {
			return false
		}
	}
	return true
}

// Config returns every option of the application's charm with its value: what
// was set, else the default, else nil.
func (m *Model) Config() map[string]any { return m.configFor(m.charm) }

// configFor returns the configuration as a unit that still runs an older
// revision of the charm sees it: the options of that revision.
func (m *Model) configFor(charm *Charm) map[string]any {
	config := make(map[string]any, len(charm.Options))
	for name, option := range charm.Options {
		config[name] = option.Default
		if value, ok := m.config[name]; ok {
			config[name] = value
		}
	}
	return config
}
