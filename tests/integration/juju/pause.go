package juju

import (
	"context"
	"iter"
	"time"
)

const (
	minPause = 50 * time.Millisecond
	maxPause = time.Second
	// forceAfter is how long Juju waits for each step of a forced removal.
	forceAfter = time.Second
)

// backoff yields functions that pause, each for longer than the one before, up
// to a longest pause, until the context ends.
func backoff(ctx context.Context, longest time.Duration) iter.Seq[func()] {
	return func(yield func(func()) bool) {
		for d := minPause; ctx.Err() == nil; d = min(d*3/2, longest) {
			if !yield(func() { pause(ctx, d) }) {
				return
			}
		}
	}
}

// retry tries something, with pauses, until it works, or for as long as the limit.
func retry(ctx context.Context, limit time.Duration, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := ctx.Err()
	for pause := range backoff(ctx, maxPause) {
		if err = do(); err == nil {
			break
		}
		pause()
	}
	return err
}

// pause waits, or for the end of the context.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
