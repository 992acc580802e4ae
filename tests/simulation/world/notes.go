package world

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/jujusim"
)

// This file takes note of what the table of coverage and settle want to know.
// Nothing here changes or judges a run.

// untrusted tells whether is-leader's answer is too old for the library.
func (r *running) untrusted() bool {
	return !r.asked.IsZero() && r.w.Now.Sub(r.asked) > rollingops.LeaseMargin
}

// noteLeadership is a move of the leadership, to nobody if next is empty.
func (w *World) noteLeadership(next string) {
	w.cover.fire("leadership moved")
	w.cover.matter("leadership moved", w.AppBag()["granted_unit"] != "")
	if next != "" && next == w.AppBag()["granted_unit"] {
		w.cover.fire("leadership to the holder")
	}
}

// leaderChanged tells the hooks that run of a move of the leadership.
func (w *World) leaderChanged(next string) {
	for _, m := range w.Units {
		r := m.Running
		switch {
		case r == nil || r.asked.IsZero():
		case !r.leads:
			if m.Name == next {
				m.wakeLost = w.Now
			}
		case m.Name != next && !r.deposed:
			r.deposed = true
			w.cover.fire("leadership lost in a hook")
			if r.overdue {
				w.cover.fire("commit refused")
			}
		case m.Name == next && r.deposed:
			r.back = true
			r.excluded = r.overdue
			w.cover.fire("leadership back within a hook")
		}
	}
}

// noteKill is a run that is about to be killed.
func (w *World) noteKill(r *running) {
	fault, matters := "hook killed before callback", w.AppBag()["granted_unit"] == r.m.Name
	switch {
	case slices.Contains(w.Check.Inside, r.m.Name):
		fault, matters = "hook killed in callback", true
	case w.Check.unit(r.m.Name).ran:
		fault, matters = "hook killed after callback", true
	}
	w.cover.fire(fault)
	w.cover.matter(fault, matters)
	if r.Hook.Run().Kind == jujusim.ExecRun {
		w.cover.fire("juju-exec fails")
		w.cover.matter("juju-exec fails", r.wrote)
	}
}

// noteEnd is a run that has come to its end, before the commit.
func (w *World) noteEnd(r *running) {
	if r.fail {
		w.cover.matter(r.failure(), r.wrote)
	}
	if r.exit == 0 && !r.fail && r.m.wakeLost.Before(r.began) {
		r.m.wakeLost = time.Time{} // the library had the chance to ask again
	}
	if r.leads && r.untrusted() {
		w.cover.fire("too late to schedule")
	}
}

// noteLate is a leader that had something to write and no longer might.
func (r *running) noteLate() {
	c := r.w.cover
	c.matter("too late to schedule", true)
	c.matter("leadership lost in a hook", r.deposed)
	c.matter("leadership back within a hook", r.back)
}

// noteCommit is the end of a run with what was written.
func (w *World) noteCommit(e jujusim.Event) {
	r := w.ending
	if w.cover == nil || r == nil {
		return
	}
	w.cover.matter("commit refused", e.Err != nil)
	w.cover.matter("leadership lost in a hook", e.Err != nil)
	now := machineClock{w, r.m}.Now()
	info, _ := w.Model.Unit(e.Unit)
	for _, write := range e.Writes {
		stamp := write.Changes["executed_at"]
		if write.Unit == "" {
			stamp = write.Changes["granted_at"]
			w.cover.matter("leaving leader", info.Life == "dying")
		}
		if at, err := codec.ParseTimestamp(stamp); err == nil && at.Time().Sub(now) > time.Millisecond && at.Time().Year() < 9000 {
			w.cover.matter("clock skew", true)
			w.cover.matter("clock jumps in a hook", r.jumped)
		}
	}
}

// noteRead is a databag that the run has just read.
func (r *running) noteRead(unit string) {
	if r.w.cover == nil || !strings.Contains(unit, "/") {
		return
	}
	seen, err := r.Hook.ReadUnit(0, unit)
	if err != nil {
		return
	}
	r.w.cover.matter("queue corrupted", strings.HasPrefix(seen["operations"], "{not"))
	if unit == r.m.Name || !r.leads {
		return
	}
	is := r.w.UnitBag(unit)
	stale := seen["state"] != is["state"] || seen["executed_at"] != is["executed_at"]
	if stale || seen["operations"] != is["operations"] {
		r.w.cover.fire("stale view")
		r.w.cover.matter("stale view", stale)
	}
}

// noteMembers is relation-list, just read.
func (r *running) noteMembers() {
	if r.w.cover == nil {
		return
	}
	members, units := r.Hook.Members(0), r.w.Names()
	holder := r.w.AppBag()["granted_unit"]
	for _, u := range units {
		if u != r.m.Name && !slices.Contains(members, u) && r.w.UnitBag(u) != nil {
			r.w.cover.fire("joined not delivered")
			r.w.cover.matter("joined not delivered", u == holder)
		}
	}
	for _, u := range members {
		r.w.cover.matter("departed never comes", !slices.Contains(units, u) && r.w.Opts.LostDepartures)
	}
}

// logger is the run's log. Without a script that tells of it, it is only
// looked at for what the library reports nowhere else.
func (r *running) logger() *slog.Logger {
	if r.w.cover == nil {
		return r.w.Log
	}
	return slog.New(lateWatch{r})
}

type lateWatch struct{ r *running }

func (l lateWatch) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && l.r.leads && !l.r.Dead && l.r.untrusted()
}

func (l lateWatch) Handle(_ context.Context, record slog.Record) error {
	if strings.HasPrefix(record.Message, "too late in this hook") {
		l.r.noteLate()
	}
	return nil
}

func (l lateWatch) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l lateWatch) WithGroup(string) slog.Handler      { return l }

// foreignWrite is somebody else's write of a unit's executed_at.
type foreignWrite int

const (
	noForeignWrite foreignWrite = iota
	foreignWriteQueued
	foreignWritten // and the unit has not written both copies since
)

// noteStamp is the end of a run, of somebody who writes the unit's stamp or of the
// unit's own.
func (w *World) noteStamp(e jujusim.Event) {
	m := w.Units[e.Unit]
	switch {
	case m == nil:
	case isStamp(e.Run):
		m.stamp = noForeignWrite
		if e.Kind == jujusim.HookEnded {
			m.stamp = foreignWritten
		}
	case m.stamp == foreignWritten && e.Kind == jujusim.HookEnded && ofCharm(e.Run) && copied(w.UnitBag(e.Unit)):
		m.stamp = noForeignWrite
	}
}

// copied reports whether both copies of a unit's stamp are the same.
func copied(bag map[string]string) bool {
	return bag["executed_at"] == bag["rollingops-executed-at"]
}

// ofCharm reports whether the charm's own code ran, with the relation.
func ofCharm(run jujusim.Run) bool {
	switch run.Name {
	case "install", "stop", "remove":
		return false
	}
	return run.Command == "" || run.Command == LockGranted
}
