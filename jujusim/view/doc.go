// Package view shows a model of package agent to a person: as a table while it
// runs, and as a timeline of who ran what when at the end.
//
// Both look at more than Juju knows where a charm keeps a lock the way that
// the rolling-ops library does: the keys state and operations in unit databags
// and granted_unit in the application's, and a file state/transitions.log in
// the unit's directory. A charm that has none of these is shown without.
package view
