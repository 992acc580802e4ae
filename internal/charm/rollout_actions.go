package charm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/hooktool"
	"rolling-ops/internal/codec"
	"rolling-ops/internal/rollingops"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/text"
	"rolling-ops/internal/unitname"
)

// rollable are the operations that can be rolled, by the names that operators
// know.
var rollable = map[string]string{"restart": restart, "reload": reload, "command": runCommand, "reboot": reboot}

// plain is the name of an operation for people.
func plain(operation string) string {
	return strings.ReplaceAll(strings.TrimPrefix(operation, "_"), "_", "-")
}

const defaultRetries = 2

// rolloutAction carries out an action about rollouts.
func (h *hook) rolloutAction(ctx context.Context) (map[string]string, error) {
	if h.peers == nil {
		return nil, rollingops.ErrNoRelation
	}
	if err := h.ops.Survey(ctx); err != nil { // its answer tells of all units
		return nil, err
	}
	switch h.event.Name {
	case rollout.ActionStart:
		return h.startRollout(ctx)
	case rollout.ActionPause:
		return h.changeRollout(ctx, "pause", "paused", h.ops.PauseRollout)
	case rollout.ActionResume:
		return h.resumeRollout(ctx)
	case rollout.ActionAbort:
		return h.changeRollout(ctx, "abort", "aborted", func(expect rollout.Token) (rollout.Record, bool, error) {
			return h.ops.AbortRollout(ctx, expect)
		})
	}
	return h.showRollout(ctx)
}

func (h *hook) startRollout(ctx context.Context) (map[string]string, error) {
	params, err := h.params(ctx, rollout.ParamOperation, "delay", "always", rollout.ParamUnits, rollout.ParamPauseAfter,
		rollout.ParamMaxFailures, rollout.ParamRetries, rollout.ParamReason)
	if err != nil {
		return nil, err
	}
	request, err := h.rolloutRequest(ctx, params)
	if err != nil {
		return nil, err
	}
	if err := h.configured(ctx, "start a rollout"); err != nil {
		return nil, err
	}
	record, err := h.ops.StartRollout(ctx, request)
	if err != nil {
		return nil, h.refused("start a rollout", err)
	}
	h.Log.Info("rollout started", "rollout", record.ID, "operation", record.Operation, "units", record.Units.String(), "order", record.Order)
	h.rolledOut = true
	return results(record, true, fmt.Sprintf("rollout %d of %s over %s started", record.ID, plain(record.Operation), counted(len(record.Units)))), nil
}

// configured refuses to do what no unit could act on: its options can't be used.
func (h *hook) configured(ctx context.Context, what string) error {
	config, err := h.config(ctx)
	if err == nil && config.err != nil {
		err = fmt.Errorf("cannot %s: %s: juju config sets it right", what, text.OneLine(config.err.Error()))
	}
	return err
}

// rolloutRequest reads the parameters of start-rollout.
func (h *hook) rolloutRequest(ctx context.Context, params hooktool.Settings) (q rollout.Request, err error) {
	name, err := textParam(params, rollout.ParamOperation, "restart")
	if err != nil {
		return q, err
	}
	if q.Operation = rollable[name]; q.Operation == "" {
		return q, fmt.Errorf("operation %.40q can't be rolled: %s can", name, strings.Join(slices.Sorted(maps.Keys(rollable)), ", "))
	}
	kwargs, err := h.kwargsOf(ctx, q.Operation, params)
	if err != nil {
		return q, err
	}
	if q.Kwargs, err = codec.NewArgs(kwargs); err != nil {
		return q, err
	}
	if q.Units, err = h.unitsParam(params, rollout.ParamUnits); err != nil {
		return q, err
	}
	pause, err := textParam(params, rollout.ParamPauseAfter, string(rollout.PauseNever))
	if err != nil {
		return q, err
	}
	q.PauseAfter = rollout.PauseAfter(pause)
	if q.MaxFailures, err = countParam(params, rollout.ParamMaxFailures, 0); err != nil {
		return q, err
	}
	if q.Retries, err = countParam(params, rollout.ParamRetries, defaultRetries); err != nil {
		return q, err
	}
	q.Reason, err = textParam(params, rollout.ParamReason, "")
	return q, err
}

