// Package fidelity finds out what Juju gives a charm, and whether the simulated
// model gives the same: what it tests is jujusim, not the charm of this project.
// It deploys the probe, the charm in testdata/charm, which runs hook tools as it is
// told and writes down what came of it, on any [Model], and returns what it saw as
// transcripts, with all that differs from one deployment to the next replaced.
//
// The transcripts of the simulated model are the golden files in testdata. Those
// of a real one are compared with them by the test of the same name in
// tests/integration/juju; where they may differ is listed, with the reason, in
// docs/simulated-model.md.
package fidelity
