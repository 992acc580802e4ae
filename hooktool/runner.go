package hooktool

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds on what a tool may answer. An answer over maxOutput is an error, not a truncated answer; of what a tool
// writes to stderr only the beginning is kept.
const (
	maxOutput = 64 << 20 // bytes
	maxStderr = 4 << 10  // bytes
)

// A Runner makes one hook-tool call. It is safe for concurrent use.
type Runner interface {
	// Run calls the tool with args and, unless stdin is nil, with stdin as its standard input. It returns what the
	// tool wrote to stdout. A tool that could not be called, was given up because ctx ended, or exited non-zero is
	// an *Error; its Args are left empty, since only the caller knows which of them are fit to be shown.
	Run(ctx context.Context, tool string, args []string, stdin []byte) (stdout []byte, err error)
}

// A Transport is a Runner that holds resources until it is closed.
type Transport interface {
	Runner
	// Close frees what the transport holds, after the call that is being made.
	Close() error
}

// Error is a hook-tool call that failed.
type Error struct {
	// Tool is the name of the hook tool, for example "relation-set".
	Tool string
	// Args are the arguments of the call, with "..." in place of what was to be written.
	Args []string
	// Code is the tool's exit code, or -1 when it gave none: it could not be called, or the call was given up.
	Code int
	// Stderr is the beginning of what the tool wrote to its standard error, without the "ERROR " prefix.
	Stderr string
	// Err is the cause when it is not the tool's own exit code: a context error, a lost connection, a missing
	// program, an answer that can't be decoded. It may be nil.
	Err error
}

// Error says which call failed and why, on one line unless the tool's own message has several.
func (e *Error) Error() string {
	parts := []string{"cannot run " + strings.Join(append([]string{e.Tool}, e.Args...), " ")}
	if e.Code > 0 {
		parts = append(parts, fmt.Sprintf("exit code %d", e.Code))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if e.Stderr != "" {
		parts = append(parts, e.Stderr)
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// failed is the error of a call that got no answer.
func failed(tool string, err error) *Error {
	return &Error{Tool: tool, Code: -1, Err: err}
}

// exited is the error of a tool that answered with a non-zero exit code.
func exited(tool string, code int, stderr []byte) *Error {
	text := strings.TrimSpace(clip(string(stderr), maxStderr))
	return &Error{Tool: tool, Code: code, Stderr: strings.TrimPrefix(text, "ERROR ")}
}

// clip shortens s to at most limit bytes of valid UTF-8, and marks that it did.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= limit {
		return s
	}
	const mark = "[...]"
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}
