package charm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
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

// MarshalJSON writes the line of the transitions log: the time is the seconds
// since 1970, as text.
func (t Transition) MarshalJSON() ([]byte, error) {
	micros := t.Time.UnixMicro()
	return json.Marshal(struct {
		Time       string         `json:"ts"`
		Unit       string         `json:"unit"`
		Event      string         `json:"event"`
		Parameters map[string]any `json:"parameters"`
	}{
		Time:       strconv.FormatInt(micros/1e6, 10) + fmt.Sprintf(".%06d", micros%1e6),
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
	if err := os.MkdirAll(filepath.Dir(string(path)), 0o750); err != nil {
		return fmt.Errorf("cannot record %s: %w", t.Event, err)
	}
	if info, err := os.Lstat(string(path)); err == nil && info.Mode().IsRegular() && info.Size() > maxTransitions {
		if err := os.Rename(string(path), string(path)+".1"); err != nil {
			return fmt.Errorf("cannot record %s: %w", t.Event, err)
		}
	}
	f, err := os.OpenFile(string(path), os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return fmt.Errorf("cannot record %s: %w", t.Event, err)
	}
	_, err = f.Write(append(line, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("cannot record %s: %w", t.Event, err)
	}
	return nil
}
