// Package probe finds out what Juju gives a charm, and whether the simulated
// model gives the same. It deploys the charm in testdata/probe/charm, which runs
// hook tools as it is told and writes down what came of it, on any [Model], and
// returns what it saw as transcripts, with all that differs from one deployment
// to the next replaced.
//
// The transcripts of the simulated model are the golden files in
// testdata/probe. Those of a real one are compared with them; where they may
// differ is listed, with the reason, in docs/simulated-model.md.
package probe
