package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// systemd is there when systemd runs the machine, as sd_booted(3) has it.
var systemd = "/run/systemd/system"

// scopeLimit is how long systemd may take, which takes some 10 ms.
const scopeLimit = 5 * time.Second

// leaveAgent has systemd put this process into a scope of its own. Until then
// it is part of the agent's service, as all that hooks start, and systemd ends it
// when the agent is restarted. On a machine without systemd there is no need.
//
// It is busctl that asks, as systemd-run only starts processes and does not
// take one that has its lock already.
func (o Options) leaveAgent(ctx context.Context) error {
	if _, err := os.Stat(systemd); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, scopeLimit)
	defer cancel()
	pid := strconv.Itoa(os.Getpid())
	scope := "rollingops-" + strings.ReplaceAll(o.Unit, "/", "-") + "-" + pid + ".scope"
	out, err := exec.CommandContext(ctx, "busctl", "--allow-interactive-authorization=no", "call",
		"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"StartTransientUnit", "ssa(sv)a(sa(sv))", scope, "fail",
		"3", "Description", "s", "Worker of "+o.Unit, "PIDs", "au", "1", pid, "CollectMode", "s", "inactive-or-failed",
		"0").CombinedOutput()
	if err != nil {
		return fmt.Errorf("busctl: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
