package jujusim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var logLevels = []string{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

func jujuLog(c *call) error {
	if len(c.args) == 0 {
		return usagef("no message specified")
	}
	level := "INFO"
	if c.flags["debug"] != "" {
		level = "DEBUG"
	} else if asked := strings.ToUpper(c.flags["level"]); slices.Contains(logLevels, asked) {
		level = asked
	}
	message := strings.Join(c.args, " ")
	if c.h.run.RelationID >= 0 {
		message = c.h.m.relations[c.h.run.RelationID].key + ": " + message
	}
	c.h.m.emit(Event{Kind: Logged, Unit: c.h.u.name, Run: c.h.run, Level: level, Message: message})
	return nil
}

func secretIDs(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	return c.write([]string(nil))
}

func storageList(c *call) error {
	if err := c.noMore(1); err != nil {
		return err
	}
	return c.write([]string{})
}

// In YAML, but not in JSON, Juju keeps older names of some fields beside the new.
type networkAddress struct {
	Hostname string `json:"hostname" yaml:"hostname"`
	Value    string `json:"value" yaml:"value"`
	CIDR     string `json:"cidr" yaml:"cidr"`
	OldValue string `json:"-" yaml:"address"`
}

type networkInterface struct {
	MAC       string           `json:"mac-address" yaml:"mac-address"`
	Name      string           `json:"interface-name" yaml:"interface-name"`
	Addresses []networkAddress `json:"addresses" yaml:"addresses"`
	OldMAC    string           `json:"-" yaml:"macaddress"`
	OldName   string           `json:"-" yaml:"interfacename"`
}

type networkInfo struct {
	Bind    []networkInterface `json:"bind-addresses" yaml:"bind-addresses"`
	Egress  []string           `json:"egress-subnets" yaml:"egress-subnets"`
	Ingress []string           `json:"ingress-addresses" yaml:"ingress-addresses"`
}

// networkGet answers as for a machine with one network interface.
func networkGet(c *call) error {
	if len(c.args) < 1 {
		return usagef("no arguments specified")
	}
	binding := c.args[0]
	if binding == "" {
		return usagef("no binding name specified")
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	if _, ok := c.h.u.charm.peer(binding); !ok && binding != "juju-info" && binding != c.h.u.charm.Host {
		return fmt.Errorf("no network config found for binding %q", binding)
	}
	address := unitAddress(c.h.u.num)
	subnets := []string{address + "/32"}
	asked := map[string]any{}
	for name, value := range map[string]any{
		"bind-address": address, "ingress-address": address, "egress-subnets": subnets,
	} {
		if c.flags[name] != "" {
			asked[name] = value
		}
	}
	switch {
	case c.flags["primary-address"] != "" && len(asked) > 0:
		return errors.New("--primary-address must be the only flag specified")
	case c.flags["primary-address"] != "":
		return c.write(address)
	case len(asked) == 1:
		for _, value := range asked {
			return c.write(value)
		}
	case len(asked) > 1:
		return c.write(asked)
	}
	mac := fmt.Sprintf("00:16:3e:00:%02x:%02x", c.h.u.num>>8&0xff, c.h.u.num&0xff)
	return c.write(networkInfo{
		Bind: []networkInterface{{
			MAC: mac, Name: "eth0", OldMAC: mac, OldName: "eth0",
			Addresses: []networkAddress{{Hostname: address, Value: address, CIDR: "10.0.0.0/16", OldValue: address}},
		}},
		Egress:  subnets,
		Ingress: []string{address},
	})
}

func unitGet(c *call) error {
	if len(c.args) == 0 {
		return usagef("no setting specified")
	}
	if c.args[0] != "private-address" && c.args[0] != "public-address" {
		return usagef("unknown setting %q", c.args[0])
	}
	if err := c.noMore(1); err != nil {
		return err
	}
	return c.write(unitAddress(c.h.u.num))
}

var portOptions = []option{{"format", "old-format", true}, {"endpoints", "endpoints", true}}

func openPort(c *call) error {
	port, err := c.port()
	if err == nil {
		c.h.opened = append(c.h.opened, port)
		c.h.closed = without(c.h.closed, port)
	}
	return err
}

func closePort(c *call) error {
	port, err := c.port()
	if err == nil {
		c.h.closed = append(c.h.closed, port)
		c.h.opened = without(c.h.opened, port)
	}
	return err
}

// port reads "80", "80/udp", "1000-2000/tcp" or "icmp".
func (c *call) port() (string, error) {
	if len(c.args) == 0 {
		return "", usagef("no port or range specified")
	}
	text := strings.ToLower(c.args[0])
	if err := c.noMore(1); err != nil || text == "icmp" {
		return text, err
	}
	numbers, protocol, ok := strings.Cut(text, "/")
	if !ok {
		protocol = "tcp"
	}
	from, to, isRange := strings.Cut(numbers, "-")
	if !isRange {
		to = from
	}
	var bounds [2]int
	for i, bound := range []string{from, to} {
		var err error
		if bounds[i], err = strconv.Atoi(bound); err != nil {
			return "", usagef("invalid port %q: %w", bound, err)
		}
	}
	low, high := bounds[0], bounds[1]
	switch {
	case protocol != "tcp" && protocol != "udp":
		return "", usagef(`invalid protocol %q, expected "tcp", "udp", or "icmp"`, protocol)
	case low > high:
		return "", usagef("invalid port range %d-%d/%s", low, high, protocol)
	case low < 0 || high > 65535:
		return "", usagef("port range bounds must be between 0 and 65535, got %d-%d", low, high)
	}
	return numbers + "/" + protocol, nil
}

// openedPorts lists what is open, and what this hook has opened.
func openedPorts(c *call) error {
	if err := c.noMore(0); err != nil {
		return err
	}
	ports := c.h.u.ports
	for _, port := range c.h.opened {
		ports = append(without(ports, port), port)
	}
	ports = append([]string{}, ports...)
	slices.SortFunc(ports, comparePorts)
	if c.flags["show-endpoints"] != "" {
		for i := range ports {
			ports[i] += " (*)"
		}
	}
	return c.write(ports)
}

func (h *Hook) commitPorts() {
	if len(h.opened) == 0 && len(h.closed) == 0 {
		return
	}
	ports := slices.Clone(h.u.ports)
	for _, port := range h.closed {
		ports = without(ports, port)
	}
	for _, port := range h.opened {
		ports = append(without(ports, port), port)
	}
	slices.SortFunc(ports, comparePorts)
	h.u.ports = ports
}

// comparePorts orders by protocol and then by number.
func comparePorts(a, b string) int {
	numbersA, protocolA, _ := strings.Cut(a, "/")
	numbersB, protocolB, _ := strings.Cut(b, "/")
	firstA, _, _ := strings.Cut(numbersA, "-")
	firstB, _, _ := strings.Cut(numbersB, "-")
	numA, _ := strconv.Atoi(firstA) // 0 for icmp
	numB, _ := strconv.Atoi(firstB)
	return cmp.Or(strings.Compare(protocolA, protocolB), numA-numB, strings.Compare(numbersA, numbersB))
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == item })
}
