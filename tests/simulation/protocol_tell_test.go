package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"rolling-ops/internal/codec"
	"rolling-ops/jujusim"
	"rolling-ops/tests/simulation/invariant"
	"rolling-ops/tests/simulation/world"
)

// teller tells what changes in a cluster from one step to the next. It is the
// world's log handler too.
type teller struct {
	w      *world.World
	stamps bool   // tell granted_at and executed_at
	acting string // the unit that makes the present step
	last   []fact
	runs   []string // what ended since
	logs   []string // what was logged since
	said   []string // what was logged in this directive
}

// fact is one thing about the cluster: what it is about, and how it is.
type fact struct{ about, is string }

func (f fact) String() string { return f.about + ": " + f.is }

func tell(w *world.World, stamps bool) *teller {
	t := &teller{w: w, stamps: stamps}
	w.Log = slog.New(t)
	observe := w.Observe
	w.Model.SetObserver(func(e jujusim.Event) {
		observe(e)
		t.observe(e)
	})
	return t
}

// told forgets what happened so far.
func (t *teller) told() { t.last, t.runs, t.logs = t.facts(), nil, nil }

// news is what happened since the last look, a line each.
func (t *teller) news() []string {
	now := t.facts()
	lines := slices.Concat(t.runs, t.logs)
	for _, f := range now {
		if !slices.Contains(t.last, f) {
			lines = append(lines, f.String())
		}
	}
	for _, f := range t.last {
		if !slices.ContainsFunc(now, func(g fact) bool { return g.about == f.about }) && !strings.Contains(f.about, " ") {
			lines = append(lines, f.about+": no more")
		}
	}
	t.told()
	return lines
}

// column puts a step to the left of what it did.
func column(s world.Step, news []string) string {
	var out strings.Builder
	left := s.String()
	for _, line := range news {
		fmt.Fprintf(&out, "%-22s %s\n", left, line)
		left = ""
	}
	if left != "" {
		out.WriteString(left + "\n")
	}
	return out.String()
}

// state is how the cluster is: in a line, or a line for each unit if that gets
// too long.
func (t *teller) state() []string {
	var units []string
	of := ""
	for _, f := range t.facts() {
		unit, _, _ := strings.Cut(f.about, " ")
		switch {
		case strings.HasSuffix(f.String(), " worker: none"):
		case unit == of || unit == "lock":
			units[len(units)-1] += " | " + f.String()
		default:
			units = append(units, f.String())
		}
		of = unit
	}
	if line := strings.Join(units, " | "); len(line) <= 90 {
		return []string{line}
	}
	return units
}

// facts are all that there is to tell about the cluster.
func (t *teller) facts() []fact {
	app := t.w.AppBag()
	lock := fact{"lock", "free"}
	if app["granted_unit"] != "" {
		lock.is = "held by " + world.Short(app["granted_unit"]) + t.stamp(" since ", app["granted_at"])
	}
	if app["granted_unit"] != "" && invariant.ForStep(app) {
		lock.is += " for its step"
	}
	facts := []fact{{"leader", or(world.Short(t.w.Model.Leader()), "none")}, lock}
	if r := invariant.RolloutOf(app); r.ID > 0 {
		facts = append(facts, fact{"rollout", rolloutText(r)})
	}
	for _, m := range t.w.Machines() {
		facts = append(facts, t.unitFacts(m)...)
	}
	return facts
}

func (t *teller) unitFacts(m *world.Machine) []fact {
	name := world.Short(m.Name)
	bag := t.w.UnitBag(m.Name)
	facts := []fact{
		{name, or(bag["state"], "-") + " " + queueText(bag["operations"]) + t.stamp(" executed_at ", bag["executed_at"])},
		{name + " worker", workerText(t.w, &m.Worker)},
	}
	if s := invariant.StepOf(bag); s.ID > 0 {
		facts = append(facts, fact{name + " step", fmt.Sprintf("%s, rollout %d round %d", s.State, s.ID, s.Round)})
	}
	if r := m.Running; r != nil {
		facts = append(facts, fact{name + " runs", fmt.Sprintf("%s, stopped at %s", runText(r.Hook.Run()), or(r.At, "its start"))})
	}
	return facts
}

