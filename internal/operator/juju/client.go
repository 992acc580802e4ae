// Package juju calls the user's own juju program, so that every controller,
// login and proxy works that works for the user. It knows what juju 3 and 4
// print as JSON, and what they say when they fail. No shell is between.
package juju

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Client calls juju for one model.
type Client struct {
	Program string   // "juju" if empty
	Env     []string // added to the environment of juju
	Model   string   // as -m takes it; the user's current one if empty
	// Limit is how long a call may take, beside what it is asked to wait; 1 min
	// if 0.
	Limit time.Duration
}

// maxOutput bounds what one call may print; a model of 1000 units needs 2 MB.
const maxOutput = 64 << 20

// call runs juju. What it printed comes back with an error, too, if there is
// one: an *Error, unless the context has ended.
func (c *Client) call(ctx context.Context, wait time.Duration, verb string, args ...string) (stdout, stderr string, err error) {
	limit := c.Limit
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit+wait)
	defer cancel()
	program := c.Program
	if program == "" {
		program = "juju"
	}
	argv := []string{verb}
	if c.Model != "" {
		argv = append(argv, "-m", c.Model)
	}
	cmd := exec.CommandContext(ctx, program, append(argv, args...)...) // stdin is empty: juju must not ask for a password
	cmd.WaitDelay = time.Second
	if c.Env != nil {
		cmd.Env = append(os.Environ(), c.Env...)
	}
	out, errOut := &bounded{limit: maxOutput}, &bounded{limit: maxOutput}
	cmd.Stdout, cmd.Stderr = out, errOut
	err = cmd.Run()
	stdout, stderr = out.String(), errOut.String()
	switch {
	case err == nil && out.over:
		return "", stderr, fmt.Errorf("cannot read juju %s: it prints more than %d bytes", verb, maxOutput)
	case err == nil:
		return stdout, stderr, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return stdout, stderr, &Error{Verb: verb, Text: fmt.Sprintf("no answer within %s", limit+wait), Kind: Unreachable}
	case ctx.Err() != nil:
		return stdout, stderr, ctx.Err()
	}
	return stdout, stderr, newError(verb, stderr, err)
}

// read calls juju and decodes the JSON that it prints.
func (c *Client) read(ctx context.Context, into any, verb string, args ...string) error {
	stdout, _, err := c.call(ctx, 0, verb, append(args, "--format", "json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(stdout), into); err != nil {
		return fmt.Errorf("cannot read what juju %s prints: %w", verb, err)
	}
	return nil
}

// bounded keeps the first bytes of what is written to it.
type bounded struct {
	bytes.Buffer
	limit int
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.limit - b.Len(); len(p) > room {
		b.over = true
		b.Buffer.Write(p[:room])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
