package rollingops

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	"github.com/google/go-cmp/cmp"
)

// TestVectors replays recorded decisions: of testdata/vectors, or of every
// *.json and *.json.gz in the directory that ROLLINGOPS_VECTORS names.
func TestVectors(t *testing.T) {
	dir := os.Getenv("ROLLINGOPS_VECTORS")
	if dir == "" {
		dir = filepath.Join("testdata", "vectors")
	}
	var files []string
	for _, pattern := range []string{"*.json", "*.json.gz"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	total := 0
	for _, file := range files {
		records := readRecords(t, file)
		matched, failed := 0, 0
		for _, raw := range records {
			if name, diff := replay(raw, strings.Contains(filepath.Base(file), "exotic")); diff == "" {
				matched++
			} else if failed++; failed <= 10 {
				t.Errorf("%s: %s\n%s", filepath.Base(file), name, diff)
			} else {
				t.Fail()
			}
		}
		fmt.Printf("%-36s %5d records ran, %5d matched\n", filepath.Base(file), len(records), matched)
		total += len(records)
	}
	if total == 0 {
		t.Fatalf("no record ran: %s holds none", dir)
	}
}

func readRecords(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	var records []json.RawMessage
	if err := json.NewDecoder(r).Decode(&records); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return records
}

// replay runs one record and returns its name and how the outcome differs.
func replay(raw json.RawMessage, exotic bool) (name, diff string) {
	var head struct{ Name, Kind string }
	if err := json.Unmarshal(raw, &head); err != nil {
		return "?", err.Error()
	}
	if head.Kind != "" {
		if ok, detail := codecRecord(head.Kind, raw, exotic); !ok {
			return head.Name, "codec: " + detail
		}
		return head.Name, ""
	}
	var r hookRecord
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return head.Name, err.Error()
	}
	return head.Name, r.diff()
}

// hookRecord is one hook of one unit, before and after.
type hookRecord struct {
	Event struct {
		Kind          string
		DepartingUnit string `json:"departing_unit"`
		CallbackID    string `json:"callback_id"`
		Kwargs        map[string]any
		MaxRetry      *int `json:"max_retry"`
	}
	Unit           string
	Leader         bool
	Now            time.Time
	AppDatabag     map[string]string            `json:"app_databag"`
	UnitDatabags   map[string]map[string]string `json:"unit_databags"`
	GoalStateUnits []string                     `json:"goal_state_units"`
	PeerRelation   *bool                        `json:"peer_relation"`
	Callbacks      map[string][]string
	Expect         hookOutcome
}

type hookOutcome struct {
	AppDatabag    map[string]string `json:"app_databag"`
	UnitDatabag   map[string]string `json:"local_unit_databag"`
	CallbacksRun  [][]any           `json:"callbacks_run"`
	WorkerStarted bool              `json:"worker_started"`
	Error         *string
}

var eventKinds = map[string]EventKind{
	"relation-changed": RelationChanged, "update-status": UpdateStatus, "lock-granted": LockGranted,
	"relation-departed": OtherEvent, "leader-elected": OtherEvent, "action-request": OtherEvent,
}

func (r *hookRecord) diff() string {
	w := &recordedWorld{r: r, got: hookOutcome{CallbacksRun: [][]any{}}}
	if err := w.run(); err != nil {
		return err.Error()
	}
	for _, o := range []*hookOutcome{&w.got, &r.Expect} {
		for _, bag := range []map[string]string{o.AppDatabag, o.UnitDatabag} {
			for k := range bag {
				if strings.HasPrefix(k, "rollingops-") {
					delete(bag, k)
				}
			}
		}
	}
	return cmp.Diff(r.Expect, w.got)
}

// recordedWorld is everything that a hook of a record sees.
type recordedWorld struct {
	r     *hookRecord
	reads int
	got   hookOutcome
}

