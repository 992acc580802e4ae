// Package bootclock reads the clock that no change of the wall clock moves and that goes on while the machine sleeps,
// unlike Go's own monotonic clock.
package bootclock

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const id = unix.CLOCK_BOOTTIME

// Now returns the time since the machine's boot.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		panic(fmt.Sprintf("cannot read the boot-time clock: %v", err)) // no Linux lacks it
	}
	return time.Duration(t.Nano())
}
