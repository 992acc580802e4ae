// Package charmfacts is all that the simulated model knows of a charm beyond
// what Juju knows: how the charm rolling-ops, and others that use its library,
// show what they do. The table of units, the timeline, the condition no-overlap
// and the benchmarks look here, and nothing else of jujusim does.
//
// A charm that has none of it runs all the same: see docs/simulated-model.md for
// how one of any language marks its runs.
package charmfacts
