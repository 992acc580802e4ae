package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"rolling-ops/jujusim"
	"rolling-ops/jujusim/charmfacts"
)

// Options say what is measured, and how often.
type Options struct {
	CharmDirs []string // one after the other in each step, so that all see the same machine
	Env       []string // added to the environment of all hooks
	// HookTool is the program that is linked to as every hook tool, the running
	// one if empty: it must behave as Juju's own when it is called by their names.
	HookTool  string
	HookSizes []int // applications in which single hooks are measured, each at least 3
	RollSizes []int // applications in which a whole roll is measured
	Runs      int   // of each hook
	// Limit is how long the runs of one hook, and how long a roll may take:
	// hooks are run less often then, but at least thrice; rolls are left out.
	Limit    time.Duration
	Progress io.Writer // told what is being measured
}

// session is one measurement.
type session struct {
	Options
	rigs   []*Rig
	report *Report
}

// Run measures. When a charm fails, the error ends with what its hooks printed.
func Run(ctx context.Context, o Options) (*Report, error) {
	s := &session{Options: o, report: &Report{Machine: machine()}}
	defer func() {
		for _, r := range s.rigs {
			r.Close()
		}
	}()
	for _, dir := range o.CharmDirs {
		if err := s.add(dir); err != nil {
			return nil, fmt.Errorf("cannot measure %s: %w", dir, err)
		}
	}
	for _, n := range o.HookSizes {
		if err := s.hooks(ctx, n); err != nil {
			return nil, err
		}
	}
	for i := range s.rigs {
		if err := s.retries(ctx, i); err != nil {
			return nil, err
		}
		for _, n := range o.RollSizes {
			if err := s.roll(ctx, i, n); err != nil {
				return nil, err
			}
		}
	}
	return s.report, nil
}

func (s *session) add(dir string) error {
	rig, err := NewRig(dir, s.HookTool, s.Env)
	if err != nil {
		return err
	}
	s.rigs = append(s.rigs, rig)
	c := &CharmReport{Name: rig.Charm.Name}
	info, err := os.Stat(filepath.Join(rig.source, "dispatch"))
	if err != nil {
		return err
	}
	c.Dispatch = info.Size()
	c.Size, err = sizeOf(rig.source)
	s.report.Charms = append(s.report.Charms, c)
	return err
}

// sizeOf adds up the files in a directory.
func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

func (s *session) progress(format string, args ...any) {
	if s.Progress != nil {
		fmt.Fprintf(s.Progress, format+"\n", args...)
	}
}

// failed adds what the charm printed last.
func (s *session) failed(r *Rig, err error) error {
	const most = 2000
	printed, _ := os.ReadFile(r.path("log"))
	printed = printed[max(0, len(printed)-most):]
	return fmt.Errorf("cannot measure %s: %w; its hooks printed:\n%s", r.Charm.Name, err, printed)
}

