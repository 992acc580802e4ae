package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"rolling-ops/internal/operator/draw"
	"rolling-ops/internal/operator/juju"
	"rolling-ops/internal/operator/picture"
	"rolling-ops/internal/unitname"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// picture reads the application: juju status and one juju show-unit.
func (s *session) picture(ctx context.Context) (*picture.Picture, error) {
	p, err := s.read(ctx)
	if failed := (*juju.Error)(nil); errors.As(err, &failed) && failed.Kind == juju.NoUnit {
		return s.read(ctx) // the unit was removed between the two calls
	}
	return p, err
}

func (s *session) read(ctx context.Context) (*picture.Picture, error) {
	status, err := s.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	app, err := status.Choose(s.app)
	if err != nil {
		return nil, err
	}
	s.app = app // the same one as long as the program runs
	endpoint, _ := status.Endpoint(app)
	unit, ok := spokesman(status.Applications[app])
	bags := juju.Databags{}
	if ok {
		if bags, err = s.client.Databags(ctx, unit, endpoint); err != nil {
			return nil, err
		}
	}
	return picture.Draw(status, app, bags, s.now()), nil
}

// spokesman is a unit through which databags are read: the leader, or else the
// lowest number.
func spokesman(app juju.Application) (string, bool) {
	units := slices.SortedFunc(maps.Keys(app.Units), func(a, b string) int {
		if x, y := app.Units[a].Leader, app.Units[b].Leader; x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, name := range units {
		if juju.ValidUnit(name) {
			return name, true
		}
	}
	return "", false
}

// style is how the terminal likes it.
func (s *session) style() draw.Style {
	style := draw.Style{All: s.all, Program: s.name, Options: s.options, Width: 80}
	file, ok := s.out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return style
	}
	style.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width >= 40 {
		style.Width = width
	}
	return style
}

func (s *session) printJSON(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s\n", data)
	return err
}

func (s *session) completeApps(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	status, err := s.client.Status(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return status.Locking(), cobra.ShellCompDirectiveNoFileComp
}

func (s *session) completeUnits(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, name := range s.units(cmd.Context()) {
		if !slices.Contains(args, name) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNumbers completes a list of numbers of units.
func (s *session) completeNumbers(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	done := toComplete[:strings.LastIndex(toComplete, ",")+1]
	var lists []string
	for _, name := range s.units(cmd.Context()) {
		_, number, _ := strings.Cut(name, "/")
		if !slices.Contains(strings.Split(done, ","), number) {
			lists = append(lists, done+number)
		}
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// units are the application's, none if it can't be read.
func (s *session) units(ctx context.Context) []string {
	status, err := s.client.Status(ctx)
	if err != nil {
		return nil
	}
	app, err := status.Choose(s.app)
	if err != nil {
		return nil
	}
	names := slices.Collect(maps.Keys(status.Applications[app].Units))
	slices.SortFunc(names, unitname.Compare)
	return names
}
