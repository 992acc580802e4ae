// Package roll lets the units of a charm run an operation one unit at a time: at
// most one of them is in it at any moment, whatever hook, leader or machine dies
// in between.
//
// A charm says what its operations are and when it wants one. This is a whole
// dispatch:
//
//	func main() {
//		roll.Main(roll.Charm{
//			Name:       "my-database", // as in metadata.yaml
//			Relation:   "cluster",     // a peer relation of interface rolling_op
//			Operations: map[string]roll.Operation{"restart": restart},
//			Handle:     handle,
//		})
//	}
//
//	// handle is the charm's part of every hook and action.
//	func handle(ctx context.Context, h *roll.Hook) error {
//		if h.Event.Name == "config-changed" {
//			_, err := h.Request(roll.Request{Operation: "restart"})
//			return err
//		}
//		return nil
//	}
//
//	// restart runs while no other unit is in an operation.
//	func restart(ctx context.Context, h *roll.Hook, args roll.Args) (roll.Result, error) {
//		if err := exec.CommandContext(ctx, "systemctl", "restart", "my-database").Run(); err != nil {
//			return roll.RetryHold, err // keep the lock: this unit is broken
//		}
//		return roll.Release, nil
//	}
//
// Juju runs the program for every event. [Main] reads the event, calls Handle,
// runs an operation if the unit holds the lock, and writes. Between two hooks it
// brings the unit back itself: started as "dispatch worker ..." the same program
// waits in the background. So a charm is this one program and its YAML files.
//
// # Operations
//
// An operation runs at least once for each request: a hook that fails after it is
// run again, so it has to be idempotent. What it wrote with hook tools is thrown
// away then, all but the status. It must come back when its context ends, which
// is when somebody ends the hook. It may take as long as it likes, and may request
// what has to follow. What it returns is a [Result]; an error or a panic means
// that it is tried again.
//
// Operations are stored in databags by name. One whose name is no longer in
// [Charm.Operations] when its turn comes is dropped, with an error in the log.
//
// # Events
//
// Every hook and every action is a part of the roll: Handle is called in all of
// them, so a charm with nothing to do in one returns nil. In install, and at the
// end of a unit's life, there is no peer relation: [Hook.Request] returns
// [ErrNoRelation]. An error of Handle fails the hook, which Juju runs again, and
// nothing is written; in an action it fails the action alone.
//
// # Subordinate charms
//
// All units of a subordinate application are in one peer relation and take turns,
// whichever applications they are beside. One whose relation with its principal is
// removed runs no operation from then on, while it still gets hooks and actions.
//
// # Tests
//
// Package [rolling-ops/jujusim/simtest] runs a charm's directory in go test, on a
// simulated model. A test that runs [Run] calls the charm as a function, with hook
// tools of its own.
package roll
