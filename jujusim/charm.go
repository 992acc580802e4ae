package jujusim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// Charm is what the model needs to know of a charm: its name, its peer
// endpoints, its configuration options and its actions. It is never changed
// once parsed, so any number of models may share one.
type Charm struct {
	Name    string
	Summary string
	// Peers are the peer endpoints, sorted by name.
	Peers []Endpoint
	// Subordinate says that its units are beside those of other applications. Host
	// is the endpoint, of scope container, that ties them to these.
	Subordinate bool
	Host        string
	Options     map[string]Option
	Actions     map[string]Action
	// Dir is where the charm was loaded from; empty for a parsed one.
	Dir string
}

// Endpoint is a peer endpoint of a charm.
type Endpoint struct {
	Name      string
	Interface string
}

// Option is a configuration option.
type Option struct {
	Type        string // string, int, float, boolean or secret
	Description string
	Default     any // of Type, or nil
}

// Action is an action of a charm.
type Action struct {
	Name        string
	Description string
	schema      *schema
}

const maxYAML = 1 << 20

var (
	nameRule     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)
	endpointRule = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)
	actionRule   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`)
)

// LoadCharm reads the charm in dir: metadata.yaml with config.yaml and
// actions.yaml beside it, or a charmcraft.yaml that holds all three.
func LoadCharm(dir string) (*Charm, error) {
	metadata, err := os.ReadFile(filepath.Join(dir, "metadata.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		metadata, err = os.ReadFile(filepath.Join(dir, "charmcraft.yaml"))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read charm metadata: %w", err)
	}
	config, err := readOptional(filepath.Join(dir, "config.yaml"))
	if err != nil {
		return nil, err
	}
	actions, err := readOptional(filepath.Join(dir, "actions.yaml"))
	if err != nil {
		return nil, err
	}
	charm, err := ParseCharm(metadata, config, actions)
	if err != nil {
		return nil, fmt.Errorf("cannot load charm in %s: %w", dir, err)
	}
	charm.Dir = dir
	return charm, nil
}

func readOptional(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read charm file: %w", err)
	}
	return data, nil
}

type peerYAML struct {
	Interface string `yaml:"interface"`
}

// A peer endpoint may be written as `name: interface` for short.
func (p *peerYAML) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&p.Interface)
	}
	type plain peerYAML
	return node.Decode((*plain)(p))
}

type requiresYAML struct{ Interface, Scope string }

// An endpoint may be written as `name: interface` for short.
func (r *requiresYAML) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&r.Interface)
	}
	var long struct{ Interface, Scope string }
	err := node.Decode(&long)
	r.Interface, r.Scope = long.Interface, long.Scope
	return err
}

type metadataYAML struct {
	Name        string                  `yaml:"name"`
	Summary     string                  `yaml:"summary"`
	Peers       map[string]peerYAML     `yaml:"peers"`
	Subordinate bool                    `yaml:"subordinate"`
	Requires    map[string]requiresYAML `yaml:"requires"`
	Config      *configYAML             `yaml:"config"`
	Actions     map[string]yaml.Node    `yaml:"actions"`
}

type configYAML struct {
	Options map[string]optionYAML `yaml:"options"`
}

type optionYAML struct {
	Type        string    `yaml:"type"`
	Description string    `yaml:"description"`
	Default     yaml.Node `yaml:"default"`
}

// ParseCharm parses and validates a charm's metadata.yaml (or charmcraft.yaml),
// config.yaml and actions.yaml; the last two may be nil.
func ParseCharm(metadata, config, actions []byte) (*Charm, error) {
	var meta metadataYAML
	if err := unmarshal("metadata", metadata, &meta); err != nil {
		return nil, err
	}
	charm := &Charm{Name: meta.Name, Summary: meta.Summary}
	if !nameRule.MatchString(meta.Name) {
		return nil, fmt.Errorf("cannot use charm name %q", meta.Name)
	}
	var err error
	if charm.Peers, err = parsePeers(meta.Peers); err != nil {
		return nil, err
	}
	if charm.Subordinate = meta.Subordinate; charm.Subordinate {
		if charm.Host, err = hostEndpoint(meta.Requires); err != nil {
			return nil, err
		}
	}
	options := meta.Config
	if len(config) > 0 {
		options = new(configYAML)
		if err := unmarshal("config", config, options); err != nil {
			return nil, err
		}
	}
	if charm.Options, err = parseOptions(options); err != nil {
		return nil, err
	}
	nodes := meta.Actions
	if len(actions) > 0 {
		nodes = nil
		if err := unmarshal("actions", actions, &nodes); err != nil {
			return nil, err
		}
	}
	if charm.Actions, err = parseActions(nodes); err != nil {
		return nil, err
	}
	return charm, nil
}

func unmarshal(what string, data []byte, into any) error {
	if len(data) > maxYAML {
		return fmt.Errorf("cannot parse charm %s: larger than %d bytes", what, maxYAML)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("cannot parse charm %s: %w", what, err)
	}
	return nil
}

func parsePeers(peers map[string]peerYAML) ([]Endpoint, error) {
	var endpoints []Endpoint
	for name, peer := range peers {
		if !endpointRule.MatchString(name) {
			return nil, fmt.Errorf("cannot use endpoint name %q", name)
		}
		if peer.Interface == "" {
			return nil, fmt.Errorf("cannot use endpoint %q: no interface", name)
		}
		endpoints = append(endpoints, Endpoint{Name: name, Interface: peer.Interface})
	}
	sort.Slice(endpoints, func(i, j int) bool { return endpoints[i].Name < endpoints[j].Name })
	return endpoints, nil
}

// hostEndpoint returns the endpoint by which a subordinate charm is integrated
// with principals: of several the one that any principal has, else the first.
func hostEndpoint(requires map[string]requiresYAML) (string, error) {
	var hosts []string
	for _, name := range sortedKeys(requires) {
		switch r := requires[name]; {
		case r.Scope != "container":
		case r.Interface == "juju-info":
			return name, nil
		default:
			hosts = append(hosts, name)
		}
	}
	if len(hosts) == 0 {
		return "", errors.New("cannot use subordinate charm: it requires no endpoint of scope container")
	}
	return hosts[0], nil
}

func parseActions(nodes map[string]yaml.Node) (map[string]Action, error) {
	actions := make(map[string]Action, len(nodes))
	for name, node := range nodes {
		if !actionRule.MatchString(name) || name == "juju" || strings.HasPrefix(name, "juju-") {
			return nil, fmt.Errorf("cannot use action name %q", name)
		}
		var raw map[string]any
		if err := node.Decode(&raw); err != nil {
			return nil, fmt.Errorf("cannot parse action %q: %w", name, err)
		}
		s, err := actionSchema(raw)
		if err != nil {
			return nil, fmt.Errorf("cannot parse action %q: %w", name, err)
		}
		description, _ := raw["description"].(string)
		actions[name] = Action{Name: name, Description: description, schema: s}
	}
	return actions, nil
}

// peer returns the endpoint of that name.
func (c *Charm) peer(name string) (Endpoint, bool) {
	for _, p := range c.Peers {
		if p.Name == name {
			return p, true
		}
	}
	return Endpoint{}, false
}
