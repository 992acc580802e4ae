package picture

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rolling-ops/internal/rollout"
	"rolling-ops/internal/window"
)

// Plan is how a rollout would go that was started now.
type Plan struct {
	Schema       int               `json:"schema"`
	Application  string            `json:"application"`
	Controller   string            `json:"controller"`
	Model        string            `json:"model"`
	Leader       string            `json:"leader,omitempty"`
	Order        []string          `json:"order"`
	Principals   map[string]string `json:"principals,omitempty"` // by unit, of a subordinate application
	PrimaryCheck bool              `json:"primary-check"`        // whether units are asked who goes last
	Primary      string            `json:"primary,omitempty"`    // who said so when it was asked last
	Pace         *Pace             `json:"pace,omitempty"`
	Window       *Window           `json:"window,omitempty"`
	Warnings     []Warning         `json:"warnings"`
}

// Pace is how fast the newest rollout was.
type Pace struct {
	Rollout   int     `json:"rollout"`
	Operation string  `json:"operation"`
	Seconds   float64 `json:"seconds"` // from one unit's turn to the next one's, the median
}

// Of is how long so many units take.
func (p Pace) Of(units int) time.Duration {
	return time.Duration(float64(units) * p.Seconds * float64(time.Second))
}

// Window is when units may begin.
type Window struct {
	Text   string     `json:"text"`
	Opens  *time.Time `json:"opens,omitempty"`  // absent: it is open
	Closes *time.Time `json:"closes,omitempty"` // absent: not within a week
	Begin  *int       `json:"begin,omitempty"`  // how many units begin in it, by the pace
}

// Pace is that of the newest rollout; false if none of its units is done. Pauses for
// a person do not count: it is the median.
func (p *Picture) Pace() (Pace, bool) {
	if p.Rollout == nil {
		return Pace{}, false
	}
	var done []*Unit
	for i := range p.Units {
		if u := &p.Units[i]; u.Step == rollout.PhaseDone && u.Granted != nil && u.Ended != nil {
			done = append(done, u)
		}
	}
	if len(done) == 0 {
		return Pace{}, false
	}
	slices.SortFunc(done, func(a, b *Unit) int { return a.Granted.Compare(*b.Granted) })
	last := done[len(done)-1]
	took := []time.Duration{last.Ended.Sub(*last.Granted)}
	if len(done) > 1 {
		took = nil
	}
	for i := range len(done) - 1 {
		took = append(took, done[i+1].Granted.Sub(*done[i].Granted))
	}
	slices.Sort(took)
	return Pace{p.Rollout.ID, p.Rollout.Operation, max(0, took[len(took)/2].Seconds())}, true
}

// Fit puts the window, an option of the charm's, into the plan of a moment, and warns
// if not all units begin in it.
func (plan *Plan) Fit(text string, now time.Time) {
	w, err := window.Parse(text)
	if err != nil {
		plan.Warnings = append(plan.Warnings, Warning{WindowUnusable, "", "the option window can't be used: " + err.Error()})
		return
	}
	if w.Always() {
		return
	}
	begins := w.Opens(now).UTC()
	shown := &Window{Text: text}
	if begins.After(now) {
		shown.Opens = &begins
	}
	closes := w.Closes(begins).UTC()
	if !closes.IsZero() {
		shown.Closes = &closes
	}
	plan.Window = shown
	if closes.IsZero() || plan.Pace == nil {
		return
	}
	begin := len(plan.Order)
	if plan.Pace.Seconds > 0 {
		begin = min(begin, int(math.Ceil(closes.Sub(begins).Seconds()/plan.Pace.Seconds)))
	}
	shown.Begin = &begin
	if begin < len(plan.Order) {
		plan.Warnings = append(plan.Warnings, Warning{WindowTooShort, "", fmt.Sprintf("by the pace of rollout %d, %d of %d units begin before the window closes; the others wait for the next one",
			plan.Pace.Rollout, begin, len(plan.Order))})
	}
}
