package unit

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, test := range []struct {
		name string
		hook func() error
		code int
		log  []string
	}{
		{"success", func() error { return nil }, 0, nil},
		{"error", func() error { return io.ErrUnexpectedEOF }, 1, []string{"hook failed", "unexpected EOF"}},
		{"panic", func() error { panic("out of tea") }, 1, []string{"dispatch panicked", "out of tea", "process_test.go"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			if code := guard(slog.New(slog.NewTextHandler(&log, nil)), test.hook); code != test.code {
				t.Errorf("exit code %d", code)
			}
			for _, want := range test.log {
				if !strings.Contains(log.String(), want) {
					t.Errorf("log lacks %q: %s", want, &log)
				}
			}
			if len(test.log) == 0 && log.Len() > 0 {
				t.Errorf("log: %s", &log)
			}
		})
	}
}
