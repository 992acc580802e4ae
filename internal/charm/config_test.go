package charm

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"rolling-ops/hooktool"
	"rolling-ops/internal/window"
)

var byValue = cmp.Comparer(func(a, b window.Windows) bool { return reflect.DeepEqual(a, b) })

func TestParseConfig(t *testing.T) {
	for _, test := range []struct {
		option, value string
		change        func(*Config)
	}{
		{"service", "", func(*Config) {}},
		{"service", "  ", func(*Config) {}},
		{"service", "nginx", func(c *Config) { c.Services = []string{"nginx"} }},
		{"service", "b.service, a@1.service\n c", func(c *Config) { c.Services = []string{"b.service", "a@1.service", "c"} }},
		{"service", `dev-disk\x2d1.mount`, func(c *Config) { c.Services = []string{`dev-disk\x2d1.mount`} }},
		{"health-check", "", func(*Config) {}},
		{"health-check", "curl -f 'http://localhost/a b?c=$d' e\\&f", func(c *Config) {
			c.HealthCheck = []string{"curl", "-f", "http://localhost/a b?c=$d", "e&f"}
		}},
		{"health-check", `sh -c "test -e $HOME/x; true"`, func(c *Config) { c.HealthCheck = []string{"sh", "-c", "test -e $HOME/x; true"} }},
		{"health-check", "env A=b check", func(c *Config) { c.HealthCheck = []string{"env", "A=b", "check"} }},
		{"health-for", "10s", func(c *Config) { c.HealthFor = 10 * time.Second }},
		{"pre-check", "check all", func(c *Config) { c.PreCheck = []string{"check", "all"} }},
		{"health-check", "sh -c 'true | cat'", func(c *Config) { c.HealthCheck = []string{"sh", "-c", "true | cat"} }},
		{"health-check-timeout", "1m30s", func(c *Config) { c.HealthCheckTimeout = 90 * time.Second }},
		{"command", "update --all", func(c *Config) { c.Command = []string{"update", "--all"} }},
		{"command-timeout", "1h", func(c *Config) { c.CommandTimeout = time.Hour }},
		{"primary-check", "is-primary", func(c *Config) { c.PrimaryCheck = []string{"is-primary"} }},
		{"window", "", func(*Config) {}},
		{"window", "Sat 02:00-04:00", func(c *Config) { c.Window = must(window.Parse("Sat 02:00-04:00")) }},
		{"service", "rolling-ops: a b\nkafka: c", func(c *Config) { c.Services = []string{"a", "b"} }},
		{"service", "kafka: c", func(*Config) {}},
		{"service", "rolling-ops:\nkafka: c", func(*Config) {}},
		{"health-check", "kafka: check k\nrolling-ops: check r: s", func(c *Config) { c.HealthCheck = []string{"check", "r:", "s"} }},
		{"health-check", "curl http://localhost: x", func(c *Config) { c.HealthCheck = []string{"curl", "http://localhost:", "x"} }},
		{"pre-check", "rolling-ops: true\nkafka: false", func(c *Config) { c.PreCheck = []string{"true"} }},
		{"command", "rolling-ops: true", func(c *Config) { c.Command = []string{"true"} }},
		{"retry-delay", "0s", func(c *Config) { c.Pacing.Delay = 0 }},
		{"retry-delay", "250ms", func(c *Config) { c.Pacing.Delay = 250 * time.Millisecond }},
		{"retry-delay-max", "24h", func(c *Config) { c.Pacing.Max = 24 * time.Hour }},
		{"retry-delay-max", "5s", func(c *Config) { c.Pacing.Max = 5 * time.Second }}, // as long as retry-delay
	} {
		t.Run(test.option+"="+test.value, func(t *testing.T) {
			want := defaults
			test.change(&want)
			got, err := ParseConfig(hooktool.Settings{test.option: test.value}, "rolling-ops")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), byValue); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestParseConfigErrors(t *testing.T) {
	for _, test := range []struct {
		option string
		value  any
		want   string
	}{
		{"service", "nginx, -a", `service: "-a" is no name of a systemd unit`},
		{"service", "a;b", `service: "a;b" is no name of a systemd unit`},
		{"service", "kafka: c\nb", "service: line 2: want APPLICATION: value"},
		{"service", "kafka: c\nb:c", "service: line 2: want APPLICATION: value"},
		{"service", "kafka: c\nKafka: b", `service: line 2: "Kafka" is no name of an application`},
		{"service", "kafka: c\nkafka: d", "service: kafka has two lines"},
		{"service", "kafka: c d c", "service: kafka: c is there twice"},
		{"service", "rolling-ops: a\nkafka: c,*", `service: kafka: "*" is no name of a systemd unit`},
		{"health-check", "kafka: a | b", "health-check: kafka: | needs a shell"},
		{"command", "a; b", "command: ; needs a shell"},
		{"command-timeout", "0s", "command-timeout: 0s is not between 1s and 24h"},
		{"window", "tomorrow", "window: "},
		{"service", "ng*", `service: "ng*" is no name of a systemd unit`},
		{"service", "/etc/x.service", `service: "/etc/x.service" is no name of a systemd unit`},
		{"service", "..", `service: ".." is no name of a systemd unit`},
		{"service", "nginx nginx", "service: nginx is there twice"},
		{"service", strings.Repeat("a", 256), `service: "aaaa`},
		{"service", strings.Repeat("a ", 101), "service: more than 100 services"},
		{"service", json.Number("1"), "service: cannot use"},
		{"health-check", "curl 'x", "health-check: cannot be split into words"},
		{"health-check", "'' x", "health-check: the command's name is empty"},
		{"health-check", "a\x00b", "health-check: longer than 4096 bytes, or with a NUL byte"},
		{"health-check", strings.Repeat("a", 4097), "health-check: longer than 4096 bytes, or with a NUL byte"},
		{"health-check", "echo DOWN | grep -q UP", `health-check: | needs a shell, and none runs this: quote it, or write sh -c '...'`},
		{"health-check", "a && b", "health-check: & needs a shell"},
		{"health-check", "a; b", "health-check: ; needs a shell"},
		{"health-check", "a 2>/dev/null", "health-check: > needs a shell"},
		{"health-check", "a <b", "health-check: < needs a shell"},
		{"health-check", "a $HOME", "health-check: $ needs a shell"},
		{"health-check", "a 'b'$HOME", "health-check: $ needs a shell"},
		{"health-check", "a `b`", "health-check: ` needs a shell"},
		{"health-check", "ls *", "health-check: * needs a shell"},
		{"health-check", "curl http://localhost/?a", "health-check: ? needs a shell"},
		{"health-check", "(a)", "health-check: ( needs a shell"},
		{"health-check", " LANG=C a", "health-check: LANG= needs a shell"},
		{"pre-check", "a | b", "pre-check: | needs a shell"},
		{"health-check-timeout", "0s", "health-check-timeout: 0s is not between 1s and 24h0m0s"},
		{"health-check-timeout", "24h1s", "health-check-timeout: 24h1s is not between 1s and 24h0m0s"},
		{"health-for", "61m", "health-for: 61m is not between 0s and 1h0m0s"},
		{"retry-delay", "5", `retry-delay: "5" is not a time such as "30s" or "5m"`},
		{"retry-delay", "-5s", "retry-delay: -5s is not between 0s and 24h0m0s"},
		{"retry-delay", "6m", "retry-delay-max: must not be shorter than retry-delay"},
		{"retry-delay-max", "soon", `retry-delay-max: "soon" is not a time such as`},
	} {
		t.Run(test.want, func(t *testing.T) {
			got, err := ParseConfig(hooktool.Settings{test.option: test.value}, "rolling-ops")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(defaults, got, cmpopts.EquateEmpty(), byValue); diff != "" {
				t.Errorf("no default in its place: %s", diff)
			}
		})
	}
}

func TestParseConfigNamesEachError(t *testing.T) {
	_, err := ParseConfig(hooktool.Settings{"service": "-", "retry-delay": "1"}, "rolling-ops")
	want := `service: "-" is no name of a systemd unit
retry-delay: "1" is not a time such as "30s" or "5m"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// The defaults of config.yaml are those of the code.
func TestConfigYAML(t *testing.T) {
	text, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var charm struct {
		Options map[string]struct{ Default string }
	}
	if err := yaml.Unmarshal(text, &charm); err != nil {
		t.Fatal(err)
	}
	settings := hooktool.Settings{}
	for option, o := range charm.Options {
		settings[option] = o.Default
	}
	got, err := ParseConfig(settings, "rolling-ops")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults, got, cmpopts.EquateEmpty(), byValue); diff != "" {
		t.Error(diff)
	}
	for _, option := range []string{"service", "health-check", "health-check-timeout", "retry-delay", "retry-delay-max"} {
		if _, ok := charm.Options[option]; !ok {
			t.Errorf("config.yaml has no %s", option)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("nginx, php.service", "curl -f 'a b'", "30s", "1m")
	f.Add("-a", `"`, "-1s", "1e9h")
	f.Fuzz(func(t *testing.T, service, check, delay, most string) {
		c, err := ParseConfig(hooktool.Settings{
			"service": service, "health-check": check, "retry-delay": delay, "retry-delay-max": most}, "rolling-ops")
		if c.Pacing.Delay < 0 || c.Pacing.Max < 0 || c.Pacing.Max > maxPause || len(c.Services) > maxServices {
			t.Errorf("accepted %+v", c)
		}
		if err == nil && c.Pacing.Max < c.Pacing.Delay {
			t.Errorf("accepted %+v", c.Pacing)
		}
		for _, s := range c.Services {
			if s == "" || s[0] == '-' || strings.ContainsAny(s, "/*?[ \x00;$") {
				t.Errorf("accepted service %q", s)
			}
		}
	})
}

// What an attempt depends on tells configurations apart. Who only wants another
// pause between retries has not mended anything.
func TestFingerprintIsOfWhatAnAttemptDependsOn(t *testing.T) {
	settings := func(option string, value any) hooktool.Settings {
		s := hooktool.Settings{"service": "db", "health-check": "true", "retry-delay": "5s", "retry-delay-max": "5m"}
		s[option] = value
		return s
	}
	same := fingerprint(settings("service", "db"))
	for _, test := range []struct {
		option  string
		value   any
		differs bool
	}{
		{"service", "web", true},
		{"health-check", "false", true},
		{"health-for", "10s", true},
		{"retry-delay", "1m", false},
		{"retry-delay-max", "1h", false},
	} {
		if differs := fingerprint(settings(test.option, test.value)) != same; differs != test.differs {
			t.Errorf("%s=%v: another configuration: %v, want %v", test.option, test.value, differs, test.differs)
		}
	}
}
