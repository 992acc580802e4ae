package world

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
)

// The commands that an operator, or a charm of another revision, runs through
// juju-exec.
const (
	corruptCommand = "corrupt"
	unknownCommand = "queue-unknown"
	fillCommand    = "fill" // with a count

	// Somebody writes a stamp: followed by one.
	stampCommand     = "stamp"
	stampLockCommand = "stamp-lock"
)

// goneCallback is an operation that this revision of the charm does not know.
const goneCallback = "_gone"

// operatorCommand changes the unit's databag behind the charm's back.
func (r *running) operatorCommand(command string) error {
	bag := r.w.UnitBag(r.m.Name)
	if bag == nil {
		return nil // not in the relation yet
	}
	tools := hooktool.New(toolRunner{r, func(string) error { return nil }})
	if name, stamp, ok := strings.Cut(command, " "); ok && name != fillCommand {
		return r.stamp(tools, name == stampLockCommand, stamp)
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
	if err := tools.RelationSet(context.Background(), "restart:0", changes); err != nil {
		return fmt.Errorf("cannot %s: %w", command, err)
	}
	// Whoever changes a databag so sees to it that the charm looks at it.
	_ = waker{r}.Wake(context.Background(), 0)
	return nil
}

// foreignStamps are what somebody else may write as a stamp.
var foreignStamps = map[string]string{
	"9999":       "9999-06-01T00:00:00+00:00",
	"9998":       "9998-06-01T00:00:00+00:00",
	"past":       "1970-01-01T00:00:01+00:00",
	"unreadable": "soon",
	"none":       "",
}

// stamp writes executed_at, or granted_at if somebody holds the lock.
func (r *running) stamp(tools *hooktool.Tools, ofLock bool, what string) error {
	value, ok := foreignStamps[what]
	lock := r.w.AppBag()
	if !ok { // equal to the grant
		value = lock["granted_at"]
	}
	var err error
	switch ctx := context.Background(); {
	case !ofLock:
		err = tools.RelationSet(ctx, "restart:0", map[string]string{"executed_at": value})
	case r.w.Model.Leader() == r.m.Name && lock["granted_unit"] != "":
		err = tools.RelationSetApp(ctx, "restart:0", map[string]string{"granted_at": value})
	}
	if err != nil {
		return fmt.Errorf("cannot write a stamp: %w", err)
	}
	_ = waker{r}.Wake(context.Background(), 0)
	return nil
}

// isStamp reports whether a run writes the stamp of a unit for it.
func isStamp(run jujusim.Run) bool { return strings.HasPrefix(run.Command, stampCommand+" ") }

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
