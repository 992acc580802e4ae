package v1unit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"

	"github.com/google/go-cmp/cmp"
)

var vectorsDir = filepath.Join("..", "..", "internal", "rollingops", "testdata", "vectors")

// TestVectors replays the recorded decisions: those that our protocol makes as
// v1 does, and of all others what v1 did instead, which record.py has recorded.
func TestVectors(t *testing.T) {
	instead := readOutcomes(t)
	files, err := filepath.Glob(filepath.Join(vectorsDir, "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded decisions in %s: %v", vectorsDir, err)
	}
	tally := make(map[string]int)
	for _, file := range files {
		for _, r := range readRecords(t, file) {
			key := filepath.Base(file) + " " + r.Name
			want, class := r.expected(instead[key])
			delete(instead, key)
			tally[class]++
			if want == nil {
				continue
			}
			if diff := cmp.Diff(*want, r.replay()); diff != "" {
				tally[class]--
				if tally[notAsV1]++; tally[notAsV1] <= 10 {
					t.Errorf("%s: %s\n%s", key, class, diff)
				}
			}
		}
	}
	for key := range instead {
		t.Errorf("%s is no record", key)
	}
	for _, class := range slices.Sorted(maps.Keys(tally)) {
		fmt.Printf("%6d records %s\n", tally[class], class)
	}
	if diff := cmp.Diff(expectedTally, tally); diff != "" {
		t.Errorf("other records than before:\n%s", diff)
	}
}

// The classes of records.
const (
	asV1         = "as v1, which is as our protocol"
	asV1Instead  = "as v1, which departs from our protocol"
	notAsV1      = "not as v1"
	asV1Raises   = "as v1, which raises"
	outOfCodec   = "left out: encoding alone, which this package takes from internal/codec, held to them there"
	outOfTesting = "left out: a relation-changed of a unit that is alone, which ops' testing has not, so v1 was not recorded"
)

// expectedTally says how many there are of each.
var expectedTally = map[string]int{asV1: 4550, asV1Instead: 6218, asV1Raises: 131, outOfCodec: 1470, outOfTesting: 2}

// outcome is what a hook has left.
type outcome struct {
	File, Name string
	App, Unit  map[string]string
	Ran        [][]any
	Worker     bool
	Raises     string
	Alone      bool
}

type record struct {
	Name, Kind, Profile string
	Event               struct {
		Kind          string
		DepartingUnit string `json:"departing_unit"`
		CallbackID    string `json:"callback_id"`
		Kwargs        map[string]any
		MaxRetry      *int `json:"max_retry"`
	}
	Unit         string
	Leader       bool
	Now          time.Time
	AppDatabag   map[string]string            `json:"app_databag"`
	UnitDatabags map[string]map[string]string `json:"unit_databags"`
	PeerRelation *bool                        `json:"peer_relation"`
	Callbacks    map[string][]string
	Expect       struct {
		AppDatabag    map[string]string `json:"app_databag"`
		UnitDatabag   map[string]string `json:"local_unit_databag"`
		CallbacksRun  [][]any           `json:"callbacks_run"`
		WorkerStarted bool              `json:"worker_started"`
		Error         *string
	}
}

// exceptions are v1's for what Request refuses. A queue that it can't decode
// makes the request invalid.
var exceptions = map[string]string{"invalid-request": InvalidRequest, "undecodable-queue": InvalidRequest, "no-relation": NoRelation}

// expected is what v1 does, nil if that is not known, and the class of the record.
func (r *record) expected(instead *outcome) (*outcome, string) {
	switch {
	case r.Kind != "":
		return nil, outOfCodec
	case r.Profile == "v1" && r.Expect.Error != nil:
		return &outcome{Raises: exceptions[*r.Expect.Error]}, asV1Raises
	case r.Profile == "v1":
		return &outcome{App: known(r.Expect.AppDatabag), Unit: known(r.Expect.UnitDatabag), Ran: r.Expect.CallbacksRun, Worker: r.Expect.WorkerStarted}, asV1
	case instead == nil:
		return &outcome{}, "without what v1 did: run record.py"
	case instead.Alone:
		return nil, outOfTesting
	}
	want := *instead
	want.File, want.Name = "", ""
	if want.Raises != "" {
		return &want, asV1Raises
	}
	return &want, asV1Instead
}

// known is the databag without the keys that are not the protocol's.
func known(bag map[string]string) map[string]string {
	out := make(map[string]string)
	for key, value := range bag {
		if !strings.HasPrefix(key, "rollingops-") {
			out[key] = value
		}
	}
	return out
}

