package draw

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

// Metrics writes a picture as OpenMetrics text, all gauges, for a file that
// node_exporter's textfile collector reads.
func Metrics(w io.Writer, p *picture.Picture) error {
	var b bytes.Buffer
	labels := fmt.Sprintf(`controller=%s,model=%s,application=%s`, label(p.Controller), label(p.Model), label(p.Application))
	gauge := func(name, help string, value float64) {
		fmt.Fprintf(&b, "# HELP rollingops_%s %s\n# TYPE rollingops_%s gauge\nrollingops_%s{%s} %s\n", name, help, name, name, labels, strconv.FormatFloat(value, 'f', -1, 64))
	}
	held := 0.0
	if p.Lock.Since != nil {
		held = max(0, p.Taken.Sub(*p.Lock.Since).Seconds())
	}
	gauge("lock_held_seconds", "How long the lock has been held; 0 if it is free.", held)
	gauge("lock_stalled", "1 if the lock has been held for 15 minutes, or its holder's agent is lost.", one(p.Lock.Stalled))
	r := p.Rollout
	if r == nil {
		r = &picture.Rollout{}
	}
	gauge("rollout_id", "The newest rollout; 0 if there has been none.", float64(r.ID))
	gauge("rollout_running", "1 if a rollout runs.", one(r.State == rollout.Running))
	gauge("rollout_paused", "1 if a rollout is paused.", one(r.State == rollout.Paused))
	gauge("rollout_stands", "1 if a rollout needs a person: it is paused, or waits for a unit that can't answer.", one(p.Outcome() == picture.Stands))
	gauge("rollout_units", "Units of the newest rollout that the application still has.", float64(r.Total))
	gauge("rollout_units_done", "Units of it that are done.", float64(r.Done))
	gauge("rollout_units_failed", "Units of it that are failing or failed.", float64(len(r.Failed)+len(r.Failing)))
	queued := 0
	for _, u := range p.Units {
		if u.Queued != nil {
			queued += *u.Queued
		}
	}
	gauge("queued_operations", "Operations in the queues of all units.", float64(queued))
	gauge("unreadable", "1 if a record or a queue can't be read.", one(p.Has(picture.RecordUnreadable) || p.Has(picture.QueueUnreadable)))
	gauge("picture_timestamp_seconds", "When this was read.", float64(p.Taken.Unix()))
	b.WriteString("# EOF\n")
	_, err := w.Write(b.Bytes())
	return err
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func label(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
