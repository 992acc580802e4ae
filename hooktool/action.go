package hooktool

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxArgument is the longest argument that Linux takes, in bytes. It is kept to on every transport, so that none
// takes what another refuses; the arguments of one call together stay under it too, well within the kernel's bound
// on all of them.
const maxArgument = 128<<10 - 1

// ActionSet adds results to the action that runs (action-set), at once. Keys are of lower-case letters, digits and
// hyphens; a dot nests ("queue.length"). A key with its value must stay under 128 KiB and have no NUL; when one does
// not, nothing is set.
func (t *Tools) ActionSet(ctx context.Context, results map[string]string) error {
	calls, err := actionSetCalls(results)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if err := t.tell(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// actionSetCalls spreads results over as few calls as maxArgument allows.
func actionSetCalls(results map[string]string) ([]call, error) {
	const tool = "action-set"
	var calls []call
	room := 0
	for _, key := range slices.Sorted(maps.Keys(results)) {
		arg := key + "=" + results[key]
		shown := clip(key, 64) + "=" + hidden
		switch {
		case key == "" || strings.ContainsAny(key, "=\x00"):
			return nil, &Error{Tool: tool, Args: []string{shown}, Code: -1, Err: fmt.Errorf("key %q is not valid", clip(key, 64))}
		case strings.Contains(results[key], "\x00"):
			return nil, &Error{Tool: tool, Args: []string{shown}, Code: -1, Err: fmt.Errorf("the value has a NUL byte")}
		case len(arg) > maxArgument:
			return nil, &Error{Tool: tool, Args: []string{shown}, Code: -1, Err: fmt.Errorf("%d bytes are over the limit of %d", len(arg), maxArgument)}
		}
		if len(arg) > room {
			calls = append(calls, call{tool: tool, args: []string{"--"}})
			room = maxArgument
		}
		last := &calls[len(calls)-1]
		last.args, last.shown = append(last.args, arg), append(last.shown, shown)
		room -= len(arg)
	}
	return calls, nil
}

// ActionFail marks the action that runs as failed (action-fail), at once. A message over 32 KiB is cut.
func (t *Tools) ActionFail(ctx context.Context, message string) error {
	return t.tell(ctx, call{tool: "action-fail", args: []string{"--", argument(message)}, shown: []string{hidden}})
}

// ActionLog writes a progress message of the action that runs (action-log), at once. A message over 32 KiB is cut.
func (t *Tools) ActionLog(ctx context.Context, message string) error {
	return t.tell(ctx, call{tool: "action-log", args: []string{"--", argument(message)}, shown: []string{hidden}})
}
