package world

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
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
	bag := r.w.UnitBag(r.m.Name)
	if bag == nil {
		return nil // not in the relation yet
	}
	changes := map[string]string{"operations": "{not json", "state": "request"}
	if command != corruptCommand {
		queue, err := codec.ParseQueue(bag["operations"])
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
func (r *running) queued(queue codec.Queue, command string) (map[string]string, error) {
	changes := make(map[string]string)
	if len(queue) == 0 {
		changes["state"] = "request"
	}
	push := func(callback string, args codec.Args, maxRetry *int) error {
		op, err := codec.NewOperation(callback, args, r.w.Now.Add(r.m.skew), maxRetry)
		if err == nil {
			queue, _ = queue.Push(op)
		}
		return err
	}
	var err error
	if count, ok := strings.CutPrefix(command, fillCommand+" "); ok {
		err = fill(count, push)
	} else {
		err = push(goneCallback, codec.Args{}, nil)
	}
	if err == nil {
		changes["operations"], err = queue.Encode()
	}
	return changes, err
}

// fill pushes so many operations that differ.
func fill(count string, push func(string, codec.Args, *int) error) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	never := 0
	for i := range n {
		args, err := codec.NewArgs(map[string]any{"delay": i})
		if err != nil {
			return err
		}
		if err := push("_failed_restart", args, &never); err != nil {
			return err
		}
	}
	return nil
}
