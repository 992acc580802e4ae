package hooktool

import "testing"

// BenchmarkCall compares what a call costs over each transport, the agent's own work left out.
func BenchmarkCall(b *testing.B) {
	run := func(b *testing.B, transport Transport) {
		tools := New(transport)
		for b.Loop() {
			if _, err := tools.IsLeader(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("socket", func(b *testing.B) { run(b, openSocket(b, startAgent(b, sayTrue))) })
	b.Run("programs", func(b *testing.B) {
		installPrograms(b, startAgent(b, sayTrue))
		run(b, Programs())
	})
}

// BenchmarkFirstCall includes what a hook pays once: connecting, and telling each other the types.
func BenchmarkFirstCall(b *testing.B) {
	a := startAgent(b, sayTrue)
	for b.Loop() {
		transport := Socket(a.address, testContext)
		if _, err := New(transport).IsLeader(b.Context()); err != nil {
			b.Fatal(err)
		}
		transport.Close()
	}
}
