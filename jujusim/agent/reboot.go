package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// machine is how a unit's machine is.
type machine int

const (
	up machine = iota
	goingDown
	off // until Boot
)

// What a unit's directory has of the machine. What is in runDir does not outlive
// a reboot, as on a machine's /run.
const (
	bootIDFile = "boot_id"
	runDir     = "run"
)

// BootID returns the boot id of a unit's machine, which is another after each
// boot. It is in the file boot_id of the unit's directory, in the form of
// /proc/sys/kernel/random/boot_id.
func (c *Cluster) BootID(unit string) (string, error) {
	id, err := os.ReadFile(filepath.Join(c.UnitDir(unit), bootIDFile))
	if err != nil {
		return "", fmt.Errorf("cannot read boot id: %w", err)
	}
	return string(id[:max(0, len(id)-1)]), nil
}

// bootFiles makes what a machine has anew at each boot.
func (a *unitAgent) bootFiles() error {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	text := fmt.Sprintf("%x-%x-%x-%x-%x\n", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	run := filepath.Join(a.dir, runDir)
	err := os.RemoveAll(run)
	if err == nil {
		err = os.Mkdir(run, 0o750)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(a.dir, bootIDFile), []byte(text), 0o640)
	}
	if err != nil {
		return fmt.Errorf("cannot boot the machine of %s: %w", a.name, err)
	}
	return nil
}

// Reboot reboots the machine of a unit and waits until it is up again, or stays
// down as StayDown had asked for: its agent and all of its processes end, and the
// boot id changes. juju-reboot does the same from a hook.
func (c *Cluster) Reboot(ctx context.Context, unit string) error {
	err := c.update(func() error {
		a, err := c.agent(unit)
		switch {
		case err != nil:
			return err
		case a.machine != up:
			return fmt.Errorf("cannot reboot the machine of %s: it is down", unit)
		}
		c.fault(unit, "machine reboots")
		return c.model.Reboot(unit)
	})
	if err != nil {
		return err
	}
	return c.awaitReboot(ctx, unit)
}

// awaitReboot waits until the unit's machine is not going down.
func (c *Cluster) awaitReboot(ctx context.Context, unit string) error {
	err := c.await(ctx, func() bool { return c.agents[unit] == nil || c.agents[unit].machine != goingDown })
	if err != nil {
		return fmt.Errorf("cannot wait for the machine of %s: %w", unit, err)
	}
	return nil
}

// StayDown has the machine of a unit not come up again from its next reboot, or
// the present one, until Boot.
func (c *Cluster) StayDown(unit string) error {
	return c.update(func() error {
		a, err := c.agent(unit)
		if err == nil {
			a.staysDown = true
		}
		return err
	})
}

// Boot boots the machine of a unit that stayed down after a reboot, once it has
// gone down.
func (c *Cluster) Boot(unit string) error {
	if err := c.awaitReboot(c.ctx, unit); err != nil {
		return err
	}
	return c.update(func() error {
		a, err := c.agent(unit)
		switch {
		case err != nil:
			return err
		case a.machine != off:
			return fmt.Errorf("cannot boot the machine of %s: it is not down", unit)
		}
		a.staysDown, a.machine = false, up
		return errors.Join(a.bootFiles(), c.startAgent(a))
	})
}

// rebooting reports whether the machine is going down.
func (a *unitAgent) rebooting() bool {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	return a.machine == goingDown
}

// comeUp ends what still runs on a machine that goes down, and boots it. It is the
// loop's own: what the unit ran has ended.
func (a *unitAgent) comeUp() {
	a.c.mu.Lock()
	commands := a.down()
	a.c.mu.Unlock()
	if commands != nil {
		commands.hangUp()
		commands.Close()
	}
	_, err := a.c.end(of(a.name, a.c.Processes))
	if updateErr := a.c.update(func() error {
		a.c.dirty = true
		if a.staysDown {
			a.machine = off
			return nil
		}
		a.machine = up
		return errors.Join(a.bootFiles(), a.c.startAgent(a))
	}); err == nil {
		err = updateErr
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		a.log.Printf("%v", err)
	}
}
