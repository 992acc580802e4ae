package invariant

import (
	"testing"
	"time"

	"rolling-ops/internal/codec"
)

// operation is one that was tried so often.
func operation(t *testing.T, callback string, attempts int) codec.Operation {
	t.Helper()
	op, err := codec.NewOperation(callback, codec.Args{}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range attempts {
		op = op.Next()
	}
	return op
}

func limited(t *testing.T, limit int) codec.Retries {
	t.Helper()
	op, err := codec.NewOperation("_restart", codec.Args{}, time.Now(), &limit)
	if err != nil {
		t.Fatal(err)
	}
	return op.MaxRetry
}

func queueText(t *testing.T, ops ...codec.Operation) string {
	t.Helper()
	text, err := codec.Queue(ops).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestQueueMoved(t *testing.T) {
	one, two, other := operation(t, "_one", 0), operation(t, "_two", 0), operation(t, "_other", 0)
	younger := one
	younger.RequestedAt = younger.RequestedAt.Add(time.Second)
	bounded := one
	bounded.MaxRetry = limited(t, 1)
	ran := func(result string) Attempt { return Attempt{Ran: true, Result: result} }
	step := func(result string) Attempt { return Attempt{Step: &one, Ran: true, Result: result} }
	type q = codec.Queue
	for _, test := range []struct {
		name     string
		was, now codec.Queue
		state    string
		attempt  Attempt
		head     Head
		want     string
	}{
		{"as it was", q{one}, q{one}, "request", Attempt{}, Kept, ""},
		{"a request", q{one}, q{one, two}, "request", Attempt{}, Kept, ""},
		{"a request in front", q{one}, q{two, one}, "request", Attempt{}, Dropped, "dropped an operation"},
		{"a request lost", q{one, two}, q{one}, "request", Attempt{}, Kept, "changed the order"},
		{"another in its place", q{one}, q{other}, "request", Attempt{}, Dropped, "dropped an operation"},
		{"a younger one in its place", q{one}, q{younger}, "request", Attempt{}, Dropped, "dropped an operation"},
		{"done", q{one, two}, q{two}, "request", ran("done"), Dropped, ""},
		{"done, and a request", q{one}, q{two}, "request", ran("done"), Dropped, ""},
		{"dropped without an attempt", q{one}, q{}, "idle", Attempt{}, Dropped, "dropped an operation"},
		{"nobody knows it", q{one}, q{}, "idle", Attempt{Unknown: true}, Dropped, ""},
		{"counted", q{one, two}, q{one.Next(), two}, "retry-release", ran("retry_release"), Counted, ""},
		{"counted, and held on to", q{one}, q{one.Next()}, "retry-hold", ran("retry_hold"), Counted, ""},
		{"counted and done", q{one}, q{one.Next()}, "retry-release", ran("done"), Counted, "keeps an operation"},
		{"counted without an attempt", q{one}, q{one.Next()}, "retry-release", Attempt{}, Dropped, "dropped an operation"},
		{"counted twice", q{one}, q{one.Next().Next()}, "retry-release", ran("retry_release"), Dropped, "dropped an operation"},
		{"not counted", q{one}, q{one}, "retry-release", ran("retry_release"), Dropped, "dropped an operation"},
		{"the lock is kept that should go", q{one}, q{one.Next()}, "retry-hold", ran("retry_release"), Counted, `says "retry-hold"`},
		{"the lock goes that should be kept", q{one}, q{one.Next()}, "retry-release", ran("retry_hold"), Counted, `says "retry-release"`},
		{"its last retry", q{bounded}, q{bounded.Next()}, "retry-release", ran("retry_release"), Counted, ""},
		{"one retry too many", q{bounded.Next()}, q{bounded.Next().Next()}, "retry-release", ran("retry_release"), Counted, "keeps an operation"},
		{"no retry left", q{bounded.Next()}, q{}, "idle", ran("retry_release"), Dropped, ""},
		{"a retry lost", q{bounded}, q{}, "idle", ran("retry_release"), Dropped, "dropped an operation"},
		{"cut short too often", q{one}, q{one.Next()}, "retry-release", Attempt{CutShort: true}, Counted, ""},
		{"cut short too often, in its last retry", q{bounded.Next()}, q{}, "idle", Attempt{CutShort: true}, Dropped, ""},
		{"cut short too often, and dropped all the same", q{one}, q{}, "idle", Attempt{CutShort: true}, Dropped, "dropped an operation"},
		{"cut short, and a request", q{one}, q{one, two}, "request", Attempt{CutShort: true}, Kept, ""},
		{"a step, done", q{two}, q{two}, "request", step("done"), Dropped, ""},
		{"a step, done, on an empty queue", nil, q{}, "idle", step("done"), Dropped, ""},
		{"a step to be tried again", q{two}, q{one.Next(), two}, "retry-hold", step("retry_hold"), Counted, ""},
		{"a step that is lost", q{two}, q{two}, "request", step("retry_hold"), Dropped, "dropped an operation"},
		{"a step given back", q{two}, q{two}, "request", Attempt{Step: &one}, Kept, ""},
		{"a step in front without an attempt", q{two}, q{one, two}, "request", Attempt{Step: &one}, Dropped, "dropped an operation"},
		{"another in front in a step's attempt", q{two}, q{other.Next(), two}, "retry-hold", step("retry_hold"), Kept, "changed the order"},
		{"a step cut short too often", q{two}, q{one.Next(), two}, "retry-release", Attempt{Step: &one, CutShort: true}, Counted, ""},
		{"a retry whose rollout is aborted", q{one.Next(), two}, q{two}, "request", Attempt{Abandoned: true}, Dropped, ""},
		{"an attempt at nothing", q{}, q{one}, "request", ran("done"), Kept, "did not have"},
	} {
		t.Run(test.name, func(t *testing.T) {
			head, broken := QueueMoved(a, test.was, test.now, test.state, test.attempt)
			holds(t, broken, test.want)
			if broken == nil && head != test.head {
				t.Errorf("the head is %d, want %d", head, test.head)
			}
		})
	}
}

func TestSaysIdle(t *testing.T) {
	queue := queueText(t, operation(t, "_restart", 0))
	ready, running := `{"id":1,"state":"ready"}`, `{"id":1,"state":"running"}`
	for _, test := range []struct {
		name, operations, state, step, record, want string
	}{
		{"nothing yet", "", "", "", "", ""},
		{"idle", "[]", "idle", "", "", ""},
		{"waits", queue, "request", "", "", ""},
		{"waits and says idle", queue, "idle", "", "", "has 1 operations"},
		{"waits and says nothing", queue, "", "", "", "has 1 operations"},
		{"has nothing and asks", "[]", "retry-hold", "", "", "has 0 operations"},
		{"can't be read", "{not", "request", "", "", ""},
		{"ready", "[]", "request", ready, running, ""},
		{"ready and idle", "[]", "idle", ready, running, `is ready for its step and says "idle"`},
		{"asks, its rollout is over", "[]", "request", ready, `{"id":1,"state":"aborted"}`, "has 0 operations"},
	} {
		t.Run(test.name, func(t *testing.T) {
			holds(t, SaysIdle(a, Bag{"operations": test.operations, "state": test.state, "rollingops-step": test.step}, Bag{"rollingops-rollout": test.record}), test.want)
		})
	}
}
