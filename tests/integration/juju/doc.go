// Package juju runs the integration scripts on a real Juju controller.
//
// It is a Go module of its own because it links github.com/juju/juju/api, which
// is licensed under the AGPL-3.0 and comes with Juju's whole dependency tree.
// Nothing outside this folder imports either: neither the charm, nor the
// library, nor any other test.
//
// The controller is the one that the juju command line would talk to: the
// client store in $JUJU_DATA, and in it the controller that JUJU_CONTROLLER, or
// JUJU_MODEL, or juju switch names. Each script gets a model of its own, with a
// random suffix to its name, which is destroyed when the script has ended,
// failed or been interrupted.
//
// # What is watched and what is polled
//
// Juju 4 has no AllWatcher any more, and no watcher that a client may have for
// units, statuses or relation settings. So a change is noticed by the model's
// log, which the API streams: a unit's agent logs each hook that it has run, and
// the charm each step of a roll. A slow timer stands in for what is not logged.
// How an action has ended is polled with a growing pause, as the juju command
// does it: the API's watcher of actions tells of their log messages alone.
package juju
