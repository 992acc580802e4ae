package processfaults

import "testing"

// An operator who takes the lock from a unit in its operation has another run
// beside it. The checks that hold for all other tests must see that.
func testForcedRelease(t *testing.T) {
	const holder, next = "rolling-ops/1", "rolling-ops/2"
	w := deploy(t, 3, setup{})
	over := make(chan struct{})
	w.plan(until(over))
	w.restart(holder)
	w.await("nobody is in an operation", func() bool { return w.visitors() == 1 })
	w.restart(next)
	w.awaitQuiet(w.Leader(), next) // it has heard of that
	result, err := w.RunAction(w.ctx, w.Leader(), "release-lock", map[string]any{"accept-two-at-once": true})
	w.check(err)
	if result.Status != "completed" {
		t.Errorf("release-lock: %+v", result)
	}
	w.await("the lock is not released", func() bool { return len(w.sections()) == 1 })
	close(over)
	w.drain()
	for source, sections := range map[string][]section{"witnesses": w.sections(), "transitions": w.told()} {
		if err := checkMutex(source, sections); err == nil {
			t.Errorf("two units at once are nothing to the %s:\n%s", source, describe(sections))
		}
	}
}
