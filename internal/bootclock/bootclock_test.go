package bootclock

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// On a machine that never slept the clocks agree: the id alone tells them apart.
func TestClockCountsSleep(t *testing.T) {
	if id != unix.CLOCK_BOOTTIME {
		t.Errorf("the clock is %d, want CLOCK_BOOTTIME", id)
	}
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		t.Fatal(err)
	}
	if off := Now() - time.Duration(boot.Nano()); off < 0 || off > time.Minute {
		t.Errorf("off by %v", off)
	}
}
