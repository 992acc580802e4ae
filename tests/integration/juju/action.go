package juju

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/juju/juju/api/client/action"
	"github.com/juju/juju/rpc/params"
	"github.com/juju/names/v6"

	"rolling-ops/tests/integration/steps"
)

// RunAction runs an action and waits for its end.
func (m *Model) RunAction(ctx context.Context, unit, name string, parameters map[string]any) (steps.ActionResult, error) {
	queued, err := m.actions.EnqueueOperation(ctx, []action.Action{{
		Receiver:   names.NewUnitTag(unit).String(),
		Name:       name,
		Parameters: parameters,
	}})
	if err != nil {
		return steps.ActionResult{}, fmt.Errorf("cannot run %s on %s: %w", name, unit, err)
	}
	ended, err := m.await(ctx, queued)
	if err != nil {
		return steps.ActionResult{}, fmt.Errorf("cannot run %s on %s: %w", name, unit, err)
	}
	result := steps.ActionResult{Status: ended.Status, Message: ended.Message, Results: ended.Output}
	delete(result.Results, "return-code")
	for _, line := range ended.Log {
		result.Log = append(result.Log, line.Message)
	}
	return result, nil
}

// Exec runs a shell command in a unit's context.
func (m *Model) Exec(ctx context.Context, unit, command string) (steps.ExecResult, error) {
	result, err := m.execOn(ctx, action.RunParams{Units: []string{unit}}, command)
	if err != nil {
		return steps.ExecResult{}, fmt.Errorf("cannot run a command on %s: %w", unit, err)
	}
	return result, nil
}

// execTimeout is how long Juju lets a command run that waits for nobody.
const execTimeout = 5 * time.Minute

// execOn runs a shell command on a unit or, beside what its units do, on a
// machine.
func (m *Model) execOn(ctx context.Context, where action.RunParams, command string) (steps.ExecResult, error) {
	where.Commands, where.Timeout = command, execTimeout
	queued, err := m.actions.Run(ctx, where)
	if err != nil {
		return steps.ExecResult{}, err
	}
	ended, err := m.await(ctx, queued)
	if err != nil {
		return steps.ExecResult{}, err
	}
	return execResult(ended)
}

// execAsRoot runs a shell command, without single quotes in it, on a machine.
// Juju runs what is for a machine as the user ubuntu, who may do everything by
// sudo.
func (m *Model) execAsRoot(ctx context.Context, machine, command string) (steps.ExecResult, error) {
	return m.execOn(ctx, action.RunParams{Machines: []string{machine}}, "sudo -n sh -c '"+command+"'")
}

// execResult reads the result of the action that a command is for Juju. It
// ended with the code 0 if there is none.
func execResult(ended action.ActionResult) (steps.ExecResult, error) {
	var result steps.ExecResult
	var err error
	if code, ok := ended.Output["return-code"]; ok {
		if result.Code, err = strconv.Atoi(fmt.Sprint(code)); err != nil {
			return result, fmt.Errorf("cannot read the exit code: %w", err)
		}
	} else if ended.Status != params.ActionCompleted {
		return result, fmt.Errorf("the command has %s: %s", ended.Status, ended.Message)
	}
	if result.Stdout, err = output(ended, "stdout"); err != nil {
		return result, err
	}
	result.Stderr, err = output(ended, "stderr")
	return result, err
}

// output returns what a command has written, which is base64 if it was no UTF-8.
func output(ended action.ActionResult, stream string) (string, error) {
	value, ok := ended.Output[stream]
	if !ok {
		return "", nil
	}
	text := fmt.Sprint(value)
	if ended.Output[stream+"-encoding"] != "base64" {
		return text, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("cannot decode %s: %w", stream, err)
	}
	return string(decoded), nil
}

// await waits for the end of the action that was queued.
func (m *Model) await(ctx context.Context, queued action.EnqueuedActions) (action.ActionResult, error) {
	if len(queued.Actions) != 1 {
		return action.ActionResult{}, fmt.Errorf("%d actions were queued", len(queued.Actions))
	}
	if err := queued.Actions[0].Error; err != nil {
		return action.ActionResult{}, err
	}
	id := queued.Actions[0].Action.ID
	for pause := range backoff(ctx, maxPause) {
		results, err := m.actions.Actions(ctx, []string{id})
		if err != nil {
			return action.ActionResult{}, err
		}
		if len(results) != 1 {
			return action.ActionResult{}, fmt.Errorf("there are %d actions %s", len(results), id)
		}
		if err := results[0].Error; err != nil {
			return action.ActionResult{}, err
		}
		switch results[0].Status {
		case params.ActionPending, params.ActionRunning:
			pause()
		default:
			return results[0], nil
		}
	}
	return action.ActionResult{}, fmt.Errorf("it has not ended: %w", context.Cause(ctx))
}
