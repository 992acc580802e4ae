package hooktool

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"
)

// waitDelay is how long a killed program's children may keep its output open before it is closed on them.
const waitDelay = time.Second

// ErrTooMuchOutput says that a hook tool answered more than is read, 64 MiB.
var ErrTooMuchOutput = errors.New("its output is too long")

// Programs is the transport that runs the hook-tool programs found on PATH, one process a call, with the environment
// of this process. No shell is involved. When the context ends the program is killed.
func Programs() Transport { return programs{limit: maxOutput} }

type programs struct {
	limit int // bytes of stdout
}

func (programs) Close() error { return nil }

func (p programs) Run(ctx context.Context, tool string, args []string, stdin []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed(tool, err)
	}
	stdout := boundedBuffer{limit: p.limit, overflow: ErrTooMuchOutput}
	stderr := boundedBuffer{limit: maxStderr + 1} // one more than is shown, so that clip marks the cut
	cmd := exec.CommandContext(ctx, tool, args...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = waitDelay

	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return stdout.buf.Bytes(), nil
	case ctx.Err() != nil:
		return nil, failed(tool, ctx.Err())
	case stdout.full:
		return nil, failed(tool, ErrTooMuchOutput)
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return nil, exited(tool, exit.ExitCode(), stderr.buf.Bytes())
	default:
		return nil, failed(tool, err)
	}
}

// boundedBuffer keeps what is written to it up to limit bytes. What is over is dropped when overflow is nil, and
// otherwise refused with it.
type boundedBuffer struct {
	buf      bytes.Buffer
	limit    int
	overflow error
	full     bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.buf.Len()
	if len(p) <= room {
		return b.buf.Write(p)
	}
	b.full = true
	b.buf.Write(p[:room])
	if b.overflow != nil {
		return room, b.overflow
	}
	return len(p), nil
}
