package hooktool

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
)

// logTimeout bounds one juju-log call: a log line is not worth a hook that hangs.
const logTimeout = 10 * time.Second

// NewLogHandler returns a slog handler that writes records of at least level to the model's log through juju-log, as
// "message key=value ...". It never fails: once juju-log does not work, this record and all later ones go to stderr,
// which Juju logs as well. A record is written even if its context is done.
func NewLogHandler(tools *Tools, level slog.Leveler, stderr io.Writer) slog.Handler {
	return &logHandler{tools: tools, level: level, stderr: stderr, broken: new(atomic.Bool)}
}

type logHandler struct {
	tools  *Tools
	level  slog.Leveler
	stderr io.Writer
	broken *atomic.Bool // shared by all that WithAttrs and WithGroup made of one

	attrs  string // already rendered
	prefix string // of the keys to come: "group.group."
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	var out strings.Builder
	out.WriteString(h.attrs)
	for _, attr := range attrs {
		writeAttr(&out, h.prefix, attr)
	}
	with.attrs = out.String()
	return &with
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.prefix += name + "."
	return &with
}

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	var out strings.Builder
	out.WriteString(indent(record.Message))
	out.WriteString(h.attrs)
	record.Attrs(func(attr slog.Attr) bool {
		writeAttr(&out, h.prefix, attr)
		return true
	})
	h.write(ctx, record.Level, out.String())
	return nil
}

func (h *logHandler) write(ctx context.Context, level slog.Level, message string) {
	if !h.broken.Load() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logTimeout)
		defer cancel()
		err := h.tools.Log(ctx, level, message)
		if err == nil {
			return
		}
		h.broken.Store(true)
		fmt.Fprintf(h.stderr, "WARNING cannot log to Juju: %v\n", err)
	}
	fmt.Fprintf(h.stderr, "%s %s\n", jujuLevel(level), message)
}

func writeAttr(out *strings.Builder, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	switch {
	case attr.Equal(slog.Attr{}):
		return
	case value.Kind() == slog.KindGroup:
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, member := range value.Group() {
			writeAttr(out, prefix, member)
		}
	default:
		fmt.Fprintf(out, " %s=%s", quote(prefix+attr.Key), quote(value.String()))
	}
}

// quote leaves a simple word as it is and quotes anything else, but for the lines of a longer text, a stack for
// example, which stay lines.
func quote(text string) string {
	switch {
	case strings.Contains(text, "\n"):
		return "\n  " + indent(strings.TrimSpace(text))
	case text == "" || strings.ContainsFunc(text, isSpecial):
		return strconv.Quote(text)
	default:
		return text
	}
}

func isSpecial(r rune) bool {
	return r == '=' || r == '"' || r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// indent shifts all lines but the first, so that none can pass for a log line of its own, and escapes what is neither
// printed nor the end of a line or a tab.
func indent(text string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(text, string(unicode.ReplacementChar)) {
		switch {
		case r == '\n':
			out.WriteString("\n  ")
		case r == '\t' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r != '\r':
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return out.String()
}
