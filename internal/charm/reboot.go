package charm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Boots is what the machine tells of its boots.
type Boots interface {
	// ID names the boot that the machine is in. No two boots have the same.
	ID() (string, error)
	// Required reports whether the machine asks for a reboot.
	Required() (bool, error)
}

// BootFiles are the files of Linux and Ubuntu that tell of boots.
type BootFiles struct {
	BootID string // such as /proc/sys/kernel/random/boot_id
	Run    string // the directory in which reboot-required is
}

// The variables that move these files, for units that share a machine on a
// simulated model.
const (
	bootIDVariable = "ROLLINGOPS_BOOT_ID"
	runVariable    = "ROLLINGOPS_RUN_DIR"
)

// maxBootID bounds a boot id, in bytes.
const maxBootID = 128

// ID implements Boots.
func (b BootFiles) ID() (string, error) {
	text, err := os.ReadFile(b.BootID)
	if err != nil {
		return "", fmt.Errorf("cannot tell which boot this is: %w", err)
	}
	id := strings.TrimSpace(string(text))
	if id == "" || len(id) > maxBootID {
		return "", fmt.Errorf("cannot tell which boot this is: %s has %d bytes", b.BootID, len(id))
	}
	return id, nil
}

// Required implements Boots.
func (b BootFiles) Required() (bool, error) {
	_, err := os.Stat(filepath.Join(b.Run, "reboot-required"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("cannot tell whether a reboot is required: %w", err)
	}
	return err == nil, err
}

// goesDownWithin is how long a machine may take to go down once its agent was told
// to reboot it.
const goesDownWithin = 5 * time.Minute

// rebooted is the task of a reboot, in the note of what is done.
const rebooted = "reboot"

// reboot reboots the machine if it asks for that, or always, and then waits until
// the unit is well. The lock is held over the reboot. That it has happened is known
// by another boot, whoever made the machine reboot.
func (h *hook) reboot(ctx context.Context, p *progress, a arguments) (over bool, err error) {
	boot, err := h.Boots.ID()
	if err != nil {
		return false, err
	}
	if p.Boot == "" {
		required, err := h.Boots.Required()
		if err != nil {
			return false, err
		}
		if !required && !a.Always {
			h.Log.Info("the machine asks for no reboot, none is made")
			return true, nil
		}
		p.Boot = boot
	}
	if boot == p.Boot {
		return false, h.askForReboot(ctx, p)
	}
	if !slices.Contains(p.Done, rebooted) {
		h.Log.Info("the machine has rebooted")
		p.Done = []string{rebooted}
		h.keep(*p)
		if err := h.Sleep(ctx, a.delay()); err != nil {
			return false, err
		}
	}
	return h.becomeWell(ctx, p, h.cameUp)
}

// askForReboot has Juju reboot the machine when this hook is committed. It asks
// once an attempt: asked while the machine goes down, Juju would reboot it again
// when it has come up, and maybe when the unit no longer has the lock.
func (h *hook) askForReboot(ctx context.Context, p *progress) error {
	now := h.Clock.Now()
	if p.Asked.After(now) { // a clock that was set makes the wait longer, not endless
		p.Asked = now
	}
	if !p.Asked.IsZero() {
		if took := now.Sub(p.Asked); took >= goesDownWithin {
			return fmt.Errorf("the machine was told to reboot and has not in %s", goesDownWithin)
		}
		return nil
	}
	if err := h.preCheck(ctx, *p); err != nil {
		return err
	}
	p.Touched, p.Asked = true, now
	// Without a note the unit would not know afterwards that it has rebooted.
	if err := h.save(operationNote, *p); err != nil {
		return fmt.Errorf("cannot reboot: %w", err)
	}
	if err := h.Tools.Reboot(ctx); err != nil {
		return fmt.Errorf("cannot reboot: %w", err)
	}
	h.Log.Warn("the machine reboots when this hook has ended")
	return nil
}
