package agent

import "rolling-ops/jujusim"

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
		return nil
	})
	return ExecResponse(resp), err
}
