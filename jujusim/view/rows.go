package view

import (
	"strings"

	"rolling-ops/jujusim/agent"
	"rolling-ops/jujusim/charmfacts"
)

// maxDoing is how wide the column of what the agents do may get.
const maxDoing = 32

// Rows makes a table's rows of an application's status.
func Rows(status agent.Status) []Row {
	var rows []Row
	for _, u := range status.Units {
		row := Row{Unit: u.Name, Leader: u.Leader, Agent: u.Agent, Status: u.Status, Message: u.Message, Queue: -1, Principal: u.Principal}
		if u.Doing != "" {
			row.Agent = strings.TrimPrefix(u.Doing, "hooks/")
			row.Agent = row.Agent[:min(len(row.Agent), maxDoing)]
		}
		if u.Life == "dying" {
			row.Agent += " (leaving)"
		}
		for _, r := range status.Relations {
			databag := u.Databags[r.ID]
			row.State += databag[charmfacts.StateKey]
			row.Queue = max(row.Queue, charmfacts.QueueLength(databag[charmfacts.OperationsKey]))
			row.Holder = row.Holder || r.Databag[charmfacts.GrantedKey] == u.Name
		}
		rows = append(rows, row)
	}
	return rows
}
