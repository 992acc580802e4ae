package rollingops

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"rolling-ops/internal/codec"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestRequestLimits(t *testing.T) {
	for limit, ok := range map[int]bool{-1: false, 0: true, 1: true, math.MaxInt: true} {
		s := stage{unit: "app/1", now: noon, units: bags("app/1", map[string]string{})}
		m := s.manager()
		m.Register("restart", nil)
		h, err := m.Begin(t.Context(), Event{})
		if err != nil {
			t.Fatal(err)
		}
		ticket, err := h.Request("restart", nil, &limit)
		if (err == nil) != ok || ok && *ticket.MaxRetry != limit {
			t.Errorf("max_retry %d: %+v, %v", limit, ticket, err)
		}
	}
}

func TestRequestTooLargeToWrite(t *testing.T) {
	s := stage{unit: "app/0", now: noon, units: bags("app/0", map[string]string{})}
	m := s.manager()
	m.Register("restart", nil)
	h, err := m.Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *InvalidRequestError
	if _, err := h.Request("restart", map[string]any{"x": strings.Repeat("x", 17<<20)}, nil); !errors.As(err, &invalid) {
		t.Errorf("Request: %v", err)
	}
	if _, err := h.Finish(t.Context()); err != nil || s.wrote != nil {
		t.Errorf("Finish: %v, wrote %d keys", err, len(s.wrote))
	}
}

func TestOperatorActions(t *testing.T) {
	s := stage{unit: "app/0", leader: true, now: noon, app: held("app/1", noon.Add(-time.Hour)),
		units: bags("app/0", map[string]string{"operations": "garbage", "state": "request"}, "app/1", map[string]string{})}
	h, err := s.manager().Begin(t.Context(), Event{})
	if err != nil {
		t.Fatal(err)
	}
	var undecodable *UndecodableQueueError
	h.m.Register("restart", nil)
	if _, err := h.Request("restart", nil, nil); !errors.As(err, &undecodable) {
		t.Errorf("request on an unreadable queue: %v", err)
	}
	if n, err := h.DiscardQueue(); n != -1 || err != nil {
		t.Errorf("DiscardQueue = %d, %v", n, err)
	}
	if holder, err := h.ForceRelease(); holder != "app/1" || err != nil {
		t.Errorf("ForceRelease = %q, %v", holder, err)
	}
	if _, err := h.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(map[string]string{"operations": "[]", "state": "idle"}, s.wrote); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(map[string]string{"granted_unit": "", "granted_at": "", KeyForced: "app/1=" + newUnitView("app/1", nil).digest()}, s.wroteA); diff != "" {
		t.Error(diff)
	}

	s = stage{unit: "app/0", now: noon, units: bags("app/0", map[string]string{})}
	if h, err = s.manager().Begin(t.Context(), Event{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ForceRelease(); !errors.Is(err, ErrNotLeader) {
		t.Errorf("ForceRelease on a follower: %v", err)
	}
}

// A callback may queue what comes after it. That stays there when its own operation
// is tried again.
func TestRequestFromCallback(t *testing.T) {
	for _, tt := range []struct {
		result   Result
		attempts []int // of the operations that are queued afterwards, the requested one last
	}{
		{Release, []int{0}},
		{RetryRelease, []int{1, 0}},
	} {
		t.Run(tt.result.String(), func(t *testing.T) {
			s := stage{unit: "app/1", now: noon, app: held("app/1", noon), units: bags("app/1", waiting(Requested, 0, time.Time{}))}
			m := s.manager()
			var h *Hook
			m.Register("restart", func(context.Context, codec.Args) (Result, error) {
				_, err := h.Request("restart", map[string]any{"again": true}, nil)
				return tt.result, err
			})
			h, err := m.Begin(t.Context(), Event{Kind: LockGranted})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			q, err := codec.ParseQueue(s.wrote["operations"])
			if err != nil {
				t.Fatal(err)
			}
			var attempts []int
			for _, op := range q {
				attempts = append(attempts, op.Attempt.Int())
			}
			if diff := gocmp.Diff(tt.attempts, attempts); diff != "" || q[len(q)-1].Kwargs.JSON() != `{"again":true}` {
				t.Errorf("queue after the attempt: %s", s.wrote["operations"])
			}
			if s.wrote["executed_at"] == "" {
				t.Error("the attempt left no stamp")
			}
		})
	}
}
