package juju

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/juju/juju/core/base"
	"github.com/rogpeppe/go-internal/testscript"

	"rolling-ops/tests/integration/steps"
)

const (
	// stepLimit is how long a step may take: a deployment on a busy machine, or
	// the time until the next update-status where Juju sends no other event.
	stepLimit = 10 * time.Minute
	// destroyLimit is how long the models may take to go.
	destroyLimit = 3 * time.Minute
)

// suite is what the tests of this package share.
var suite struct {
	controller *Controller
	setup      Setup

	mu    sync.Mutex
	waits map[string][]wait // by test
}

// wait is how long it took in a script from one unit's end to the next one's start.
type wait struct {
	script string
	length time.Duration
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	controller, err := Open(ctx)
	if errors.Is(err, ErrNoController) {
		return 0, fmt.Errorf("%w; get one with \"snap install juju lxd && lxd init --auto && juju bootstrap localhost\", or choose one with \"juju switch\"", err)
	}
	if err != nil {
		return 0, err
	}
	defer controller.Close()
	suite.controller, suite.waits = controller, map[string][]wait{}
	work, err := os.MkdirTemp("", "rolling-ops-integration-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	if suite.setup, err = setup(ctx, work); err != nil {
		return 0, err
	}
	fmt.Println(controller)
	stop := destroyWhenInterrupted()
	code := m.Run()
	stop()
	for test, waits := range suite.waits {
		if len(waits) > 0 {
			longest := slices.MaxFunc(waits, func(a, b wait) int { return cmp.Compare(a.length, b.length) })
			fmt.Printf("%s: %d times a unit began after another: the longest wait was %v, in %s\n", test, len(waits), longest.length, longest.script)
		}
	}
	return code, destroyAll()
}

// setup builds what the tests deploy.
func setup(ctx context.Context, work string) (Setup, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return Setup{}, err
	}
	machines, err := base.ParseBaseFromString(cmp.Or(os.Getenv("BASE"), "ubuntu@24.04"))
	if err != nil {
		return Setup{}, fmt.Errorf("cannot read $BASE: %w", err)
	}
	s := Setup{Base: machines, Arch: cmp.Or(os.Getenv("ARCH"), runtime.GOARCH), Keep: os.Getenv("KEEP") == "1"}
	s.Charms = map[steps.Charm]string{
		steps.RollingOps: cmp.Or(os.Getenv("CHARM"), filepath.Join(root, "rolling-ops_"+s.Arch+".charm")),
		steps.Other:      filepath.Join(work, "other.charm"),
	}
	if _, err := os.Stat(s.Charms[steps.RollingOps]); err != nil {
		return Setup{}, fmt.Errorf("the charm is not there, run make charm: %w", err)
	}
	return s, packOther(ctx, root, s.Arch, s.Charms[steps.Other])
}

// destroyWhenInterrupted has the models destroyed and the test ended when
// somebody interrupts it, or shortly before go test would do so because its
// time is up. What it returns ends that.
func destroyWhenInterrupted() (stop func()) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	end := func(why string) {
		fmt.Fprintln(os.Stderr, "integration:", why)
		if err := destroyAll(); err != nil {
			fmt.Fprintln(os.Stderr, "integration:", err)
		}
		os.Exit(1)
	}
	go func() { end((<-interrupts).String()) }()
	limit, _ := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration)
	if limit == 0 {
		return func() { signal.Stop(interrupts) }
	}
	timer := time.AfterFunc(limit-min(limit/2, destroyLimit), func() { end("no time is left") })
	return func() {
		signal.Stop(interrupts)
		timer.Stop()
	}
}

// destroyAll destroys the models that tests have left.
func destroyAll() error {
	if suite.setup.Keep {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), destroyLimit)
	defer cancel()
	return suite.controller.DestroyAll(ctx)
}

// open makes the model of a script of a test, and has its history counted at
// the end.
func open(test string, env *testscript.Env) (steps.Backend, error) {
	setup := suite.setup
	setup.Logf = func(format string, args ...any) { env.T().Log(fmt.Sprintf(format, args...)) }
	script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	model, err := NewModel(context.Background(), suite.controller, "rolling-ops-"+script, setup)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	env.Defer(func() { // runs when the script has taken its model down
		if env.T().(interface{ Failed() bool }).Failed() {
			return // what was read of the transitions may lack their end
		}
		history, err := model.History()
		if err != nil {
			env.T().Fatal(err)
		}
		waits := steps.Handovers(history)
		setup.Logf("%v, %d lines of transitions, waits %v", time.Since(begin).Round(time.Second), len(history), waits)
		suite.mu.Lock()
		defer suite.mu.Unlock()
		for _, length := range waits {
			suite.waits[test] = append(suite.waits[test], wait{script, length})
		}
	})
	return model, nil
}

func scripts(t *testing.T, dir string, more map[string]func(*testscript.TestScript, bool, []string)) {
	t.Parallel()
	open := func(env *testscript.Env) (steps.Backend, error) { return open(t.Name(), env) }
	params := steps.Suite{Open: open, Limit: stepLimit}.Params(filepath.Join("../testdata/scripts", dir))
	for name, step := range more {
		params.Cmds[name] = step
	}
	testscript.Run(t, params)
}

// TestScripts runs the scripts that the simulated model runs too.
func TestScripts(t *testing.T) { scripts(t, ".", nil) }
