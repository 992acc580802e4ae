package juju

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/juju/juju/api/common"
	"github.com/juju/names/v6"

	"rolling-ops/tests/integration/steps"
)

// stateDir is where the charm keeps what is a unit's own.
const stateDir = "/var/lib/charm-rolling-ops"

// logs is what was read so far of the transitions logs. It outlives the units.
type logs struct {
	mu      sync.Mutex
	texts   map[string]string // by unit
	present map[string]bool   // the units that there were when last looked
	read    map[string]bool   // the units whose log could be read last
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
	read := make([]bool, len(units))
	errs := make([]error, len(units))
	var wait sync.WaitGroup
	for i, unit := range units {
		wait.Go(func() { texts[i], read[i], errs[i] = m.readLog(ctx, machines[unit], len(m.logs.texts[unit])) })
	}
	wait.Wait()
	m.logs.read = map[string]bool{}
	for i, unit := range units {
		m.logs.texts[unit] += texts[i]
		m.logs.read[unit] = read[i]
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cannot read the transitions: %w", err)
	}
	return parse(m.logs.texts)
}

// readTimeout is how long a machine that Juju takes for alive may not answer.
const readTimeout = 15 * time.Second

// readLog returns the log from an offset on, up to the end of a line. It tells
// whether Juju could run the command: a machine may go, or stop, at any time.
func (m *Model) readLog(ctx context.Context, machine string, from int) (text string, read bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	result, err := m.execAsRoot(ctx, machine, fmt.Sprintf("test ! -e %[1]s || tail --bytes=+%[2]d %[1]s", stateDir+"/transitions.log", from+1))
	if err != nil {
		return "", false, nil
	}
	if result.Code != 0 {
		return "", false, fmt.Errorf("exit code %d on machine %s: %s", result.Code, machine, result.Stderr)
	}
	return result.Stdout[:strings.LastIndexByte(result.Stdout, '\n')+1], true, nil
}

// parse reads the logs of all units.
func parse(texts map[string]string) ([]steps.Transition, error) {
	var all []steps.Transition
	for _, unit := range slices.Sorted(maps.Keys(texts)) {
		own, err := steps.ParseTransitions([]byte(texts[unit]))
		if err != nil {
			return nil, err
		}
		all = append(all, own...)
	}
	steps.SortTransitions(all)
	return all, nil
}

// History returns the transitions as they were read last. It returns an error
// if the last lines of a unit that there is could not be read.
func (m *Model) History() ([]steps.Transition, error) {
	m.logs.mu.Lock()
	defer m.logs.mu.Unlock()
	for unit := range m.logs.present {
		if !m.logs.read[unit] {
			return nil, fmt.Errorf("cannot read the last transitions of %s", unit)
		}
	}
	return parse(m.logs.texts)
}

// maxLogLines is how much is shown of the log of a unit.
const maxLogLines = 60

// Log implements steps.Logger.
func (m *Model) Log(ctx context.Context, unit string) (string, error) {
	lines, err := m.client.WatchDebugLog(ctx, common.DebugLogParams{
		IncludeEntity: []string{names.NewUnitTag(unit).String()}, Backlog: maxLogLines, NoTail: true,
	})
	if err != nil {
		return "", fmt.Errorf("cannot read the log of %s: %w", unit, err)
	}
	var b strings.Builder
	for line := range lines {
		fmt.Fprintf(&b, "%s %s %s %s\n", line.Timestamp.Format(time.TimeOnly), line.Severity, line.Module, line.Message)
	}
	return b.String(), nil
}
