package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rolling-ops/jujusim/agent"
)

// wakeCall is a juju-exec that waits for its command to have run.
type wakeCall struct {
	unit, command string
	at            time.Time
	done          chan int
}

// exec takes a juju-exec and answers when its command has run.
func (r *Rig) exec(args agent.RunCommandsArgs) (agent.ExecResponse, error) {
	call := wakeCall{args.UnitName, args.Commands, time.Now(), make(chan int, 1)}
	select {
	case r.wakes <- call:
	case <-r.execs.closing:
		return agent.ExecResponse{}, errors.New("the measurement is over")
	}
	select {
	case code := <-call.done:
		return agent.ExecResponse{Code: code}, nil
	case <-r.execs.closing:
		return agent.ExecResponse{}, errors.New("the measurement is over")
	}
}

// adopt looks for processes that a hook has left in the background.
func (r *Rig) adopt(unit string, began moment) {
	r.reap()
	if n := r.count(); n > r.children {
		r.active[unit] = began
		r.children = n
	}
}

// count returns how many processes are in the background. Without any, which is
// almost always, that is one system call.
func (r *Rig) count() int {
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err == unix.ECHILD {
		return 0
	}
	return len(background())
}

// reap takes note of background processes that have ended.
func (r *Rig) reap() {
	for {
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, &usage)
		if pid <= 0 || err != nil {
			break
		}
		r.latent += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	r.children = min(r.children, r.count())
}

// look is how often background processes are looked for while nothing else is
// to be done.
const look = 2 * time.Millisecond

// NextWake returns the next juju-exec of a worker in the background, and waits
// for it if it can still come in time. What happens in the background takes as
// long on the driver's clock as on the machine's, of which more goes by: there
// the hooks of all units run one after the other.
func (r *Rig) NextWake(ctx context.Context, until time.Duration) (Wake, bool) {
	for {
		select {
		case call := <-r.wakes:
			r.called = append(r.called, r.wake(call))
			continue
		default:
		}
		if wake, ok := r.takeCall(until); ok {
			return wake, true
		}
		if len(r.active) == 0 || r.earliest() > until || ctx.Err() != nil {
			return Wake{}, false
		}
		time.Sleep(look)
		if r.reap(); r.children == 0 {
			clear(r.active)
		}
	}
}

// takeCall takes the first of the calls that have come in, if it is due.
func (r *Rig) takeCall(until time.Duration) (Wake, bool) {
	if len(r.called) == 0 {
		return Wake{}, false
	}
	slices.SortStableFunc(r.called, func(a, b Wake) int { return cmp.Compare(a.At, b.At) })
	first := r.called[0]
	if first.At > until {
		return Wake{}, false
	}
	r.called = r.called[1:]
	return first, true
}

// earliest is the driver's time before which no worker can call any more.
func (r *Rig) earliest() time.Duration {
	first := forever
	for _, m := range r.active {
		first = min(first, m.driver+time.Since(m.real))
	}
	return first
}

func (r *Rig) wake(call wakeCall) Wake {
	m, ok := r.active[call.unit]
	if !ok {
		m.real = call.at // nobody knows where it comes from: it comes now
	}
	delete(r.active, call.unit)
	return Wake{
		At: m.driver + call.at.Sub(m.real), Unit: call.unit, Command: call.command,
		Done: func(exit int, now time.Duration) {
			r.active[call.unit] = moment{now, time.Now()} // it may call again
			call.done <- exit
		},
	}
}

// backgroundLimit is how long what is in the background may take to end.
const backgroundLimit = 30 * time.Second

// Background waits for the end of what is in the background and returns the CPU
// time that it took since the last time.
func (r *Rig) Background(limit time.Duration) (time.Duration, error) {
	for begin := time.Now(); ; time.Sleep(look) {
		if r.reap(); r.children == 0 && r.count() == 0 {
			took := r.latent
			r.latent = 0
			return took, nil
		}
		if time.Since(begin) > limit {
			return 0, fmt.Errorf("%d processes are still in the background", r.count())
		}
	}
}

// Kill ends what is in the background.
func (r *Rig) Kill() error {
	for _, pid := range background() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a child: its id can't be another's
	}
	clear(r.active)
	r.called = nil
	_, err := r.Background(backgroundLimit)
	return err
}

// background returns the children of this process.
func background() []int {
	self := os.Getpid()
	entries, _ := os.ReadDir("/proc")
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if fields := processStat(pid); len(fields) > 1 && string(fields[1]) == strconv.Itoa(self) && string(fields[0]) != "Z" {
			found = append(found, pid)
		}
	}
	return found
}

// processStat returns the fields of /proc/PID/stat that follow the name: state,
// parent, group ...
func processStat(pid int) [][]byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// peakOfGroup returns the peak resident memory of the largest process in a
// process group. The kernel's own account at a process's end can't be used: it
// begins with the memory of the process that forked it.
func peakOfGroup(pgid int) int64 {
	entries, _ := os.ReadDir("/proc")
	var peak int64
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if group, err := syscall.Getpgid(pid); err == nil && group == pgid {
			peak = max(peak, peakOf(pid))
		}
	}
	return peak
}

func peakOf(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			return kib << 10
		}
	}
	return 0
}