func (w *recordedWorld) run() error {
	r := w.r
	kind, ok := eventKinds[r.Event.Kind]
	if !ok {
		return fmt.Errorf("unknown event kind %q", r.Event.Kind)
	}
	w.got.AppDatabag = cloneBag(r.AppDatabag)
	w.got.UnitDatabag = cloneBag(r.UnitDatabags[r.Unit])
	config := Config{Unit: r.Unit, Juju: w, Clock: w, Waker: w, Log: slog.New(slog.DiscardHandler)}
	if r.PeerRelation != nil && !*r.PeerRelation {
		config.Juju = nil
	}
	m := New(config)
	for id, script := range r.Callbacks {
		m.Register(id, w.scripted(id, script))
	}
	ctx := context.Background()
	h, err := m.Begin(ctx, Event{Kind: kind, Leaving: r.Event.DepartingUnit == r.Unit})
	if err != nil {
		return err
	}
	if r.Event.Kind == "action-request" {
		_, err := h.Request(r.Event.CallbackID, r.Event.Kwargs, r.Event.MaxRetry)
		w.got.Error = errorName(err)
		if err != nil {
			return nil // the action fails, and with it all that its hook would write
		}
	}
	_, err = h.Finish(ctx)
	return err
}

func errorName(err error) *string {
	name := ""
	var invalid *InvalidRequestError
	var undecodable *UndecodableQueueError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		name = "invalid-request"
	case errors.As(err, &undecodable):
		name = "undecodable-queue"
	case errors.Is(err, ErrNoRelation):
		name = "no-relation"
	default:
		name = err.Error()
	}
	return &name
}

func (w *recordedWorld) scripted(id string, script []string) Callback {
	return func(_ context.Context, args codec.Args) (Result, error) {
		op, _ := newUnitView(w.r.Unit, w.r.UnitDatabags[w.r.Unit]).head()
		w.got.CallbacksRun = append(w.got.CallbacksRun, []any{id, kwargsOf(args), json.Number(op.Attempt.String())})
		result := "release"
		if len(script) > 0 {
			result, script = script[0], script[1:]
		}
		switch result {
		case "retry-release":
			return RetryRelease, nil
		case "retry-hold":
			return RetryHold, nil
		case "raise":
			return Release, errors.New("scripted failure")
		}
		return Release, nil
	}
}

func kwargsOf(args codec.Args) any {
	var out any
	d := json.NewDecoder(strings.NewReader(args.JSON()))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return err.Error()
	}
	return out
}

func (w *recordedWorld) IsLeader(context.Context) (bool, error) { return w.r.Leader, nil }

func (w *recordedWorld) Now() time.Time {
	now := w.r.Now.Add(time.Duration(w.reads) * time.Millisecond)
	w.reads++
	return now
}

func (w *recordedWorld) SinceBoot() time.Duration { return 0 }

func (w *recordedWorld) Watch(context.Context, time.Duration) error { return nil }

func (w *recordedWorld) Wake(context.Context, time.Duration) error {
	w.got.WorkerStarted = true
	return nil
}

func (w *recordedWorld) App(context.Context) (map[string]string, error) { return w.r.AppDatabag, nil }

func (w *recordedWorld) Unit(_ context.Context, unit string) (map[string]string, error) {
	bag, ok := w.r.UnitDatabags[unit]
	if !ok {
		return nil, fmt.Errorf("%s is not in the relation", unit)
	}
	return bag, nil
}

func (w *recordedWorld) Members(context.Context) ([]string, error) {
	var others []string
	for unit := range w.r.UnitDatabags {
		if unit != w.r.Unit {
			others = append(others, unit)
		}
	}
	return others, nil
}

func (w *recordedWorld) SetUnit(_ context.Context, changes map[string]string) error {
	setBag(w.got.UnitDatabag, changes)
	return nil
}

func (w *recordedWorld) SetApp(_ context.Context, changes map[string]string) error {
	if !w.r.Leader {
		return errors.New("only the leader may write the application databag")
	}
	setBag(w.got.AppDatabag, changes)
	return nil
}

func (w *recordedWorld) Beside(context.Context) (bool, error) { return true, nil }

func (w *recordedWorld) GoalState(context.Context) (map[string]bool, error) {
	units := make(map[string]bool)
	for _, unit := range w.r.GoalStateUnits {
		units[unit] = false
	}
	return units, nil
}

func cloneBag(bag map[string]string) map[string]string {
	out := make(map[string]string, len(bag))
	setBag(out, bag)
	return out
}

func setBag(bag, changes map[string]string) {
	for k, v := range changes {
		if v == "" {
			delete(bag, k)
		} else {
			bag[k] = v
		}
	}
}
