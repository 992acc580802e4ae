package processfaults

import "testing"

// usedTools are those that the charm can't do without in a roll, and some that
// it can.
var usedTools = []string{
	"is-leader", "relation-get", "relation-set", "goal-state", "relation-list", "config-get", "status-set", "juju-log", "action-get",
}

// testTools has each tool fail in some way, wherever the unit calls it next: in
// the action, or in one of the hooks of the roll. An action that says it was
// completed is carried out, one that failed is not, and neither stops the others.
func testTools(t *testing.T, transport string) {
	w := deploy(t, 2, setup{transport: transport})
	for i, tool := range usedTools {
		for j, fault := range toolFaults {
			if !thorough() && i%len(toolFaults) != j {
				continue
			}
			for _, unit := range w.units {
				w.befall(unit, tool, fault)
			}
		}
	}
	w.verify()
}

func (w *world) befall(unit, tool, fault string) {
	w.t.Helper()
	before := len(w.sections())
	w.setFault(unit, tool, fault)
	id, err := w.StartAction(unit, "restart", map[string]any{"delay": 0})
	w.check(err)
	if fault == hangs {
		// Its agent waits for it, or its worker, and everybody else for those.
		w.await(tool+" of "+unit+" is not called", func() bool { return !w.hasFault(unit, tool) || drained(w.Status()) })
		w.openGates()
	}
	result, err := w.WaitAction(w.ctx, id)
	w.check(err)
	w.drain()
	w.stopFaults()
	runs := 0
	for _, s := range w.sections()[before:] {
		if s.Unit != unit {
			w.t.Errorf("%s %s on %s: %s was in an operation", tool, fault, unit, s.Unit)
		}
		runs++
	}
	if (result.Status == "completed") != (runs > 0) {
		w.t.Errorf("%s %s on %s: the action is %s, and there were %d operations", tool, fault, unit, result.Status, runs)
	}
}
