package jujusim

import (
	"testing"
)

// A hook of a unit that neither leads nor writes: five calls.
func BenchmarkHook(b *testing.B) {
	m := newModel(b, 3, Options{})
	calls := [][]string{
		{"is-leader", "--format=json"},
		{"relation-list", "-r", "restart:0", "--format=json"},
		{"relation-get", "-r", "restart:0", "--format=json", "-", "probe/1"},
		{"relation-get", "-r", "restart:0", "--format=json", "--app", "-", "probe"},
		{"relation-set", "-r", "restart:0", "--file", "-"},
	}
	stdin := []byte(`{"operations":"[\"one\"]","state":"request"}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Redeliver("probe/2", "restart", "probe/1"); err != nil {
			b.Fatal(err)
		}
		h, err := m.Begin("probe/2")
		if err != nil {
			b.Fatal(err)
		}
		for _, call := range calls {
			if r, err := h.Tool(call[0], call[1:], stdin, true); err != nil || r.Code != 0 {
				b.Fatalf("%v: %v %s", call, err, r.Stderr)
			}
		}
		if err := h.Finish(0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClone(b *testing.B) {
	m := newModel(b, 3, Options{})
	b.ReportAllocs()
	for b.Loop() {
		m.Clone()
	}
}

func BenchmarkFingerprint(b *testing.B) {
	m := newModel(b, 3, Options{})
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = m.AppendFingerprint(buffer[:0])
	}
}
