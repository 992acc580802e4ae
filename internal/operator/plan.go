package operator

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"rolling-ops/internal/operator/draw"
	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/rollout"
)

func (s *session) planCommand() *cobra.Command {
	var units string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show in which order a rollout would go, and what to see to first",
		Long: `Show in which order the units would have their turns, and warn of what speaks
against starting now. It changes nothing.`,
		Example: s.examples("plan", "plan --units 4,2,0"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := parseUnits("--units", units)
			if err != nil {
				return err
			}
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			order, err := orderOf(p, given)
			if err != nil {
				return err
			}
			s.warnOfStart(cmd.Context(), p)
			if s.format == "json" {
				return s.printJSON(struct {
					Schema      int               `json:"schema"`
					Application string            `json:"application"`
					Controller  string            `json:"controller"`
					Model       string            `json:"model"`
					Leader      string            `json:"leader,omitempty"`
					Order       []string          `json:"order"`
					Warnings    []picture.Warning `json:"warnings"`
				}{picture.Schema, p.Application, p.Controller, p.Model, p.Leader, order, p.Warnings})
			}
			return draw.Plan(s.out, p, order, s.style())
		},
	}
	cmd.Flags().StringVar(&units, "units", "", "`numbers` of units in their order, as 4,2,0 or 0-9 (default all, highest first, leader last)")
	_ = cmd.RegisterFlagCompletionFunc("units", s.completeNumbers)
	cmd.Flags().BoolVar(&s.all, "all", false, "every unit, however many")
	s.formatFlag(cmd)
	return cmd
}

func parseUnits(flag, text string) (rollout.Units, error) {
	units, err := rollout.ParseUnits(text)
	if err != nil {
		return nil, usage("%s: %v", flag, err)
	}
	return units, nil
}

// orderOf are the units in the order of their turns: the given ones, or all.
func orderOf(p *picture.Picture, given rollout.Units) ([]string, error) {
	units, leader := given, -1
	for _, u := range p.Units {
		n := unitNumber(u.Name)
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
		order[i] = p.Application + "/" + strconv.Itoa(n)
		if p.Unit(order[i]) == nil {
			return nil, fmt.Errorf("there is no unit %s", order[i])
		}
	}
	return order, nil
}

// warnOfStart adds what speaks against a start to what is wrong anyway.
func (s *session) warnOfStart(ctx context.Context, p *picture.Picture) {
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
		p.Warn(picture.NoRollouts, "", "the charm has no action "+rollout.ActionStart+": upgrade it with juju refresh "+p.Application)
	} else if failed := (*juju.Error)(nil); errors.As(err, &failed) && failed.Kind == juju.NoAction {
		p.Warn(picture.NoRollouts, "", "the charm has no actions")
	}
	config, err := s.client.Config(ctx, p.Application)
	if check, ok := config["health-check"]; err == nil && ok && check == "" {
		p.Warn(picture.NoHealthCheck, "", "the option health-check is empty: a unit counts as done once its services have started")
	}
}
