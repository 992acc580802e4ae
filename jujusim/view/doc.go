// Package view shows a model of package agent to a person: as a table while it
// runs, and as a timeline of who ran what when at the end.
//
// Both look at more than Juju knows, where a charm shows it; what that is stands
// in package charmfacts. A charm that shows none of it is shown without.
package view
