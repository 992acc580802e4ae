package operator

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rolling-ops/internal/operator/draw"
	"rolling-ops/internal/operator/picture"
)

func (s *session) statusCommand() *cobra.Command {
	var watch bool
	var svg string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the lock, the rollout and every unit",
		Long: `Show who holds the lock, how far the rollout is, why it stands and what to type
next, and a line for each unit. Of many units only those that matter are shown.

With --watch it goes on until the rollout ends or needs a person, and its exit code
says which. --svg draws who held the lock when, for a ticket: the last attempt of
each unit, and every one that was seen while watching.`,
		Example: s.examples("status", "status --watch", "status --svg roll.svg", "status --format json"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return s.watch(cmd.Context(), svg)
			}
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			if svg != "" {
				var lanes draw.Lanes
				lanes.Add(p)
				if err := writeSVG(svg, &lanes); err != nil {
					return err
				}
			}
			if s.format == "json" {
				return s.printJSON(p)
			}
			return draw.Table(s.out, p, s.style())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&watch, "watch", "w", false, "go on until the rollout ends or needs a person")
	s.waitFlags(cmd, "how long to watch; 0 for as long as it takes", 0)
	flags.StringVar(&svg, "svg", "", "draw the rollout into this `file`")
	flags.BoolVar(&s.all, "all", false, "every unit, however many")
	s.formatFlag(cmd)
	return cmd
}

func (s *session) waitFlags(cmd *cobra.Command, timeout string, fallback time.Duration) {
	cmd.Flags().DurationVar(&s.timeout, "timeout", fallback, timeout)
	cmd.Flags().DurationVar(&s.interval, "interval", 2*time.Second, "how often to look")
}

// writeSVG writes the file in one piece.
func writeSVG(path string, lanes *draw.Lanes) error {
	var b bytes.Buffer
	if err := draw.SVG(&b, lanes); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".rolling-ops-*.svg")
	if err != nil {
		return fmt.Errorf("cannot write drawing: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(b.Bytes())
	if err == nil {
		err = temporary.Chmod(0o640)
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write drawing: %w", err)
	}
	return nil
}

func (s *session) metricsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "metrics",
		Short: "Print the lock and the rollout as metrics",
		Long: `Print how long the lock has been held, how far the rollout is and whether it needs a
person, as OpenMetrics text. For node_exporter's textfile collector, from cron.`,
		Example: s.examples("metrics -m prod:db > /var/lib/node_exporter/rolling_ops.prom.new"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			return draw.Metrics(s.out, p)
		},
	}
}

func (s *session) historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List the last five rollouts that ended",
		Example: s.examples("history", "history --format json"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.picture(cmd.Context())
			if err != nil {
				return err
			}
			if s.format == "json" {
				return s.printJSON(struct {
					Schema      int             `json:"schema"`
					Application string          `json:"application"`
					Controller  string          `json:"controller"`
					Model       string          `json:"model"`
					History     []picture.Ended `json:"history"`
				}{picture.Schema, p.Application, p.Controller, p.Model, p.History})
			}
			return draw.History(s.out, p, s.style())
		},
	}
	s.formatFlag(cmd)
	return cmd
}
