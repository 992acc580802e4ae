package charmfacts

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Transition is a line of a transitions log.
type Transition struct {
	Time time.Time
	Unit string
	// Event is NAME:start and NAME:OUTCOME around a run of an operation, or
	// something else, such as action:NAME.
	Event      string
	Parameters map[string]any
}

// Starts reports whether the transition begins a run.
func (t Transition) Starts() bool {
	_, phase, ok := strings.Cut(t.Event, ":")
	return ok && phase == "start"
}

// Name returns what runs, and Phase what becomes of it; Phase is empty if the
// event has no colon.
func (t Transition) Name() string {
	name, _, _ := strings.Cut(t.Event, ":")
	return name
}

// Phase is "start", or how the run ended; see Name.
func (t Transition) Phase() string {
	_, phase, _ := strings.Cut(t.Event, ":")
	return phase
}

// ParseTransition reads a line: a JSON object with ts, unit, event and maybe
// parameters. ts is ISO 8601 with a zone, or seconds since 1970, as a number or as
// text.
func ParseTransition(line []byte) (Transition, error) {
	var raw struct {
		Time       json.RawMessage `json:"ts"`
		Unit       string          `json:"unit"`
		Event      string          `json:"event"`
		Parameters map[string]any  `json:"parameters"`
	}
	err := json.Unmarshal(line, &raw)
	var at time.Time
	if err == nil {
		at, err = parseTime(raw.Time)
	}
	if err != nil {
		return Transition{}, fmt.Errorf("cannot read transition %q: %w", line, err)
	}
	return Transition{Time: at, Unit: raw.Unit, Event: raw.Event, Parameters: raw.Parameters}, nil
}

// lastSecond is that of the year 9999: what lies beyond is no time.
const lastSecond = 253402300799

func parseTime(raw json.RawMessage) (time.Time, error) {
	if len(raw) == 0 {
		return time.Time{}, errors.New("it has no ts")
	}
	text := strings.Trim(string(raw), `"`)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) <= lastSecond {
		return time.UnixMicro(int64(math.Round(seconds * 1e6))), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("ts %q is neither ISO 8601 with a zone nor seconds since 1970", text)
	}
	return at, nil
}
