package hooktool

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorder is a Runner that keeps the lines given to juju-log.
type recorder struct {
	lines []string
	err   error
}

func (r *recorder) Run(ctx context.Context, _ string, args []string, _ []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.lines = append(r.lines, args[1]+" "+args[len(args)-1])
	return nil, r.err
}

func TestLogHandler(t *testing.T) {
	cases := []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"debug", func(l *slog.Logger) { l.Debug("granted") }, "DEBUG granted"},
		{"info", func(l *slog.Logger) { l.Info("granted") }, "INFO granted"},
		{"warning", func(l *slog.Logger) { l.Warn("granted") }, "WARNING granted"},
		{"error", func(l *slog.Logger) { l.Error("granted") }, "ERROR granted"},
		{"between levels", func(l *slog.Logger) { l.Log(t.Context(), slog.LevelInfo+2, "granted") }, "INFO granted"},
		{"attributes", func(l *slog.Logger) { l.Info("granted", "unit", "probe/0", "attempt", 2, "after", time.Second) },
			"INFO granted unit=probe/0 attempt=2 after=1s"},
		{"quoted", func(l *slog.Logger) {
			l.Info("granted", "err", errors.New(`no "x"`), "empty", "", "k k", "a=b", "nul", "\x00")
		},
			`INFO granted err="no \"x\"" empty="" "k k"="a=b" nul="\x00"`},
		{"with", func(l *slog.Logger) { l.With("unit", "probe/0").Info("granted", "n", 1) }, "INFO granted unit=probe/0 n=1"},
		{"groups", func(l *slog.Logger) {
			l.WithGroup("lock").With("a", 1).WithGroup("").Info("granted", slog.Group("g", "b", 2, slog.Group("", "c", 3)))
		}, "INFO granted lock.a=1 lock.g.b=2 lock.g.c=3"},
		{"empty attribute", func(l *slog.Logger) { l.Info("granted", slog.Attr{}, slog.Group("g")) }, "INFO granted"},
		{"several lines", func(l *slog.Logger) { l.Error("panic\nERROR forged", "stack", "a\n\tb\n", "n", 1) },
			"ERROR panic\n  ERROR forged stack=\n  a\n  \tb n=1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var juju recorder
			var stderr bytes.Buffer
			c.log(slog.New(NewLogHandler(New(&juju), slog.LevelDebug, &stderr)))
			if diff := cmp.Diff([]string{c.want}, juju.lines); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if stderr.Len() > 0 {
				t.Errorf("stderr: %s", &stderr)
			}
		})
	}
}

func TestLogHandlerLevel(t *testing.T) {
	var juju recorder
	logger := slog.New(NewLogHandler(New(&juju), slog.LevelInfo, nil))
	logger.Debug("not this")
	logger.Info("this")
	if got := strings.Join(juju.lines, "|"); got != "INFO this" {
		t.Errorf("got %q", got)
	}
}

// TestLogHandlerOutlivesContext: what a cancelled hook has to say is worth most.
func TestLogHandlerOutlivesContext(t *testing.T) {
	var juju recorder
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slog.New(NewLogHandler(New(&juju), slog.LevelInfo, nil)).ErrorContext(ctx, "cancelled")
	if got := strings.Join(juju.lines, "|"); got != "ERROR cancelled" {
		t.Errorf("got %q", got)
	}
}

func TestLogHandlerFallsBackToStderr(t *testing.T) {
	juju := recorder{err: errors.New("no agent")}
	var stderr bytes.Buffer
	logger := slog.New(NewLogHandler(New(&juju), slog.LevelInfo, &stderr))
	logger.Info("first", "secret", "s3cret")
	logger.With("a", 1).Warn("second")
	want := "WARNING cannot log to Juju: cannot run juju-log --log-level INFO ...: no agent\n" +
		"INFO first secret=s3cret\nWARNING second a=1\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Errorf("stderr (-want +got):\n%s", diff)
	}
	if len(juju.lines) != 1 {
		t.Errorf("juju-log was tried %d times", len(juju.lines))
	}
}
