package agent

import (
	"strings"

	"rolling-ops/internal/jujusim"
)

// tool makes one hook-tool call for the running hook.
func (a *unitAgent) tool(hook *jujusim.Hook, req Request) (ExecResponse, error) {
	bytes := len(req.Stdin)
	for _, arg := range req.Args {
		bytes += len(arg)
	}
	var resp jujusim.Response
	err := a.c.update(func() error {
		promise := a.c.model.PromisedUntil()
		var err error
		resp, err = hook.Call(jujusim.Request{
			Dir: req.Dir, Command: req.CommandName, Args: req.Args, Stdin: req.Stdin, StdinSet: req.StdinSet,
		})
		if err != nil {
			return err
		}
		a.cost.ToolCalls++
		a.cost.ToolBytes += bytes + len(resp.Stdout) + len(resp.Stderr)
		if a.c.model.PromisedUntil().After(promise) {
			a.promised = true
		}
		if req.CommandName == "status-set" && resp.Code == 0 {
			a.askedStatus(req.Args)
		}
		return nil
	})
	return ExecResponse(resp), err
}

// askedStatus notes a status when the charm sets it: it is committed only when
// the hook has ended, too late to tell when a callback began.
func (a *unitAgent) askedStatus(args []string) {
	var words []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "--") {
			words = append(words, arg)
		}
	}
	if len(words) > 0 {
		a.c.dirty = true
		a.c.trace.add(Event{Kind: StatusAsked, Unit: a.name, Status: words[0], Text: strings.Join(words[1:], " ")})
	}
}
