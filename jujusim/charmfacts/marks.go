package charmfacts

import (
	"regexp"
	"strings"
)

// Executing returns what a unit runs that has this workload status: NAME of
// maintenance "Executing NAME" or "Executing NAME operation".
func Executing(status, message string) (name string, ok bool) {
	name, ok = strings.CutPrefix(message, "Executing ")
	if !ok || status != "maintenance" {
		return "", false
	}
	return strings.TrimSuffix(name, " operation"), true
}

// A Mark is a line by which a charm tells, through juju-log at any level, that it
// begins or has ended a run.
type Mark struct {
	Name    string
	Ended   bool
	Outcome string // of an ended run; may be empty
}

// In a relation hook Juju puts the relation's id in front of a message.
var markPattern = regexp.MustCompile(`^(?:[\w-]+:\d+: )?run-(begin|end) (\S+)(?: (.+))?$`)

// ParseMark reads a message of juju-log: "run-begin NAME", or "run-end NAME
// [OUTCOME]".
func ParseMark(message string) (Mark, bool) {
	m := markPattern.FindStringSubmatch(message)
	if m == nil || m[1] == "begin" && m[3] != "" {
		return Mark{}, false
	}
	return Mark{Name: m[2], Ended: m[1] == "end", Outcome: m[3]}, true
}
