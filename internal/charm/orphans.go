package charm

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of whatever a program leaves behind,
// also in a session of its own: what took too long can then be killed whole.
var adoptOrphans = sync.OnceValue(func() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
})

// children are the processes whose parent this one is.
func children() map[int]bool {
	found := make(map[int]bool)
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + entry.Name() + "/stat")
		// The name, which is in parentheses, may hold anything: state and parent follow the last one.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(os.Getpid()) {
			found[pid] = true
		}
	}
	return found
}

// killOrphans kills the children that are not among those known, and what these
// leave behind in turn, until none is left or limit is over.
func killOrphans(known map[int]bool, limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		left := false
		for pid := range children() {
			if known[pid] {
				continue
			}
			left = true
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
		if !left {
			return
		}
	}
}
