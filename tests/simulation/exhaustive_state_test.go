package simulation

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"

	"rolling-ops/internal/rollingops"
	"rolling-ops/jujusim"
)

// The exhaustive search goes through every interleaving of a small cluster. It
// runs the real library on the model, without the charm around it, and holds a
// hook in mid-run as data: what it has been answered so far. To go on, the hook
// is run from its start again with those answers, up to its next stop.

// node is one state of the cluster.
type node struct {
	scope *scope
	model *jujusim.Model
	procs []process // by unit number
	left  budget
	lost  bool // a worker was lost, or a departure is kept from the others

	requests  uint8  // made so far: only the order of those that wait counts
	violation string // the broken invariant, if any
}

// budget is how often each thing may still happen.
type budget struct {
	Elect, Reboot, Fail, Hold, Remove, Add, WorkerKill, Retry uint8

	Start, Pause, Resume, Abort uint8 // of rollouts
	Break                       uint8 // attempts that fail
}

// process is what goes on on one unit beside what the model knows.
type process struct {
	unit     string
	requests uint8 // that may still be made on it
	worker   workerPhase
	watching bool // its worker calls unless a hook calls it off
	held     bool // an event on its way to the unit is delayed
	dying    bool
	hasLed   bool // is-leader has said true to it at some time

	failed bool // its last call went wrong; only for printing

	// The hook in mid-run.
	at       stop
	place    string // the hook tool it is about to call
	late     bool   // more than 20 s ago that it asked is-leader
	ran      bool   // it has run a callback
	fails    bool   // that went wrong
	order    uint8  // of the request that it makes, among all
	wrote    bool   // something that waits for the commit
	wroteApp bool   // the application databag, too
	// What it has been answered so far.
	knows    bool // whether it leads
	leads    bool
	app, own map[string]string
	// Only for broken libraries: what earlier hooks were answered.
	oldLeads bool
	oldApp   map[string]string
}

// stop is where a hook lets others go on.
type stop uint8

const (
	idle       stop = iota // no hook runs
	asked                  // is-leader was asked, the application databag not yet read
	read                   // the databags were read, the others' not yet
	inCallback             // in the operation
	atExit                 // done, but for the commit
)

func (n *node) clone() *node {
	c := *n
	c.model = n.model.Clone()
	c.procs = slices.Clone(n.procs)
	return &c
}

func (n *node) proc(unit string) *process {
	for i := range n.procs {
		if n.procs[i].unit == unit {
			return &n.procs[i]
		}
	}
	return nil
}

// dropGone forgets the units that the model does not have any more.
func (n *node) dropGone() {
	names := n.model.Units()
	if len(names) < len(n.procs) {
		n.procs = slices.DeleteFunc(n.procs, func(p process) bool { return !slices.Contains(names, p.unit) })
	}
}

// hash128 tells states apart. Two states with one hash are taken for one: with
// ten million states the odds of that are 10^-25.
type hash128 [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// hash appends to buf only to use its room.
func (n *node) hash(buf []byte) (hash128, []byte) {
	b := n.model.AppendFingerprint(buf[:0])
	for i := range n.procs {
		b = n.procs[i].append(b)
	}
	rankRequests(b)
	l := n.left
	b = append(b, l.Elect, l.Reboot, l.Fail, l.Hold, l.Remove, l.Add, l.WorkerKill, l.Retry, l.Start, l.Pause, l.Resume, l.Abort, l.Break,
		bit(n.lost))
	return hash128{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)}, b
}

// requestStamp is the part of a requested_at before the digit that tells
// requests apart: a grant's stamp goes on with another zero.
const requestStamp = "T12:00:00.00"

// rankRequests replaces when requests were made by their order: all that ever
// counts of it. A digit is enough for all requests that a scope has.
func rankRequests(b []byte) {
	var found []int
	var rank [10]byte
	for i := 0; ; {
		next := bytes.Index(b[i:], []byte(requestStamp))
		if next < 0 {
			break
		}
		i += next + len(requestStamp)
		if i+5 <= len(b) && b[i] > '0' && string(b[i+1:i+5]) == "000+" {
			found = append(found, i)
			rank[b[i]-'0'] = 1
		}
	}
	for d := 1; d < len(rank); d++ {
		rank[d] += rank[d-1]
	}
	for _, i := range found {
		b[i] = '0' + rank[b[i]-'0']
	}
}

func (p *process) append(b []byte) []byte {
	b = append(b, p.requests, byte(p.worker), byte(p.at), bit(p.hasLed)|bit(p.knows)<<1|bit(p.watching)<<2|bit(p.fails)<<3,
		bit(p.held)|bit(p.dying)<<1|bit(p.late)<<2|bit(p.ran)<<3|bit(p.wrote)<<4|bit(p.leads)<<5|bit(p.oldLeads)<<6|bit(p.wroteApp)<<7)
	if p.order > 0 {
		b = append(append(append(b, requestStamp...), '0'+p.order), "000+"...)
	}
	for _, bag := range []map[string]string{p.app, p.own, p.oldApp} {
		b = appendBag(b, bag)
	}
	return b
}

var knownKeys = slices.Concat(rollingops.AppKeys, rollingops.UnitKeys)

// appendBag writes the keys that the protocol knows.
func appendBag(b []byte, bag map[string]string) []byte {
	b = append(b, bit(bag != nil))
	if bag == nil {
		return b
	}
	for _, key := range knownKeys {
		value := bag[key]
		b = binary.AppendUvarint(b, uint64(len(value)))
		b = append(b, value...)
	}
	return b
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}
