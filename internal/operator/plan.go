package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/internal/operator/draw"
	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
	"rolling-ops/internal/unitname"

	"github.com/spf13/cobra"
)

func (s *session) planCommand() *cobra.Command {
	var units string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show in which order a rollout would go, and what to see to first",
		Long: `Show in which order the units would have their turns, how long that takes if it is
as fast as the last rollout, and warn of what speaks against starting now. It changes
nothing.`,
		Example: s.examples("plan", "plan --units 4,2,0"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			given, err := parseUnits(p, "--units", units)
			if err != nil {
				return err
			}
			plan := s.plan(cmd.Context(), p, given)
			if s.format == "json" {
				return s.printJSON(plan)
			}
			verb, command, why := nextOfPlan(p, plan, given)
			if verb != "" {
				command = s.name + " " + verb + s.options
			}
			return draw.Plan(s.out, plan, p, command, why, s.style())
		},
	}
	cmd.Flags().StringVar(&units, "units", "", unitsHelp)
	_ = cmd.RegisterFlagCompletionFunc("units", s.completeNumbers)
	cmd.Flags().BoolVar(&s.all, "all", false, "every unit, however many")
	s.formatFlag(cmd)
	return cmd
}

const unitsHelp = "`numbers` of units in their order, as 4,2,0 or 0-9, or their names (default all, highest first, leader last)"

// plan is how a rollout over the given units would go, or over all.
func (s *session) plan(ctx context.Context, p *picture.Picture, given rollout.Units) *picture.Plan {
	plan := &picture.Plan{
		Schema: picture.Schema, Application: p.Application, Controller: p.Controller, Model: p.Model, Leader: p.Leader,
		Order: orderOf(p, given),
	}
	for _, u := range p.Units {
		if u.Principal == "" {
			continue
		}
		if plan.Principals == nil {
			plan.Principals = make(map[string]string)
		}
		plan.Principals[u.Name] = u.Principal
	}
	if pace, ok := p.Pace(); ok {
		plan.Pace = &pace
	}
	config, err := s.client.Config(ctx, p.Application)
	if err != nil {
		p.Warn(picture.ConfigUnknown, "", "the options can't be read: "+err.Error())
	}
	s.warnOfStart(ctx, p, config)
	plan.Warnings = p.Warnings
	if plan.PrimaryCheck = config["primary-check"] != ""; plan.PrimaryCheck && given == nil {
		if last := plan.Order[len(plan.Order)-1:]; len(last) > 0 && asks(p, last[0]) > 0 {
			plan.Primary = last[0]
		}
	}
	plan.Fit(config["window"], p.Taken)
	return plan
}

// orderOf are the units in the order of their turns: the given ones, or all, those
// last that asked for the last turn when they answered last.
func orderOf(p *picture.Picture, given rollout.Units) []string {
	units, leader := given, -1
	for _, u := range p.Units {
		n := unitname.Number(u.Name)
		if u.Leader {
			leader = n
		}
		if given == nil {
			units = append(units, n)
		}
	}
	if given == nil {
		units = rollout.AutoOrder(units, leader)
	}
	order := make([]string, len(units))
	for i, n := range units {
		order[i] = unitname.Of(p.Application, n)
	}
	if given == nil {
		slices.SortStableFunc(order, func(a, b string) int { return asks(p, a) - asks(p, b) })
	}
	return order
}

func asks(p *picture.Picture, name string) int {
	if u := p.Unit(name); u != nil && u.Primary {
		return 1
	}
	return 0
}

// warnOfStart adds what speaks against a start to what is wrong anyway.
func (s *session) warnOfStart(ctx context.Context, p *picture.Picture, config map[string]string) {
	if p.Rollout.Active() {
		p.Warn(picture.UnderWay, "", fmt.Sprintf("rollout %d is %s: it has to end first", p.Rollout.ID, p.Rollout.State))
	}
	for _, u := range p.Units {
		if u.Queued != nil && *u.Queued > 0 {
			p.Warn(picture.QueueNotEmpty, u.Name, fmt.Sprintf("%d queued: single operations go before the rollout's steps", *u.Queued))
		}
	}
	actions, err := s.client.Actions(ctx, p.Application)
	if _, ok := actions[rollout.ActionStart]; err == nil && !ok {
		p.Warn(picture.NoRollouts, "", "the charm can't roll, it is older than this program: upgrade it with juju refresh "+p.Application)
	} else if failed := (*juju.Error)(nil); errors.As(err, &failed) && failed.Kind == juju.NoAction {
		p.Warn(picture.NoRollouts, "", "the charm can't roll, it has no actions")
	}
	if check, ok := config["health-check"]; ok && check == "" {
		p.Warn(picture.NoHealthCheck, "", "the option health-check is empty: a unit counts as done once its services have started")
	}
}

// nextOfPlan is the verb, or else the command, that comes next, and why.
func nextOfPlan(p *picture.Picture, plan *picture.Plan, given rollout.Units) (verb, command, why string) {
	leader := p.Unit(p.Leader)
	has := func(code picture.Code) bool {
		return slices.ContainsFunc(plan.Warnings, func(w picture.Warning) bool { return w.Code == code })
	}
	switch {
	case p.Rollout.Active(), has(picture.RecordUnreadable):
		return p.Next()
	case has(picture.NoRollouts):
		return "", "juju refresh " + p.Application, ""
	case leader == nil || leader.Lost():
		return "", "juju status", "when another unit leads; until then nobody takes a command"
	}
	const run = "run --pause-after first --wait"
	var lost, left []string
	for _, name := range plan.Order {
		if u := p.Unit(name); u.Lost() {
			lost = append(lost, u.Label())
		} else {
			left = append(left, strconv.Itoa(unitname.Number(name)))
		}
	}
	list := strings.Join(left, ",")
	switch {
	case len(lost) > 0 && len(left) > 0 && len(list) < 40:
		if len(lost) > 3 {
			lost = append(lost[:2], fmt.Sprintf("%d more", len(lost)-2))
		}
		whose := ", whose agent is lost"
		if len(lost) > 1 {
			whose = ", whose agents are lost"
		}
		return run + " --units " + list, "", "leaves out " + strings.Join(lost, ", ") + whose
	case len(lost) > 0:
		return run, "", "resume --skip leaves out a unit that can't answer"
	case given != nil:
		return run + " --units " + given.String(), "", ""
	}
	return run, "", ""
}
