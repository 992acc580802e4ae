package rollout

import (
	"errors"
	"fmt"

	"rolling-ops/internal/codec"
)

// StepState is how far a unit is with its step.
type StepState string

const (
	StepReady   StepState = "ready"   // the unit has answered and may be granted
	StepDone    StepState = "done"    // it succeeded
	StepFailing StepState = "failing" // an attempt failed, the next one is in the unit's queue
	StepFailed  StepState = "failed"  // it was dropped
)

// Step is a unit's part in one rollout, as the unit has written it last. The
// zero Step is none: the unit has not answered any rollout.
type Step struct {
	ID       int // of the rollout
	Round    int // of the record when the unit answered, then when its last attempt ended
	State    StepState
	Attempts int             // that ended
	Granted  codec.Timestamp // of the last attempt; zero before the first
	Ended    codec.Timestamp // of the last attempt; zero before the first
	Error    string          // of the last attempt, cut to MaxError
}

// Ready, Done and Failing report whether the step is one of r and in that
// state, in whichever round.
func (s Step) Ready(r Record) bool   { return s.in(r, StepReady) }
func (s Step) Done(r Record) bool    { return s.in(r, StepDone) }
func (s Step) Failing(r Record) bool { return s.in(r, StepFailing) }

// Failed reports whether the step is one of r that has failed since r was
// resumed last.
func (s Step) Failed(r Record) bool { return s.in(r, StepFailed) && s.Round == r.Round }

func (s Step) in(r Record, state StepState) bool {
	return r.ID != 0 && s.ID == r.ID && s.State == state
}

type stepJSON struct {
	ID       int       `json:"id"`
	Round    int       `json:"round"`
	State    StepState `json:"state"`
	Attempts int       `json:"attempts"`
	Granted  string    `json:"granted"`
	Ended    string    `json:"ended"`
	Error    string    `json:"error"`
}

// ParseStep reads the value of KeyStep; "" is none.
func ParseStep(text string) (Step, error) {
	if text == "" {
		return Step{}, nil
	}
	var w stepJSON
	err := unmarshal(text, MaxStep, &w)
	if err != nil {
		return Step{}, fmt.Errorf("cannot read %s: %w", KeyStep, err)
	}
	s, err := w.step()
	if err != nil {
		return Step{}, fmt.Errorf("cannot read %s: %w", KeyStep, err)
	}
	return s, nil
}

func (w stepJSON) step() (s Step, err error) {
	s = Step{ID: w.ID, Round: w.Round, State: w.State, Attempts: w.Attempts, Error: w.Error}
	if s.Granted, err = stamp("granted", w.Granted); err != nil {
		return s, err
	}
	if s.Ended, err = stamp("ended", w.Ended); err != nil {
		return s, err
	}
	if err := checkText("error", s.Error, MaxError); err != nil {
		return s, err
	}
	return s, s.check()
}

func (s Step) check() error {
	if s.ID == 0 {
		return errors.New("id is missing")
	}
	if err := oneOf("state", s.State, StepReady, StepDone, StepFailing, StepFailed); err != nil {
		return err
	}
	return checkNumbers(field{"id", s.ID}, field{"round", s.Round}, field{"attempts", s.Attempts})
}

// Encode is the value of KeyStep, "" for none. The error is cut to MaxError and
// made fit to be shown.
//
// Errors: a field is out of its bounds.
func (s Step) Encode() (string, error) {
	if s == (Step{}) {
		return "", nil
	}
	if err := s.check(); err != nil {
		return "", fmt.Errorf("cannot write %s: %w", KeyStep, err)
	}
	return s.encode(), nil
}

func (s Step) encode() string {
	w := stepJSON{
		ID: s.ID, Round: s.Round, State: s.State, Attempts: s.Attempts,
		Granted: s.Granted.String(), Ended: s.Ended.String(),
	}
	w.Error = oneLine(s.Error, min(MaxError, MaxStep-len(marshal(w))))
	return marshal(w)
}

// MarshalJSON writes what Encode does.
func (s Step) MarshalJSON() ([]byte, error) { return []byte(s.encode()), nil }

// Outcome is how a single operation ended.
type Outcome string

const (
	Succeeded Outcome = "done"
	GaveUp    Outcome = "gave-up" // dropped after its last retry, or because nobody knows it
)

// Last tells how a unit's last single operation ended, one that is no step of a
// rollout. The zero Last is none.
type Last struct {
	Operation string // the callback id, cut to MaxOperation
	Requested codec.Timestamp
	Ended     codec.Timestamp
	Attempts  int
	Outcome   Outcome
	Error     string // of the last attempt, cut
}

type lastJSON struct {
	Op        string  `json:"op"`
	Requested string  `json:"requested"`
	Ended     string  `json:"ended"`
	Attempts  int     `json:"attempts"`
	Outcome   Outcome `json:"outcome"`
	Error     string  `json:"error"`
}

// ParseLast reads the value of KeyLast; "" is none.
func ParseLast(text string) (Last, error) {
	if text == "" {
		return Last{}, nil
	}
	var w lastJSON
	err := unmarshal(text, MaxLast, &w)
	if err != nil {
		return Last{}, fmt.Errorf("cannot read %s: %w", KeyLast, err)
	}
	l, err := w.last()
	if err != nil {
		return Last{}, fmt.Errorf("cannot read %s: %w", KeyLast, err)
	}
	return l, nil
}

func (w lastJSON) last() (l Last, err error) {
	l = Last{Operation: w.Op, Attempts: w.Attempts, Outcome: w.Outcome, Error: w.Error}
	if l.Requested, err = stamp("requested", w.Requested); err != nil {
		return l, err
	}
	if l.Ended, err = stamp("ended", w.Ended); err != nil {
		return l, err
	}
	if err := checkText("op", l.Operation, MaxOperation); err != nil {
		return l, err
	}
	if err := checkText("error", l.Error, MaxError); err != nil {
		return l, err
	}
	return l, l.check()
}

func (l Last) check() error {
	if l.Operation == "" {
		return errors.New("op is missing")
	}
	if err := oneOf("outcome", l.Outcome, Succeeded, GaveUp); err != nil {
		return err
	}
	return checkNumber("attempts", l.Attempts, maxNumber)
}

// Encode is the value of KeyLast, "" for none. The operation and the error are
// cut, and made fit to be shown.
//
// Errors: a field is out of its bounds.
func (l Last) Encode() (string, error) {
	if l == (Last{}) {
		return "", nil
	}
	if err := l.check(); err != nil {
		return "", fmt.Errorf("cannot write %s: %w", KeyLast, err)
	}
	return l.encode(), nil
}

func (l Last) encode() string {
	w := lastJSON{
		Op: oneLine(l.Operation, MaxOperation), Requested: l.Requested.String(), Ended: l.Ended.String(),
		Attempts: l.Attempts, Outcome: l.Outcome,
	}
	w.Error = oneLine(l.Error, min(MaxError, MaxLast-len(marshal(w))))
	return marshal(w)
}

// MarshalJSON writes what Encode does.
func (l Last) MarshalJSON() ([]byte, error) { return []byte(l.encode()), nil }
