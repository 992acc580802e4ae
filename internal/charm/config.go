package charm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rolling-ops/hooktool"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/window"
)

// Config is the charm's configuration, config.yaml says what for.
type Config struct {
	// Services are the systemd units to restart, in this order.
	Services []string
	// Command is the argument vector of the operation command, empty for none.
	Command []string
	// CommandTimeout is how long it may take.
	CommandTimeout time.Duration
	// HealthCheck is the argument vector of the health check, empty for none.
	HealthCheck []string
	// HealthCheckTimeout is how long the unit may take until the health check
	// passes.
	HealthCheckTimeout time.Duration
	// HealthFor is how long the health check has to hold then.
	HealthFor time.Duration
	// PreCheck is the argument vector of the command that has to succeed before
	// anything is stopped, empty for none.
	PreCheck []string
	// PrimaryCheck is the argument vector of the command that succeeds on the unit
	// that goes last in a rollout, empty for none.
	PrimaryCheck []string
	// Window says when steps of a rollout may begin.
	Window window.Windows
	// Pacing is the pause before a retry.
	Pacing rollingops.Pacing
}

// defaults are those of config.yaml.
var defaults = Config{
	CommandTimeout:     10 * time.Minute,
	HealthCheckTimeout: 5 * time.Minute,
	Pacing:             rollingops.Pacing{Delay: 5 * time.Second, Max: 5 * time.Minute},
}

// Bounds of the configuration.
const (
	maxServices     = 100
	maxServiceName  = 255 // systemd's own
	maxCommand      = 4096
	minCheckTimeout = time.Second
	maxCheckTimeout = 24 * time.Hour
	maxHealthFor    = time.Hour
	maxApplications = 100
	maxPause        = 24 * time.Hour
)

// ParseConfig reads and checks what config-get gave, for a unit whose machine runs
// an application: the principal's beside a subordinate, else the unit's own. The
// error names each option that can't be used; the Config then has the default in
// its place.
func ParseConfig(settings hooktool.Settings, application string) (Config, error) {
	c := defaults
	var errs []error
	read := func(option string, parse func(value string) error) {
		value, err := settings.String(option)
		if err == nil && value != "" {
			err = parse(value)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", option, err))
		}
	}
	readOwn := func(option string, parse func(value string) error) {
		read(option, func(value string) error { return perApplication(value, application, parse) })
	}
	readOwn("service", services(&c.Services))
	readOwn("command", command(&c.Command))
	read("command-timeout", duration(&c.CommandTimeout, minCheckTimeout, maxCheckTimeout))
	readOwn("health-check", command(&c.HealthCheck))
	read("health-check-timeout", duration(&c.HealthCheckTimeout, minCheckTimeout, maxCheckTimeout))
	read("health-for", duration(&c.HealthFor, 0, maxHealthFor))
	readOwn("pre-check", command(&c.PreCheck))
	readOwn("primary-check", command(&c.PrimaryCheck))
	read("window", func(value string) (err error) {
		c.Window, err = window.Parse(value)
		return err
	})
	read("retry-delay", duration(&c.Pacing.Delay, 0, maxPause))
	read("retry-delay-max", duration(&c.Pacing.Max, 0, maxPause))
	if len(errs) == 0 && c.Pacing.Max < c.Pacing.Delay {
		c.Pacing = defaults.Pacing
		errs = append(errs, errors.New("retry-delay-max: must not be shorter than retry-delay"))
	}
	return c, errors.Join(errs...)
}

// duration parses a time with its unit into d.
func duration(d *time.Duration, least, most time.Duration) func(string) error {
	return func(value string) error {
		parsed, err := time.ParseDuration(value)
		switch {
		case err != nil:
			return fmt.Errorf("%.40q is not a time such as \"30s\" or \"5m\"", value)
		case parsed < least || parsed > most:
			return fmt.Errorf("%s is not between %s and %s", value, least, most)
		}
		*d = parsed
		return nil
	}
}

// services parses a list of systemd units into names.
func services(names *[]string) func(string) error {
	return func(value string) (err error) {
		*names, err = parseServices(value)
		return err
	}
}

func parseServices(value string) ([]string, error) {
	services := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
	if len(services) > maxServices {
		return nil, fmt.Errorf("more than %d services", maxServices)
	}
	for i, service := range services {
		switch {
		case !isServiceName(service):
			return nil, fmt.Errorf("%.40q is no name of a systemd unit", service)
		case slices.Contains(services[:i], service):
			return nil, fmt.Errorf("%s is there twice", service)
		}
	}
	return services, nil
}

// isServiceName tells whether systemctl would take s for the name of one unit,
// not for an option, a pattern or a path.
func isServiceName(s string) bool {
	return len(s) <= maxServiceName && s[0] != '-' && s[0] != '.' &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune(`:_.\@-`, r) })
}

// scheduling are the options on which no attempt depends.
var scheduling = []string{"retry-delay", "retry-delay-max", "window", "primary-check"}

// fingerprint tells one configuration from another, as far as an attempt
// depends on it. Options may hold secrets, so it is a hash.
func fingerprint(settings hooktool.Settings) string {
	hash := sha256.New()
	for _, option := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(scheduling, option) {
			fmt.Fprintf(hash, "%s=%q\n", option, fmt.Sprint(settings[option]))
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
