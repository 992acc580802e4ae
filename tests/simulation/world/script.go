package world

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/codec"
)

// Replay runs a schedule and reports each step with the state that it leaves.
// Steps that are impossible are skipped, so that a shorter schedule is one too.
func Replay(script string, report func(string)) (w *World, broken Violation) {
	w = New(ScheduleOptions(script), nil)
	defer w.Close()
	defer w.Recover(&broken)
	for line := range strings.Lines(script) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		s, err := ParseStep(line)
		if err == nil {
			err = w.Do(s)
		}
		if err != nil {
			w.Skipped++
			report(fmt.Sprintf("%-22s %v", line, err))
			continue
		}
		report(fmt.Sprintf("%-22s %s", line, w.Summary()))
	}
	return w, ""
}

// script is the schedule so far, for replay.
func (w *World) script() string {
	return w.Opts.String() + "\n" + strings.Join(w.Schedule, "\n") + "\n"
}

// Summary is the state of the cluster in a line.
func (w *World) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "leader=%s lock=%s", Short(w.Model.Leader()), Short(w.AppBag()["granted_unit"]))
	for _, m := range w.Machines() {
		bag := w.UnitBag(m.Name)
		fmt.Fprintf(&b, " | %s %s", Short(m.Name), bag["state"])
		if q, err := codec.ParseQueue(bag["operations"]); err != nil {
			b.WriteString(" unreadable")
		} else {
			fmt.Fprintf(&b, " %d", len(q))
		}
		if m.Running != nil {
			fmt.Fprintf(&b, " [%s at %s]", m.Running.Hook.Run(), m.Running.At)
		}
		if m.Worker.Plan.Calling() {
			b.WriteString(" worker calls")
		} else if m.Worker.alive() {
			b.WriteString(" worker waits")
		}
	}
	return b.String()
}

// ScheduleOptions are those of the "# options" line of a schedule.
func ScheduleOptions(script string) Options {
	var o Options
	for line := range strings.Lines(script) {
		words, ok := strings.CutPrefix(strings.TrimSpace(line), "# options ")
		if !ok {
			continue
		}
		for word := range strings.FieldsSeq(words) {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "lost-departures":
				o.LostDepartures = true
			case "quiet-writer":
				o.QuietWriter = true
			case "early-departure":
				o.EarlyDeparture = true
			case "claims":
				o.Claims = value
			case "retry-delay":
				o.RetryDelay, _ = time.ParseDuration(value)
			}
		}
	}
	return o
}

// String is the "# options" line.
func (o Options) String() string {
	words := []string{"# options"}
	for word, on := range map[string]bool{"lost-departures": o.LostDepartures, "quiet-writer": o.QuietWriter,
		"early-departure": o.EarlyDeparture, "retry-delay=" + o.RetryDelay.String(): o.RetryDelay > 0, "claims=" + o.Claims: o.Claims != ""} {
		if on {
			words = append(words, word)
		}
	}
	slices.Sort(words[1:])
	return strings.Join(words, " ")
}

// Simpler are the options with one of them left out.
func (o Options) Simpler() []Options {
	var out []Options
	without := func(set bool, drop func(*Options)) {
		if set {
			p := o
			drop(&p)
			out = append(out, p)
		}
	}
	without(o.LostDepartures, func(p *Options) { p.LostDepartures = false })
	without(o.QuietWriter, func(p *Options) { p.QuietWriter = false })
	without(o.EarlyDeparture, func(p *Options) { p.EarlyDeparture = false })
	without(o.RetryDelay > 0, func(p *Options) { p.RetryDelay = 0 })
	return out
}

// Recover turns the panic of a broken invariant into its violation. Any other
// panic goes on, a defect with the schedule that led to it.
func (w *World) Recover(broken *Violation) {
	switch v := recover().(type) {
	case nil:
	case Violation:
		*broken = v
	case runtime.Error:
		panic(fmt.Sprintf("%v\nschedule:\n%s\n%s", v, w.script(), debug.Stack()))
	default:
		panic(v) // rapid's own, for one
	}
}

// MustDo makes a step that has to be possible.
func (w *World) MustDo(s Step) {
	if err := w.Do(s); err != nil {
		panic(fmt.Sprintf("%s: %v", s, err))
	}
}
