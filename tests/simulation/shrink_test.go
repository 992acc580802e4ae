package simulation

import (
	"slices"
	"strings"

	"rolling-ops/tests/simulation/world"
)

// shortest shortens the schedule that broke an invariant and returns it as a
// script to be read and replayed.
func shortest(w *world.World) string {
	if !*flagShrink {
		return ""
	}
	opts, lines := shrink(w)
	script := opts.String() + "\n" + strings.Join(lines, "\n") + "\n"
	var told strings.Builder
	_, broken := world.Replay(script, func(line string) { told.WriteString("# " + line + "\n") })
	return told.String() + "# " + invariantBroken + string(broken) + `
# To replay it, save what follows as /tmp/schedule.txt and run
#   SCHEDULE=/tmp/schedule.txt go test ./tests/simulation -run TestReplay -v
` + scheduleFollows + script
}

// scheduleFollows is the line before a schedule.
const scheduleFollows = "# ----\n"

// shrink drops all steps and options without which the same invariant is broken
// all the same (delta debugging), and makes runs in one go where it can.
func shrink(w *world.World) (world.Options, []string) {
	opts, lines := w.Opts, w.Schedule
	breaks := func(o world.Options, lines []string) ([]string, bool) {
		again, broken := world.Replay(o.String()+"\n"+strings.Join(lines, "\n"), func(string) {})
		return again.Schedule, broken != "" && again.Broken == w.Broken
	}
	for progress := true; progress; {
		progress = false
		for chunk := max(1, len(lines)/2); chunk > 0; chunk /= 2 {
			for at := 0; at < len(lines); {
				fewer := slices.Concat(lines[:at], lines[min(at+chunk, len(lines)):])
				if made, ok := breaks(opts, fewer); ok {
					lines, progress = made, true // those that are possible
				} else {
					at += chunk
				}
			}
		}
		for at := range lines {
			if at >= len(lines) {
				break
			}
			whole := slices.Clone(lines)
			if whole[at] = inOneGo(lines[at]); whole[at] == lines[at] {
				continue
			}
			if made, ok := breaks(opts, whole); ok {
				lines, progress = made, true
			}
		}
		for _, o := range opts.Simpler() {
			if made, ok := breaks(o, lines); ok {
				opts, lines, progress = o, made, true
				break
			}
		}
	}
	return opts, lines
}

// inOneGo is the step with what follows of the same run, if it has one.
func inOneGo(line string) string {
	switch verb, unit, _ := strings.Cut(line, " "); verb {
	case "begin":
		return "run " + unit
	case "step":
		return "finish " + unit
	}
	return line
}
