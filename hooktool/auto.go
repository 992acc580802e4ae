package hooktool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// ModeVariable is the environment variable that says how hook tools are called: "socket", "programs", or "auto" (the
// same as not set).
const ModeVariable = "ROLLINGOPS_HOOK_TOOLS"

// Auto returns the transport that the hook's environment asks for. It is Socket where the unit agent listens on a
// Unix socket, and Programs elsewhere. Where the agent turns out not to answer on the socket, the first call and all
// after it go to the programs; when ROLLINGOPS_HOOK_TOOLS is "socket" they fail instead. Another value of that
// variable, or "socket" where the environment names no Unix socket, is an error.
func Auto(getenv func(string) string) (Transport, error) {
	mode := getenv(ModeVariable)
	address, contextID := unixAddress(getenv), getenv("JUJU_CONTEXT_ID")
	direct := address != "" && contextID != ""
	switch mode {
	case "programs":
		return Programs(), nil
	case "socket":
		if !direct {
			return nil, fmt.Errorf("cannot call hook tools over a socket, as %s asks: JUJU_AGENT_SOCKET_ADDRESS "+
				"names no Unix socket or JUJU_CONTEXT_ID is not set", ModeVariable)
		}
		return Socket(address, contextID), nil
	case "auto", "":
		if !direct {
			return Programs(), nil
		}
		return &fallback{Transport: Socket(address, contextID), programs: Programs()}, nil
	default:
		return nil, fmt.Errorf("cannot use %s=%q: it must be socket, programs or auto", ModeVariable, mode)
	}
}

// unixAddress returns the address of the agent's Unix socket, or "" when it listens on something else.
func unixAddress(getenv func(string) string) string {
	address := getenv("JUJU_AGENT_SOCKET_ADDRESS")
	named := strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@")
	switch network := getenv("JUJU_AGENT_SOCKET_NETWORK"); {
	case network == "unix", network == "" && named:
		return address
	default:
		return ""
	}
}

// fallback calls over the socket until a call can't be delivered there, and from then on, that call included, through
// the programs. A call that may have been delivered is never made again: a tool that acts at once, or that answers
// once, would act twice.
type fallback struct {
	Transport // the socket
	programs  Transport
	fellBack  atomic.Bool
}

func (f *fallback) Run(ctx context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	if !f.fellBack.Load() {
		stdout, err := f.Transport.Run(ctx, tool, args, stdin)
		if !errors.As(err, new(undelivered)) {
			return stdout, err
		}
		f.fellBack.Store(true)
	}
	return f.programs.Run(ctx, tool, args, stdin)
}
