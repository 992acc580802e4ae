package simulation

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"rolling-ops/internal/hooktool"
	"rolling-ops/internal/rollingops"
)

// The commands that an operator, or a charm of another revision, runs through
// juju-exec.
const (
	corruptCommand = "corrupt"
	unknownCommand = "queue-unknown"
	fillCommand    = "fill" // with a count
)

// goneCallback is an operation that this revision of the charm does not know.
const goneCallback = "_gone"

// operatorCommand changes the unit's databag behind the charm's back.
func (r *running) operatorCommand(command string) error {
	bag := r.w.unitBag(r.m.name)
	if bag == nil {
		return nil // not in the relation yet
	}
	changes := map[string]string{"operations": "{not json", "state": "request"}
	if command != corruptCommand {
		queue, err := rollingops.ParseQueue(bag["operations"])
		if err != nil {
			return nil // nothing can be added to what can't be read
		}
		if changes, err = r.queued(queue, command); err != nil {
			return fmt.Errorf("cannot %s: %w", command, err)
		}
	}
	tools := hooktool.New(toolRunner{r, func(string) error { return nil }})
	if err := tools.RelationSet(context.Background(), "restart:0", changes); err != nil {
		return fmt.Errorf("cannot %s: %w", command, err)
	}
	// Whoever changes a databag so sees to it that the charm looks at it.
	_ = waker{r}.Wake(context.Background(), 0)
	return nil
}

// queued adds operations to a queue.
func (r *running) queued(queue rollingops.Queue, command string) (map[string]string, error) {
	changes := make(map[string]string)
	if len(queue) == 0 {
		changes["state"] = "request"
	}
	callback, count := goneCallback, 1
	if text, ok := strings.CutPrefix(command, fillCommand); ok {
		callback = "_failed_restart"
		var err error
		if count, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	once := 0
	for i := range count {
		args, err := rollingops.NewArgs(map[string]any{"delay": i})
		if err != nil {
			return nil, err
		}
		op, err := rollingops.NewOperation(callback, args, r.w.now.Add(r.m.skew), &once)
		if err != nil {
			return nil, err
		}
		queue, _ = queue.Push(op)
	}
	var err error
	changes["operations"], err = queue.Encode()
	return changes, err
}
