package rollout

import (
	"encoding/json"
	"errors"
	"fmt"

	"rolling-ops/internal/codec"
)

// State is that of a rollout. Who runs, is awaited or stalled is not stored.
type State string

const (
	None    State = "" // there has been no rollout
	Running State = "running"
	Paused  State = "paused"
	Done    State = "done"
	Aborted State = "aborted"
)

// Why a rollout is paused.
type Why string

const (
	ByOperator   Why = "operator"
	AfterCanary  Why = "canary"   // PauseAfter was due
	AfterFailure Why = "failed"   // more failed than may, or some did and nobody is left
	AfterRelease Why = "released" // an operator took the lock from the unit that ran
)

// PauseAfter says after which units that are done a rollout pauses.
type PauseAfter string

const (
	PauseNever PauseAfter = "none"
	PauseFirst PauseAfter = "first"
	PauseEach  PauseAfter = "each"
)

// Order says in which order the units' turns come.
type Order string

const (
	Auto  Order = "auto"  // judged at each grant: see AutoOrder
	Given Order = "given" // that of Request.Units
)

// Request is what a rollout is started with.
type Request struct {
	Operation   string     // the callback id, at most MaxOperation bytes
	Kwargs      codec.Args // of the operation, at most MaxKwargs bytes of JSON
	Units       Units      // at least one; fixed when the rollout starts
	Order       Order
	PauseAfter  PauseAfter
	MaxFailures int    // so many units may be failing or failed while others get their turn
	Retries     int    // of a unit, after its first attempt
	Reason      string // for people, at most MaxReason bytes
}

// Record is a rollout as the leader has written it last. The zero Record is
// none. Its methods return new records and leave it as it is.
type Record struct {
	ID  int // from 1 on
	Rev int // grows with every write
	At  codec.Timestamp
	Request
	Round int // grows with every resume: who failed in an earlier one is tried again
	State State
	Why   Why   // only of a paused one
	Skip  Units // the rollout goes on without these; a set
}

// ErrUnknownVersion is what ParseRecord returns for a record that a later
// version of the charm has written.
var ErrUnknownVersion = errors.New("it was written by a later version of the charm")

const version = 1

// recordJSON is Record in the databag.
type recordJSON struct {
	V           int        `json:"v"`
	ID          int        `json:"id"`
	Rev         int        `json:"rev"`
	Op          string     `json:"op"`
	Kwargs      string     `json:"kwargs"`
	At          string     `json:"at"`
	Units       string     `json:"units"`
	Order       Order      `json:"order"`
	PauseAfter  PauseAfter `json:"pause-after"`
	MaxFailures int        `json:"max-failures"`
	Retries     int        `json:"retries"`
	Round       int        `json:"round"`
	State       State      `json:"state"`
	Why         Why        `json:"why"`
	Skip        string     `json:"skip"`
	Reason      string     `json:"reason"`
}

// ParseRecord reads the value of KeyRecord; "" is none.
//
// With an error the record is to be treated as paused, and only an abort
// overwrites it (Salvage). The error is ErrUnknownVersion if that is why.
func ParseRecord(text string) (Record, error) {
	if text == "" {
		return Record{}, nil
	}
	r, err := parseRecord(text)
	if err != nil {
		return Record{}, fmt.Errorf("cannot read %s: %w", KeyRecord, err)
	}
	return r, nil
}

func parseRecord(text string) (Record, error) {
	var version1 struct {
		V int `json:"v"`
	}
	if err := unmarshal(text, MaxRecord, &version1); err != nil {
		return Record{}, err
	}
	if version1.V != version {
		return Record{}, fmt.Errorf("%w (v is %d)", ErrUnknownVersion, version1.V)
	}
	var w recordJSON
	if err := unmarshal(text, MaxRecord, &w); err != nil {
		return Record{}, err
	}
	r, err := w.record()
	if err != nil {
		return Record{}, err
	}
	return r, r.check()
}

func (w recordJSON) record() (r Record, err error) {
	r = Record{
		ID: w.ID, Rev: w.Rev, Round: w.Round, State: w.State, Why: w.Why,
		Request: Request{
			Operation: w.Op, Order: w.Order, PauseAfter: w.PauseAfter,
			MaxFailures: w.MaxFailures, Retries: w.Retries, Reason: w.Reason,
		},
	}
	if r.At, err = stamp("at", w.At); err != nil {
		return r, err
	}
	if r.Units, err = ParseUnits(w.Units); err != nil {
		return r, fmt.Errorf("units: %w", err)
	}
	if r.Skip, err = ParseUnits(w.Skip); err != nil {
		return r, fmt.Errorf("skip: %w", err)
	}
	if len(w.Kwargs) > MaxKwargs {
		return r, fmt.Errorf("kwargs has %d bytes, and may have %d", len(w.Kwargs), MaxKwargs)
	}
	r.Kwargs, err = codec.ParseArgs([]byte(w.Kwargs))
	return r, err
}

