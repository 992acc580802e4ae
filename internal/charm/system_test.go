package charm

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSystem(t *testing.T) {
	dir := t.TempDir()
	event := Event{Unit: local, CharmDir: filepath.Join(dir, "charm")}
	deps := System(func(string) string { return dir }, event, nil, slog.New(slog.DiscardHandler))
	if err := deps.Transitions.Record(Transition{Event: "_restart:start"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "transitions.log")); err != nil {
		t.Error(err)
	}
	before, booted := time.Now(), deps.Clock.SinceBoot()
	if now := deps.Clock.Now(); now.Before(before) {
		t.Errorf("time goes back from %v to %v", before, now)
	}
	if later := deps.Clock.SinceBoot(); booted <= 0 || later < booted {
		t.Errorf("time goes back from %v to %v", booted, later)
	}
	if err := deps.Waker.Wake(t.Context(), 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a worker was started that isn't there: %v", err)
	}
	if got := System(func(string) string { return "" }, event, nil, nil).Transitions; got != TransitionLog("/var/lib/charm-rolling-ops/transitions.log") {
		t.Errorf("transitions go to %v", got)
	}
}

func TestSleep(t *testing.T) {
	if err := sleep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