func (t *teller) stamp(label, value string) string {
	if !t.stamps || value == "" {
		return ""
	}
	at, err := codec.ParseTimestamp(value)
	if err != nil {
		return label + value
	}
	return label + at.Time().Format("15:04:05.000000")
}

// rolloutText is a record in short.
func rolloutText(r invariant.Rollout) string {
	text := fmt.Sprintf("%d.%d %s", r.ID, r.Rev, r.State)
	if r.Why != "" {
		text += " (" + r.Why + ")"
	}
	if r.Skip != "" {
		text += " without " + r.Skip
	}
	return text
}

// queueText is a queue in short: [_restart(delay=1) _failed_restart(delay=0)#1],
// #1 being an operation that failed once.
func queueText(text string) string {
	queue, err := codec.ParseQueue(text)
	if err != nil {
		return "[unreadable]"
	}
	var ops []string
	for _, op := range queue {
		text := op.CallbackID + "("
		if delay, ok := op.Kwargs.Map()["delay"]; ok {
			text += fmt.Sprint("delay=", delay)
		}
		text += ")"
		if op.Attempt.Int() > 0 {
			text += fmt.Sprint("#", op.Attempt)
		}
		ops = append(ops, text)
	}
	return "[" + strings.Join(ops, " ") + "]"
}

func workerText(w *world.World, k *world.Background) string {
	due, waits := k.Due()
	switch {
	case k.Plan.Calling() && k.Plan.Wanted():
		return "in juju-exec, and asked for again"
	case k.Plan.Calling():
		return "in juju-exec"
	case waits && due.After(w.Now):
		return "waits until " + due.Format("15:04:05.0")
	case waits:
		return "due"
	}
	return "none"
}

// observe notes which hooks ended and how.
func (t *teller) observe(e jujusim.Event) {
	name := world.Short(e.Unit)
	switch e.Kind {
	case jujusim.HookEnded:
		how := "ran"
		if e.Exit != 0 || e.Err != nil {
			how = "failed in"
		}
		t.runs = append(t.runs, fmt.Sprintf("%s %s %s", name, how, runText(e.Run)))
	case jujusim.HookKilled:
		t.runs = append(t.runs, fmt.Sprintf("%s killed in %s", name, runText(e.Run)))
	case jujusim.ExecLost:
		t.runs = append(t.runs, fmt.Sprintf("%s lost a juju-exec command", name))
	}
}

// runText is a run in short.
func runText(r jujusim.Run) string {
	text := strings.ReplaceAll(r.String(), world.App+"/", "")
	text = strings.ReplaceAll(text, "exec hooks/", "")
	text = strings.TrimPrefix(text, "restart-")
	return strings.Replace(text, "changed "+world.App, "changed app", 1)
}

// untold are log messages that say no more than what is told anyway.
var untold = []string{"operation queued", "service restarted"}

// Enabled implements slog.Handler.
func (t *teller) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler. A run that was killed logs nothing, though
// its coroutine is unwound.
func (t *teller) Handle(_ context.Context, r slog.Record) error {
	m := t.w.Units[t.acting]
	if slices.Contains(untold, r.Message) || m != nil && m.Running != nil && m.Running.Dead {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s log: ", world.Short(t.acting))
	if r.Level != slog.LevelInfo {
		b.WriteString(r.Level.String() + " ")
	}
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		value := strings.TrimPrefix(a.Value.String(), world.App+"/")
		if len(value) > 40 {
			value = value[:37] + "..."
		}
		fmt.Fprintf(&b, " %s=%s", a.Key, value)
		return true
	})
	if r.Level == slog.LevelWarn && slices.Contains(t.said, b.String()) {
		return nil // each hook repeats it
	}
	t.logs, t.said = append(t.logs, b.String()), append(t.said, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (t *teller) WithAttrs(attrs []slog.Attr) slog.Handler { return withAttrs{t, attrs} }

// WithGroup implements slog.Handler.
func (t *teller) WithGroup(string) slog.Handler { return t }

type withAttrs struct {
	slog.Handler
	attrs []slog.Attr
}

func (h withAttrs) Handle(ctx context.Context, r slog.Record) error {
	with := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	with.AddAttrs(h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		with.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, with)
}

func (h withAttrs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withAttrs{h.Handler, slices.Concat(h.attrs, attrs)}
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
