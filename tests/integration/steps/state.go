package steps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rolling-ops/jujusim/charmfacts"
)

// snapshot is what conditions are about.
type snapshot struct {
	State
	transitions []Transition
	ended       []Transition // what the script has said of attempts
}

// unit returns the unit of that name.
func (s State) unit(name string) (Unit, bool) {
	i := slices.IndexFunc(s.Units, func(u Unit) bool { return u.Name == name })
	if i < 0 {
		return Unit{}, false
	}
	return s.Units[i], true
}

// has reports whether there is a unit of that name.
func (s State) has(name string) bool {
	_, ok := s.unit(name)
	return ok
}

// leader returns the name of the unit that leads, or "".
func (s State) leader() string {
	for _, u := range s.Units {
		if u.Leader {
			return u.Name
		}
	}
	return ""
}

// history is what the units have written, and what the script knows besides.
func (s snapshot) history() []Transition {
	all := slices.Concat(s.transitions, s.ended)
	SortTransitions(all)
	return all
}

func (s snapshot) attempts() []attempt { return attempts(s.history(), s.has) }

// presentAttempts are those of the units that are there now.
func (s snapshot) presentAttempts() []attempt {
	return slices.DeleteFunc(s.attempts(), func(a attempt) bool { return !s.has(a.unit) })
}

// queue returns the operations that wait on the unit.
func (u Unit) queue() ([]string, error) {
	text := u.Databag[charmfacts.OperationsKey]
	if text == "" {
		return nil, nil
	}
	var operations []string
	if err := json.Unmarshal([]byte(text), &operations); err != nil {
		return nil, fmt.Errorf("cannot read the operations of %s: %w", u.Name, err)
	}
	return operations, nil
}

// busy says why the model is not idle, or "".
func (s State) busy() string {
	if holder := s.App[charmfacts.GrantedKey]; holder != "" {
		return holder + " holds the lock"
	}
	for _, u := range s.Units {
		operations, err := u.queue()
		switch state := u.Databag[charmfacts.StateKey]; {
		case err != nil:
			return err.Error()
		case len(operations) > 0:
			return fmt.Sprintf("%s has %d operations", u.Name, len(operations))
		case state != "" && state != "idle":
			return fmt.Sprintf("%s is in state %s", u.Name, state)
		case !u.Idle:
			return u.Name + " has something to run"
		}
	}
	return ""
}

const (
	maxShownTransitions = 30
	maxShownValue       = 200
)

// String shows the snapshot to the reader of a failed script.
func (s snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "application databag: %s\n", showDatabag(s.App))
	for _, u := range s.Units {
		fmt.Fprintf(&b, "%s: %s %q", u.Name, u.Status, u.Message)
		if u.Leader {
			b.WriteString(", leads")
		}
		if !u.Idle {
			b.WriteString(", has something to run")
		}
		fmt.Fprintf(&b, "\n    databag: %s\n", showDatabag(u.Databag))
	}
	shown := s.transitions
	if n := len(shown) - maxShownTransitions; n > 0 {
		fmt.Fprintf(&b, "%d transitions, then\n", n)
		shown = shown[n:]
	}
	for _, tr := range shown {
		fmt.Fprintf(&b, "%s  %s  %s", tr.Time.Format(clockFormat), tr.Unit, tr.Event)
		if len(tr.Parameters) > 0 {
			text, _ := json.Marshal(tr.Parameters) // decoded from JSON
			fmt.Fprintf(&b, "  %s", shorten(string(text)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func showDatabag(databag map[string]string) string {
	var fields []string
	for key, value := range databag {
		fields = append(fields, key+"="+shorten(value))
	}
	slices.Sort(fields)
	return cmp.Or(strings.Join(fields, " "), "empty")
}

func shorten(s string) string {
	if len(s) > maxShownValue {
		return fmt.Sprintf("%s... (%d bytes)", s[:maxShownValue], len(s))
	}
	return s
}