// Encode is the value of KeyRecord, "" for none.
//
// Errors: a field is out of its bounds, or all of them together need more than
// MaxRecord bytes.
func (r Record) Encode() (string, error) {
	if r.State == None {
		return "", nil
	}
	if err := r.check(); err != nil {
		return "", fmt.Errorf("cannot write %s: %w", KeyRecord, err)
	}
	text := r.encode()
	if len(text) > MaxRecord {
		return "", fmt.Errorf("cannot write %s: it would have %d bytes, and may have %d", KeyRecord, len(text), MaxRecord)
	}
	return text, nil
}

func (r Record) encode() string {
	return marshal(recordJSON{
		V: version, ID: r.ID, Rev: r.Rev, Op: r.Operation, Kwargs: r.Kwargs.JSON(), At: r.At.String(),
		Units: r.Units.String(), Order: r.Order, PauseAfter: r.PauseAfter, MaxFailures: r.MaxFailures,
		Retries: r.Retries, Round: r.Round, State: r.State, Why: r.Why, Skip: r.Skip.String(), Reason: r.Reason,
	})
}

// MarshalJSON writes what Encode does, whatever the size.
func (r Record) MarshalJSON() ([]byte, error) { return []byte(r.encode()), nil }

func (r Record) check() error {
	if err := checkNumbers(field{"id", r.ID}, field{"rev", r.Rev}, field{"round", r.Round}); err != nil {
		return err
	}
	switch {
	case r.ID == 0 || r.Rev == 0:
		return errors.New("id and rev begin with 1")
	case r.At.IsZero():
		return errors.New("at is missing")
	case (r.State == Paused) != (r.Why != ""):
		return fmt.Errorf("why is %.20q in state %.20q", r.Why, r.State)
	}
	if err := oneOf("state", r.State, Running, Paused, Done, Aborted); err != nil {
		return err
	}
	if err := oneOf("why", r.Why, "", ByOperator, AfterCanary, AfterFailure, AfterRelease); err != nil {
		return err
	}
	if err := r.checkSkip(r.Skip); err != nil {
		return err
	}
	return r.Request.check()
}

// checkSkip refuses units that are not the rollout's.
func (r Record) checkSkip(skip Units) error {
	if len(skip) == 0 {
		return nil
	}
	own := make(map[int]bool, len(r.Units))
	for _, n := range r.Units {
		own[n] = true
	}
	for _, n := range skip {
		if !own[n] {
			return fmt.Errorf("unit %d is not one of rollout %d: it has %.60s", n, r.ID, r.Units)
		}
	}
	return nil
}

func (q Request) check() error {
	if q.Operation == "" {
		return errors.New("no operation is named")
	}
	if err := checkText("the name of the operation", q.Operation, MaxOperation); err != nil {
		return err
	}
	if n := len(q.Kwargs.JSON()); n > MaxKwargs {
		return fmt.Errorf("the parameters of the operation have %d bytes as JSON, and may have %d", n, MaxKwargs)
	}
	if len(q.Units) == 0 {
		return errors.New("no units are named")
	}
	if err := oneOf("order", q.Order, Auto, Given); err != nil {
		return err
	}
	if err := oneOf("pause-after", q.PauseAfter, PauseNever, PauseFirst, PauseEach); err != nil {
		return err
	}
	if err := checkNumber("max-failures", q.MaxFailures, MaxUnits); err != nil {
		return err
	}
	if err := checkNumber("retries", q.Retries, MaxRetries); err != nil {
		return err
	}
	return checkText("the reason", q.Reason, MaxReason)
}

// MaxRetries is the largest number of retries that can be asked for.
const MaxRetries = 1_000_000

func oneOf[T ~string](name string, value T, known ...T) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("%s is %.20q, which is unknown", name, value)
}

// Token names the record as it was written last.
func (r Record) Token() Token { return Token{r.ID, r.Rev} }

// Salvage is the id in a record that ParseRecord does not read, 0 if that can't
// be read either. Abort takes such a record away and puts an Entry with this id,
// or else with one that NextID gives, into the history: no later rollout may get it.
func Salvage(text string) int {
	var w struct {
		ID json.Number `json:"id"`
	}
	if json.Unmarshal([]byte(text[:min(len(text), 64*MaxRecord)]), &w) != nil {
		return 0
	}
	id, err := parseNumber(w.ID.String())
	if err != nil {
		return 0
	}
	return id
}