func (r *record) replay() outcome {
	w := &recordedWorld{r: r, appBag: copyOf(r.AppDatabag), unitBag: copyOf(r.UnitDatabags[r.Unit]), ran: [][]any{}}
	err := w.run(context.Background())
	if err != nil {
		var raised *RaisedError
		if errors.As(err, &raised) {
			return outcome{Raises: raised.Exception}
		}
		return outcome{Raises: err.Error()}
	}
	return outcome{App: known(w.appBag), Unit: known(w.unitBag), Ran: w.ran, Worker: w.worker}
}

// recordedWorld is everything that a hook of a record sees.
type recordedWorld struct {
	r               *record
	appBag, unitBag map[string]string
	reads           int
	ran             [][]any
	worker          bool
}

var kinds = map[string]Kind{
	"relation-changed": RelationChanged, "relation-departed": RelationDeparted, "leader-elected": LeaderElected,
	"update-status": UpdateStatus, "lock-granted": LockGranted,
}

func (w *recordedWorld) run(ctx context.Context) error {
	r := w.r
	c := Config{Unit: r.Unit, Relation: w, IsLeader: w.IsLeader, Clock: w, Worker: w, Callbacks: make(map[string]rollingops.Callback)}
	if r.PeerRelation != nil && !*r.PeerRelation {
		c.Relation = nil
	}
	for id, script := range r.Callbacks {
		c.Callbacks[id] = w.scripted(id, script)
	}
	h := Begin(c)
	if e := r.Event; e.Kind == "action-request" {
		return h.Request(ctx, e.CallbackID, e.Kwargs, e.MaxRetry)
	}
	kind, ok := kinds[r.Event.Kind]
	if !ok {
		return fmt.Errorf("unknown event %q", r.Event.Kind)
	}
	return h.Handle(ctx, Event{Kind: kind, Departing: r.Event.DepartingUnit})
}

func (w *recordedWorld) scripted(id string, script []string) rollingops.Callback {
	return func(_ context.Context, args codec.Args) (rollingops.Result, error) {
		queue, err := codec.ParseQueue(w.unitBag[rollingops.KeyOperations])
		if err != nil {
			return 0, err
		}
		op, _ := queue.Head()
		var kwargs any
		if err := decode([]byte(args.JSON()), &kwargs); err != nil {
			return 0, err
		}
		w.ran = append(w.ran, []any{id, kwargs, json.Number(op.Attempt.String())})
		result := "release"
		if len(script) > 0 {
			result, script = script[0], script[1:]
		}
		switch result {
		case "retry-release":
			return rollingops.RetryRelease, nil
		case "retry-hold":
			return rollingops.RetryHold, nil
		case "raise":
			return 0, errors.New("scripted failure")
		}
		return rollingops.Release, nil
	}
}

func (w *recordedWorld) IsLeader(context.Context) (bool, error)         { return w.r.Leader, nil }
func (w *recordedWorld) SinceBoot() time.Duration                       { return 0 }
func (w *recordedWorld) Interrupt(context.Context, int)                 {}
func (w *recordedWorld) App(context.Context) (map[string]string, error) { return copyOf(w.appBag), nil }

func (w *recordedWorld) Start(context.Context) (int, error) {
	w.worker = true
	return 4711, nil
}

func (w *recordedWorld) Now() time.Time {
	w.reads++
	return w.r.Now.Add(time.Duration(w.reads-1) * time.Millisecond)
}

func (w *recordedWorld) Unit(_ context.Context, unit string) (map[string]string, error) {
	if unit == w.r.Unit {
		return copyOf(w.unitBag), nil
	}
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
	set(w.unitBag, changes)
	return nil
}

func (w *recordedWorld) SetApp(_ context.Context, changes map[string]string) error {
	if !w.r.Leader {
		return errors.New("only the leader may write the application databag")
	}
	set(w.appBag, changes)
	return nil
}

func readOutcomes(t *testing.T) map[string]*outcome {
	t.Helper()
	var all []*outcome
	readGzip(t, filepath.Join("testdata", "v1-outcomes.json.gz"), &all)
	byKey := make(map[string]*outcome)
	for _, o := range all {
		byKey[o.File+" "+o.Name] = o
	}
	return byKey
}

func readRecords(t *testing.T, file string) []*record {
	t.Helper()
	var all []*record
	if strings.HasPrefix(filepath.Base(file), "codec-") {
		var heads []struct{ Name, Kind string }
		readGzip(t, file, &heads)
		for _, h := range heads {
			all = append(all, &record{Name: h.Name, Kind: h.Kind})
		}
		return all
	}
	readGzip(t, file, &all)
	return all
}
