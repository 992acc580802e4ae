// Package jujusim models one Juju application: its units, their peer
// relations, and what each unit's agent would run next.
//
// A [Model] is plain data. It starts no goroutine, does no I/O and reads no
// clock but the one its caller gives it, so the same calls lead to the same
// state. The caller is the scheduler: it asks which unit has something to run,
// begins it, makes hook-tool calls on it, and finishes it.
//
//	m := jujusim.New(charm, jujusim.Options{})
//	m.AddUnit()
//	for {
//		run, ok := m.Next("probe/0")
//		if !ok {
//			break
//		}
//		hook, err := m.Begin("probe/0")
//		...
//		hook.Tool("relation-set", []string{"-r", "restart:0", "ready=yes"}, nil, false)
//		hook.Finish(0)
//	}
//
// Between Begin and Finish the rest of the model may move on: other units run,
// leadership changes, units come and go. That is the point of it.
//
// What a unit runs, in which order and what it sees follows Juju 4's unit
// agent. Where Juju leaves something to chance (the jitter of a retry, which of
// two relations goes first) the model picks one answer and keeps to it.
package jujusim
