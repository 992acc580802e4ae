package juju

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rolling-ops/tests/integration/steps"
)

// stateDir is where the charm keeps what is a unit's own.
const stateDir = "/var/lib/charm-rolling-ops"

// logs is what was read so far of the transitions logs. It outlives the units.
type logs struct {
	mu      sync.Mutex
	texts   map[string]string // by unit
	present map[string]bool   // the units that there were when last looked
}

func newLogs() *logs { return &logs{texts: map[string]string{}} }

func (l *logs) setPresent(units []steps.Unit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.present = map[string]bool{}
	for _, unit := range units {
		l.present[unit.Name] = true
	}
}

// Transitions reads on in the log of each unit whose machine answers. It does
// not wait for the unit's hook to end: the machine's agent reads the file.
func (m *Model) Transitions(ctx context.Context) ([]steps.Transition, error) {
	machines, err := m.machines(ctx)
	if err != nil {
		return nil, err
	}
	m.logs.mu.Lock()
	defer m.logs.mu.Unlock()
	units := slices.Sorted(maps.Keys(machines))
	texts := make([]string, len(units))
	errs := make([]error, len(units))
	var wait sync.WaitGroup
	for i, unit := range units {
		wait.Go(func() { texts[i], errs[i] = m.readLog(ctx, machines[unit], len(m.logs.texts[unit])) })
	}
	wait.Wait()
	for i, unit := range units {
		m.logs.texts[unit] += texts[i]
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cannot read the transitions: %w", err)
	}
	return parse(m.logs.texts)
}

// readTimeout is how long a machine that Juju takes for alive may not answer.
const readTimeout = 15 * time.Second

// readLog returns the log from an offset on, up to the end of a line. It
// returns nothing if Juju cannot run the command: a machine may go, or stop, at
// any time.
func (m *Model) readLog(ctx context.Context, machine string, from int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	result, err := m.execAsRoot(ctx, machine, fmt.Sprintf("test ! -e %[1]s || tail --bytes=+%[2]d %[1]s", stateDir+"/transitions.log", from+1))
	if err != nil {
		return "", nil
	}
	if result.Code != 0 {
		return "", fmt.Errorf("exit code %d on machine %s: %s", result.Code, machine, result.Stderr)
	}
	return result.Stdout[:strings.LastIndexByte(result.Stdout, '\n')+1], nil
}

// parse reads the logs of all units.
func parse(texts map[string]string) ([]steps.Transition, error) {
	var all []steps.Transition
	for _, unit := range slices.Sorted(maps.Keys(texts)) {
		for line := range strings.Lines(texts[unit]) {
			transition, err := parseLine(line)
			if err != nil {
				return nil, fmt.Errorf("cannot read the transitions of %s: %w", unit, err)
			}
			all = append(all, transition)
		}
	}
	slices.SortStableFunc(all, byTime)
	return all, nil
}

func parseLine(line string) (steps.Transition, error) {
	var fields struct {
		Time       string         `json:"ts"` // seconds since 1970
		Unit       string         `json:"unit"`
		Event      string         `json:"event"`
		Parameters map[string]any `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return steps.Transition{}, err
	}
	seconds, err := strconv.ParseFloat(fields.Time, 64)
	if err != nil {
		return steps.Transition{}, err
	}
	at := time.UnixMicro(int64(math.Round(seconds * 1e6)))
	return steps.Transition{Time: at, Unit: fields.Unit, Event: fields.Event, Parameters: fields.Parameters}, nil
}

// History returns what was read of the transitions, and how long each unit
// waited for its first attempt after the unit before. It returns an error if
// the units did not keep to one lock.
func (m *Model) History() ([]steps.Transition, []time.Duration, error) {
	m.logs.mu.Lock()
	defer m.logs.mu.Unlock()
	history, err := parse(m.logs.texts)
	if err != nil {
		return nil, nil, err
	}
	gone := func(unit string) bool { return !m.logs.present[unit] }
	return history, handovers(history), checkMutex(history, gone)
}
