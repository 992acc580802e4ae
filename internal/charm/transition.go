package charm

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/statedir"
)

// Transition is a step of an operation on one unit, for whoever wants to see
// afterwards who ran what when.
type Transition struct {
	Time  time.Time
	Unit  string
	Event string // such as "action:restart" or "_restart:done"
	// Parameters are the action's or the callback's.
	Parameters map[string]any
}

// Transitions takes note of transitions.
type Transitions interface {
	Record(Transition) error
}

// MarshalJSON writes the line of the transitions log. The time is written as
// executed_at is, in ISO 8601.
func (t Transition) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Time       string         `json:"ts"`
		Unit       string         `json:"unit"`
		Event      string         `json:"event"`
		Parameters map[string]any `json:"parameters"`
	}{
		Time:       codec.TimestampOf(t.Time).String(),
		Unit:       t.Unit,
		Event:      t.Event,
		Parameters: t.Parameters,
	})
}

// TransitionLog is the path of a file that gets a line of JSON a transition. A
// file that has grown past maxTransitions is moved aside, to a name with .1 at
// its end, in place of an older one.
type TransitionLog string

const maxTransitions = 16 << 20 // bytes

// Record appends a line in one write, so that the lines of several units on
// one machine do not mix. Missing directories are made.
func (path TransitionLog) Record(t Transition) error {
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("cannot record %s: %w", t.Event, err)
	}
	if err := path.append(append(line, '\n')); err != nil {
		return fmt.Errorf("cannot record %s: %w", t.Event, err)
	}
	return nil
}

func (path TransitionLog) append(line []byte) error {
	dir, err := statedir.Open(filepath.Dir(string(path)))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(string(path))
	f, err := dir.Append(name)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size() > maxTransitions {
		f.Close()
		if err := dir.Rename(name, name+".1"); err != nil {
			return err
		}
		if f, err = dir.Append(name); err != nil {
			return err
		}
	}
	_, err = f.Write(line)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