// hooks measures single hooks at one size, the charms in turn.
func (s *session) hooks(ctx context.Context, n int) error {
	scenes := make([]map[string]scene, len(s.rigs))
	for i, rig := range s.rigs {
		s.progress("%s: setting up %d units", rig.Charm.Name, n)
		var err error
		if scenes[i], err = prepare(rig, n); err != nil {
			return s.failed(rig, err)
		}
	}
	for _, name := range HookNames {
		s.progress("%d units: %s", n, name)
		reports := make([]HookReport, len(s.rigs))
		spent := make([]time.Duration, len(s.rigs))
		for run := range s.Runs {
			for i, rig := range s.rigs {
				if run >= 3 && spent[i] > s.Limit {
					continue
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				begin := time.Now()
				if err := reports[i].measure(rig, scenes[i][name]); err != nil {
					return s.failed(rig, err)
				}
				spent[i] += time.Since(begin)
			}
		}
		for i, rig := range s.rigs {
			rig.WatchMemory = true
			_, err := scenes[i][name].play(rig)
			rig.WatchMemory = false
			if err != nil {
				return s.failed(rig, err)
			}
			reports[i].Name, reports[i].Units, reports[i].Memory = name, n, rig.Memory()
			s.report.Charms[i].Hooks = append(s.report.Charms[i].Hooks, reports[i])
		}
	}
	for _, rig := range s.rigs {
		if err := rig.Kill(); err != nil {
			return s.failed(rig, err)
		}
	}
	return nil
}

func (h *HookReport) measure(rig *Rig, sc scene) error {
	cost, err := sc.play(rig)
	if err != nil {
		return err
	}
	h.Wall = append(h.Wall, cost.Wall)
	h.CPU = append(h.CPU, cost.CPU)
	h.Start = append(h.Start, cost.Start)
	h.Calls = append(h.Calls, cost.Calls)
	h.Bytes = append(h.Bytes, cost.Bytes)
	return nil
}

// play runs what act queues in an application of n units until nothing is left.
func (s *session) play(ctx context.Context, rig *Rig, n int, act func(*jujusim.Model) error) (*Roll, time.Duration, error) {
	d := &Driver{Executor: rig}
	m, err := Application(rig.Charm, n, jujusim.Options{Now: time.Now, Observer: d.Observe})
	if err != nil {
		return nil, 0, err
	}
	// A charm may pause before a retry. That is a matter of taste, not of cost.
	if _, ok := rig.Charm.Options["retry-delay"]; ok {
		if err := m.SetConfig(map[string]string{"retry-delay": "0s"}); err != nil {
			return nil, 0, err
		}
		if err := Settle(m, m.Units()...); err != nil {
			return nil, 0, err
		}
	}
	// The first hook of a unit may be special.
	for _, unit := range m.Units() {
		if err := m.UpdateStatus(unit); err != nil {
			return nil, 0, err
		}
		if _, err := step(rig, m, unit); err != nil {
			return nil, 0, err
		}
	}
	if err := act(m); err != nil {
		return nil, 0, err
	}
	roll := NewRoll(m.Leader())
	d.Model, d.OnRun = m, roll.Add
	begin := time.Now()
	if err := d.Run(ctx); err != nil {
		return nil, 0, err
	}
	latent, err := rig.Background(backgroundLimit)
	roll.CPU += latent
	return roll, time.Since(begin), err
}

// retryCount is how many retries of the leader's are measured.
const retryCount = 5

func (s *session) retries(ctx context.Context, i int) error {
	rig := s.rigs[i]
	s.progress("%s: the leader's retries", rig.Charm.Name)
	roll, _, err := s.play(ctx, rig, 1, func(m *jujusim.Model) error {
		_, err := m.EnqueueAction(leader, charmfacts.FailingAction, map[string]any{charmfacts.DelayParameter: 0, charmfacts.RetryParameter: retryCount})
		return err
	})
	if err == nil && roll.Attempts != retryCount+1 {
		err = fmt.Errorf("the leader made %d attempts, not %d", roll.Attempts, retryCount+1)
	}
	if err != nil {
		return s.failed(rig, err)
	}
	s.report.Charms[i].Retries = roll.HandOvers
	return ctx.Err()
}

// roll measures a whole roll, unless it would take too long.
func (s *session) roll(ctx context.Context, i, n int) error {
	rig, report := s.rigs[i], s.report.Charms[i]
	if estimate := report.estimate(n); estimate > s.Limit {
		report.Rolls = append(report.Rolls, RollReport{Units: n, TooLong: estimate})
		return nil
	}
	s.progress("%s: a roll of %d units", rig.Charm.Name, n)
	roll, took, err := s.play(ctx, rig, n, func(m *jujusim.Model) error {
		for _, unit := range m.Units() {
			if _, err := m.EnqueueAction(unit, charmfacts.RestartAction, map[string]any{charmfacts.DelayParameter: 0}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && roll.Attempts != n {
		err = fmt.Errorf("%d units made %d attempts", n, roll.Attempts)
	}
	if err != nil {
		return s.failed(rig, err)
	}
	report.Rolls = append(report.Rolls, RollReport{
		Units: n, Hooks: roll.Hooks, Events: roll.Events, Calls: roll.Calls, Parts: roll.Parts,
		CPU: roll.CPU, Elapsed: roll.Elapsed, HandOvers: roll.HandOvers, Real: took,
	})
	return ctx.Err()
}

// estimate is how long measuring a roll of n units takes about. Each unit's
// request, each end of an attempt and each grant is an event for all others.
func (c *CharmReport) estimate(n int) time.Duration {
	for _, h := range c.Hooks {
		if h.Name == FollowerNoOp {
			return time.Duration(3*n*n) * h.Wall.Median()
		}
	}
	return 0
}

// machine describes the machine in a line.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}

var errNoCharm = errors.New("no charm to measure")

// Check tells what is wrong with the options.
func (o Options) Check() error {
	if len(o.CharmDirs) == 0 {
		return errNoCharm
	}
	for _, n := range o.HookSizes {
		if n < 3 {
			return fmt.Errorf("cannot measure hooks in an application of %d units: it takes 3", n)
		}
	}
	for _, n := range o.RollSizes {
		if n < 1 {
			return fmt.Errorf("cannot roll an application of %d units", n)
		}
	}
	if o.Runs < 3 {
		return errors.New("cannot tell a median from fewer than 3 runs")
	}
	return nil
}