func (h *hook) resumeRollout(ctx context.Context) (map[string]string, error) {
	params, err := h.params(ctx, rollout.ParamExpect, rollout.ParamSkip)
	if err != nil {
		return nil, err
	}
	skip, err := h.unitsParam(params, rollout.ParamSkip)
	if err != nil {
		return nil, err
	}
	if err := h.configured(ctx, "resume the rollout"); err != nil {
		return nil, err
	}
	return h.change(params, "resume", "resumed", func(expect rollout.Token) (rollout.Record, bool, error) {
		return h.ops.ResumeRollout(expect, skip)
	})
}

func (h *hook) changeRollout(ctx context.Context, verb, done string, change func(rollout.Token) (rollout.Record, bool, error)) (map[string]string, error) {
	params, err := h.params(ctx, rollout.ParamExpect)
	if err != nil {
		return nil, err
	}
	return h.change(params, verb, done, change)
}

func (h *hook) change(params hooktool.Settings, verb, done string, change func(rollout.Token) (rollout.Record, bool, error)) (map[string]string, error) {
	text, err := textParam(params, rollout.ParamExpect, "")
	if err != nil {
		return nil, err
	}
	expect, err := rollout.ParseToken(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use %q: %w; show-rollout tells the token", rollout.ParamExpect, err)
	}
	record, changed, err := change(expect)
	if err != nil {
		return nil, h.refused(verb+" the rollout", err)
	}
	message := fmt.Sprintf("rollout %d %s", record.ID, done)
	if changed {
		h.rolledOut = true
		h.Log.Info(message+" by an operator", "rollout", record.ID, "state", record.State)
	} else {
		message = fmt.Sprintf("rollout %d is %s already%s", record.ID, record.State, because(record))
	}
	if record.Rev == 0 {
		message = fmt.Sprintf("the record that could not be read was taken away; it counts as rollout %d, %s", record.ID, done)
	}
	return results(record, changed, message), nil
}

func counted(units int) string {
	if units == 1 {
		return "1 unit"
	}
	return fmt.Sprintf("%d units", units)
}

// because is why a paused rollout is.
func because(r rollout.Record) string {
	switch r.Why {
	case rollout.ByOperator:
		return ", by an operator"
	case rollout.AfterCanary:
		return ", as pause-after asks"
	case rollout.AfterFailure:
		return ", because units failed"
	case rollout.AfterRelease:
		return ", because the lock was taken from a unit"
	}
	return ""
}

// refused makes an operator's error of one of the library's: it says what to
// type next.
func (h *hook) refused(what string, err error) error {
	err = fmt.Errorf("cannot %s: %w", what, err)
	if errors.Is(err, rollingops.ErrNotLeader) {
		return fmt.Errorf("%w: juju run %s/leader %s", err, h.application(), h.event.Name)
	}
	return err
}

func (h *hook) application() string { return unitname.Application(h.event.Unit) }

// results are those of an action that changes a rollout.
func results(r rollout.Record, changed bool, message string) map[string]string {
	out := map[string]string{
		rollout.ResultChanged: strconv.FormatBool(changed),
		rollout.ResultMessage: message,
		rollout.ResultNext:    nextCommand(r),
	}
	if r.State != rollout.None {
		out[rollout.ResultRollout] = strconv.Itoa(r.ID)
		out[rollout.ResultState] = string(r.State)
	}
	if r.Rev > 0 { // of a record that could not be read none is left
		out[rollout.ResultToken] = r.Token().String()
	}
	return out
}

// nextCommand is what an operator types next.
func nextCommand(r rollout.Record) string {
	switch r.State {
	case rollout.Running:
		return rollout.ActionShow + " tells how far it is; " + rollout.ActionPause + " stops it before the next unit"
	case rollout.Paused:
		return rollout.ActionResume + " goes on; " + rollout.ActionAbort + " ends it"
	}
	return rollout.ActionStart + " starts the next one"
}

// Parameters of actions. Their errors say what is wrong.

// textParam takes numbers too, as text: juju run reads units=3 and expect=7.3 as
// such, which is why these parameters have no type in actions.yaml.
func textParam(params hooktool.Settings, name, without string) (string, error) {
	if number, ok := params[name].(json.Number); ok {
		return strings.TrimSuffix(number.String(), ".0"), nil // Juju may make 3 of it, or 3.0
	}
	if !params.Has(name) {
		return without, nil
	}
	return params.String(name)
}

func countParam(params hooktool.Settings, name string, without int) (int, error) {
	if !params.Has(name) {
		return without, nil
	}
	n, err := params.Int(name)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > maxMaxRetry {
		return 0, fmt.Errorf("cannot use %q: it must be from 0 to %d", name, maxMaxRetry)
	}
	return int(n), nil
}

