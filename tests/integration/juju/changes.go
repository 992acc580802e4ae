package juju

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/juju/juju/api/client/client"
	"github.com/juju/juju/api/common"
)

const (
	// quiet is how often a model is looked at whose log says nothing.
	quiet = 2 * time.Second
	// gather is how long lines of the log are gathered to one change.
	gather = 200 * time.Millisecond
)

// changes tells those who wait that a model may have changed.
type changes struct {
	stop context.CancelFunc

	mu      sync.Mutex
	waiting map[chan struct{}]struct{}
}

// follow follows the log of a model's units until it is stopped.
func follow(c *client.Client) *changes {
	ctx, stop := context.WithCancel(context.Background())
	ch := &changes{stop: stop, waiting: map[chan struct{}]struct{}{}}
	go func() {
		for ctx.Err() == nil {
			lines, err := c.WatchDebugLog(ctx, common.DebugLogParams{IncludeEntity: []string{"unit-*"}})
			if err == nil {
				ch.relay(lines)
			}
			pause(ctx, quiet)
		}
	}()
	go func() {
		for ctx.Err() == nil {
			pause(ctx, quiet)
			ch.tell()
		}
	}()
	return ch
}

// relay tells of each line, or of lines that follow closely, until there are no
// more.
func (ch *changes) relay(lines <-chan common.LogMessage) {
	var gathering atomic.Bool
	for range lines {
		if gathering.CompareAndSwap(false, true) {
			time.AfterFunc(gather, func() {
				gathering.Store(false)
				ch.tell()
			})
		}
	}
}

// tell wakes everyone who waits.
func (ch *changes) tell() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for w := range ch.waiting {
		select {
		case w <- struct{}{}:
		default: // has not taken the last one yet
		}
	}
}

// subscribe returns a channel that gets a value after each change, until the
// context ends.
func (ch *changes) subscribe(ctx context.Context) <-chan struct{} {
	w := make(chan struct{}, 1)
	ch.mu.Lock()
	ch.waiting[w] = struct{}{}
	ch.mu.Unlock()
	context.AfterFunc(ctx, func() {
		ch.mu.Lock()
		defer ch.mu.Unlock()
		delete(ch.waiting, w)
	})
	return w
}
