package rollout

import (
	"errors"
	"fmt"

	"rolling-ops/internal/codec"
)

// MaxEntries is how many ended rollouts are remembered.
const MaxEntries = 5

// History are the rollouts that ended, the newest first.
type History []Entry

// Entry is a rollout that has ended, with the numbers of units as they were
// then.
type Entry struct {
	ID        int
	Operation string // "" if the record could not be read
	At        codec.Timestamp
	Ended     codec.Timestamp
	State     State // Done or Aborted
	Total     int   // units of the rollout that the application still had
	Done      int
	Failed    int // failing or failed
	Skipped   int
	Gone      int
	Reason    string
}

// Entry is what is remembered of a rollout that ended.
func (r Record) Entry(t Tally, ended codec.Timestamp) Entry {
	return Entry{
		ID: r.ID, Operation: r.Operation, At: r.At, Ended: ended, State: r.State, Reason: r.Reason,
		Total: t.Total(), Done: t.Done, Failed: t.Failing + t.Failed, Skipped: t.Skipped, Gone: t.Gone,
	}
}

type entryJSON struct {
	ID      int    `json:"id"`
	Op      string `json:"op,omitempty"`
	At      string `json:"at,omitempty"`
	Ended   string `json:"ended"`
	State   State  `json:"state"`
	Total   int    `json:"total"`
	Done    int    `json:"done"`
	Failed  int    `json:"failed,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
	Gone    int    `json:"gone,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// ParseHistory reads the value of KeyHistory; "" is an empty one.
func ParseHistory(text string) (History, error) {
	if text == "" {
		return nil, nil
	}
	h, err := parseHistory(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", KeyHistory, err)
	}
	return h, nil
}

func parseHistory(text string) (History, error) {
	var ws []entryJSON
	if err := unmarshal(text, MaxHistory, &ws); err != nil {
		return nil, err
	}
	if len(ws) > MaxEntries {
		return nil, fmt.Errorf("it has %d entries, and may have %d", len(ws), MaxEntries)
	}
	h := make(History, len(ws))
	for i, w := range ws {
		var err error
		if h[i], err = w.entry(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return h, nil
}

func (w entryJSON) entry() (e Entry, err error) {
	e = Entry{
		ID: w.ID, Operation: w.Op, State: w.State, Reason: w.Reason,
		Total: w.Total, Done: w.Done, Failed: w.Failed, Skipped: w.Skipped, Gone: w.Gone,
	}
	if e.At, err = stamp("at", w.At); err != nil {
		return e, err
	}
	if e.Ended, err = stamp("ended", w.Ended); err != nil {
		return e, err
	}
	return e, e.check()
}

func (e Entry) check() error {
	switch {
	case e.ID == 0:
		return errors.New("id is missing")
	case e.Ended.IsZero():
		return errors.New("ended is missing")
	}
	if err := oneOf("state", e.State, Done, Aborted); err != nil {
		return err
	}
	if err := checkText("op", e.Operation, MaxOperation); err != nil {
		return err
	}
	if err := checkText("reason", e.Reason, MaxReason); err != nil {
		return err
	}
	return checkNumbers(field{"id", e.ID}, field{"total", e.Total}, field{"done", e.Done},
		field{"failed", e.Failed}, field{"skipped", e.Skipped}, field{"gone", e.Gone})
}

// Add puts a rollout in front and drops the oldest ones that are too many or
// do not fit.
func (h History) Add(e Entry) History {
	next := append(History{e}, h[:min(len(h), MaxEntries-1)]...)
	for len(next) > 1 && len(next.encode()) > MaxHistory {
		next = next[:len(next)-1]
	}
	return next
}

// Encode is the value of KeyHistory, "" for an empty one.
//
// Errors: a field is out of its bounds.
func (h History) Encode() (string, error) {
	if len(h) == 0 {
		return "", nil
	}
	for i, e := range h {
		if err := e.check(); err != nil {
			return "", fmt.Errorf("cannot write %s: entry %d: %w", KeyHistory, i, err)
		}
	}
	text := h.encode()
	if len(h) > MaxEntries || len(text) > MaxHistory {
		return "", fmt.Errorf("cannot write %s: it would have %d entries and %d bytes", KeyHistory, len(h), len(text))
	}
	return text, nil
}

func (h History) encode() string {
	ws := make([]entryJSON, len(h))
	for i, e := range h {
		ws[i] = entryJSON{
			ID: e.ID, Op: e.Operation, At: e.At.String(), Ended: e.Ended.String(), State: e.State, Reason: e.Reason,
			Total: e.Total, Done: e.Done, Failed: e.Failed, Skipped: e.Skipped, Gone: e.Gone,
		}
	}
	return marshal(ws)
}

// MarshalJSON writes what Encode does; an empty history is an empty list.
func (h History) MarshalJSON() ([]byte, error) { return []byte(h.encode()), nil }
