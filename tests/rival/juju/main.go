// Juju measures charms on a real Juju controller: juju -charm DIR -charm DIR.
// It takes the charms of jujusim bench, deploys three units of each into a
// model of its own, and removes that at the end.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rolling-ops/tests/cost/bench"
)

const (
	units    = 3
	rolls    = 3
	retries  = 3
	patience = 15 * time.Minute // for anything to happen
)

func main() {
	var charms dirs
	flag.Var(&charms, "charm", "a charm's `directory`; may be given several times")
	base := flag.String("base", "ubuntu@24.04", "the `base` of the machines")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, charms, *base, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "juju:", err)
		os.Exit(1)
	}
}

type dirs []string

func (d *dirs) String() string         { return strings.Join(*d, " ") }
func (d *dirs) Set(value string) error { *d = append(*d, value); return nil }

func run(ctx context.Context, charms []string, base string, out io.Writer) (err error) {
	m := model{name: "rolling-ops-bench-" + strings.ToLower(rand.Text()[:6])}
	if _, err := m.juju(ctx, "add-model", "--no-switch", m.name); err != nil {
		return err
	}
	defer func() {
		_, e := m.juju(context.WithoutCancel(ctx), "destroy-model", "--no-prompt", "--force", "--no-wait", "--destroy-storage", m.name)
		err = errors.Join(err, e)
	}()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []*measured
	for i, charm := range charms {
		app := fmt.Sprintf("charm%c", 'a'+i)
		archive, name, err := pack(ctx, charm, dir)
		if err != nil {
			return err
		}
		if _, err := m.juju(ctx, "deploy", "-m", m.name, archive, app, "-n", fmt.Sprint(units), "--base", base); err != nil {
			return err
		}
		all = append(all, &measured{app: app, name: name})
	}
	for _, a := range all {
		if err := m.measure(ctx, a); err != nil {
			return fmt.Errorf("cannot measure %s: %w", a.name, err)
		}
	}
	return writeTable(out, all)
}

func writeTable(out io.Writer, all []*measured) error {
	t := bench.NewTable(fmt.Sprintf("On real Juju, %d units. Times in ms: min/median/max.", units),
		"charm", "follower's no-op, wall", "CPU", "leader's, wall", "CPU", "hand-over", "leader's retry", "CPU of a roll")
	for _, a := range all {
		t.Row(a.name, a.follower.wall, a.follower.cpu, a.leading.wall, a.leading.cpu, a.handOvers, a.retries, a.rolls)
	}
	t.Note("Runs of each: %s.", strings.Join(runs(all), "; "))
	_, err := t.WriteTo(out)
	return err
}

func runs(all []*measured) []string {
	var out []string
	for _, a := range all {
		out = append(out, fmt.Sprintf("%s %d, %d, %d, %d, %d", a.name, len(a.follower.wall), len(a.leading.wall), len(a.handOvers), len(a.retries), len(a.rolls)))
	}
	return out
}

// model is a model of the current controller.
type model struct{ name string }

// juju runs the juju client.
func (m model) juju(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "juju", args...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cannot run juju %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}
