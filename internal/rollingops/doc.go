// Package rollingops lets the units of a Juju application run an operation one
// unit at a time: at most one of them is in a callback at any moment, whatever
// hook, worker, leader or machine dies in between.
//
// Units queue operations in their own databag of the peer relation. The leader
// grants the lock, one field of the application databag, to one unit at a
// time. The granted unit runs the callback of the operation at the head of its
// queue and says so in its own databag, which gives the lock back.
//
// The package is pure: it executes nothing, opens no file, reads no
// environment and no clock. What it needs of the world comes in through the
// small interfaces of Config. One hook of one unit goes like this:
//
//	m := rollingops.New(config)
//	m.Register("restart", restart)
//	hook, err := m.Begin(ctx, event)                 // asks is-leader, before anything else
//	ticket, err := hook.Request("restart", nil, nil) // in an action, say
//	report, err := hook.Finish(ctx)                  // attempt, schedule, write
//
// Finish comes last in the hook: a databag write that is followed by a failure
// is committed all the same when the hook was run through juju-exec.
package rollingops