// unitsParam takes numbers of units, ranges of them, whole names, and those of
// what the units are beside.
func (h *hook) unitsParam(params hooktool.Settings, name string) (rollout.Units, error) {
	text, err := textParam(params, name, "")
	if err != nil {
		return nil, err
	}
	numbers, err := h.inNumbers(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use %q: %w; it is a list such as 4,2,0 or 0-4", name, err)
	}
	units, err := rollout.ParseUnits(numbers)
	if err != nil {
		return nil, fmt.Errorf("cannot use %q: %w; it is a list such as 4,2,0 or 0-4", name, err)
	}
	return units, nil
}

// rolloutJSON is the result json of show-rollout.
type rolloutJSON struct {
	Record  *rollout.Record `json:"record"`
	Lock    *lockJSON       `json:"lock,omitempty"`
	Units   []unitJSON      `json:"units"`
	History rollout.History `json:"history"`
}

type lockJSON struct {
	Unit string `json:"unit"`
	At   string `json:"at"`
}

type unitJSON struct {
	Unit      string        `json:"unit"`
	Principal string        `json:"principal,omitempty"`
	Phase     rollout.Phase `json:"phase"`
	Step      *rollout.Step `json:"step,omitempty"`
	Last      *rollout.Last `json:"last,omitempty"`
}

func (h *hook) showRollout(ctx context.Context) (map[string]string, error) {
	params, err := h.params(ctx, rollout.ParamFormat)
	if err != nil {
		return nil, err
	}
	format, err := textParam(params, rollout.ParamFormat, rollout.ResultText)
	if err != nil {
		return nil, err
	}
	r, err := h.ops.Rollout(ctx)
	if err != nil {
		return nil, err
	}
	out := results(r.Record, false, h.summary(r))
	switch format {
	case rollout.ResultText:
		out[rollout.ResultText] = h.rolloutText(r)
	case rollout.ResultJSON:
		out[rollout.ResultJSON], err = h.rolloutJSON(ctx, r)
	default:
		err = fmt.Errorf("cannot use %q: format is text or json", format)
	}
	return out, err
}

func (h *hook) rolloutJSON(ctx context.Context, r rollingops.Rollout) (string, error) {
	v := rolloutJSON{Units: []unitJSON{}, History: r.History}
	if r.Record.State != rollout.None {
		v.Record = &r.Record
	}
	status, err := h.ops.Status(ctx)
	if err != nil {
		return "", err
	}
	if status.Holder != "" {
		v.Lock = &lockJSON{Unit: status.Holder, At: codec.TimestampOf(status.Since).String()}
	}
	principals := h.ops.Principals()
	for _, u := range r.Units {
		shown := unitJSON{Unit: u.Name, Principal: principals[u.Name], Phase: u.Phase}
		if u.Step != (rollout.Step{}) {
			shown.Step = &u.Step
		}
		if u.Last != (rollout.Last{}) {
			shown.Last = &u.Last
		}
		v.Units = append(v.Units, shown)
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// rolloutText is the result text of show-rollout: a line for the rollout, one
// for each unit, and one for each rollout before.
func (h *hook) rolloutText(r rollingops.Rollout) string {
	lines := []string{h.summary(r)}
	if r.Record.Reason != "" {
		lines = append(lines, "reason: "+text.OneLine(r.Record.Reason))
	}
	for _, u := range r.Units {
		line := fmt.Sprintf("%-20s %s", h.named(u.Name), u.Phase)
		if u.Name == r.Holder {
			line += ", holds the lock since " + h.clock(r.Since)
		}
		if s := u.Step; s.ID == r.Record.ID && s.Attempts > 0 {
			line += fmt.Sprintf(", attempt %d ended %s", s.Attempts, h.clock(s.Ended.Time()))
			if s.Error != "" {
				line += ": " + text.OneLine(s.Error)
			}
		}
		if u.Err != nil {
			line += ", its step can't be read: clear-queue on it discards it"
		}
		lines = append(lines, line)
	}
	for _, e := range r.History {
		if e.ID == r.Record.ID && !r.Record.Active() {
			continue
		}
		if e.Operation == "" {
			lines = append(lines, fmt.Sprintf("before: rollout %d %s, its record could not be read, ended %s", e.ID, e.State, h.clock(e.Ended.Time())))
			continue
		}
		lines = append(lines, fmt.Sprintf("before: rollout %d %s, %d/%d done, ended %s", e.ID, e.State, e.Done, e.Total, h.clock(e.Ended.Time())))
	}
	return strings.Join(lines, "\n")
}
