package simulation

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"rolling-ops/internal/rollout"
)

// scope is what one search goes through.
type scope struct {
	name     string
	units    int
	requests uint8 // on each unit
	budget   budget
	rollout  rollout.Request // what start-rollout asks for, but for its arguments

	lostDepartures bool
	quietWriter    bool
	earlyDeparture bool
	broken         defect
	unreduced      bool // leave out nothing that makes no difference
	twoAtOnce      bool // look for two operations at once, whatever else breaks
}

// defect is a way to break the library, to see that the search finds it.
type defect string

const (
	staleApp         defect = "stale application databag"
	cachedLeadership defect = "cached leadership"
	listedOnly       defect = "relation-list for goal-state"
	noLease          defect = "no lease"
	noWaker          defect = "no worker"
)

// search is a breadth-first search. States are numbered as they are found.
type search struct {
	*scope
	seen    map[hash128]uint32
	origins []origin
	depth   int
	// next are, for each state that was gone on from, the states that progress
	// leads to: next[starts[i]:starts[i+1]].
	next        []uint32
	starts      []uint32
	transitions int
	quiet       []uint32 // states in which nothing goes on by itself
}

// origin is how a state was reached first.
type origin struct {
	from uint32
	move move
}

// finding is a broken invariant and a shortest schedule to it.
type finding struct {
	violation string
	schedule  []string
}

func (f *finding) String() string {
	return f.violation + "\n" + strings.Join(f.schedule, "\n")
}

// successor is a state that a move leads to.
type successor struct {
	move move
	hash hash128
	node *node

	progress bool
}

// expanded is all that can happen in a state.
type expanded struct {
	next      []successor
	violation string
	quiet     bool
}

// chunk is how many states are gone on from between two looks at the table.
const chunk = 2048

// run goes through all states. It returns the first broken invariant.
func (s *search) run() *finding {
	start := s.start()
	hash, _ := start.hash(nil)
	s.seen = map[hash128]uint32{hash: 0}
	s.origins = []origin{{}}
	layer := []*node{start}
	first := uint32(0) // the number of layer[0]
	for len(layer) > 0 {
		var following []*node
		for len(layer) > 0 {
			n := min(chunk, len(layer))
			for i, e := range expandAll(layer[:n]) {
				if found := s.add(first+uint32(i), e, &following); found != nil {
					return found
				}
			}
			clear(layer[:n])
			layer, first = layer[n:], first+uint32(n)
		}
		layer = following
		if len(layer) > 0 {
			s.depth++
		}
	}
	s.starts = append(s.starts, uint32(len(s.next)))
	return s.cycle()
}

// expandAll goes on from states, on two cores.
func expandAll(nodes []*node) []expanded {
	out := make([]expanded, len(nodes))
	var wg sync.WaitGroup
	for core := range 2 {
		wg.Go(func() {
			var buf []byte
			var moves []move
			for i := core; i < len(nodes); i += 2 {
				moves = nodes[i].moves(moves[:0])
				out[i], buf = nodes[i].expand(moves, buf)
			}
		})
	}
	wg.Wait()
	return out
}

func (n *node) expand(moves []move, buf []byte) (e expanded, _ []byte) {
	due := unprompted(moves)
	if e.quiet = len(due) == 0; e.quiet {
		if c := n.clone(); c.looks() {
			e.quiet = false
			due = slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.kind != lookAtHolder })
		}
	}
	if e.quiet {
		n.checkQuiet()
		e.violation = n.violation
	}
	e.next = make([]successor, len(moves))
	for i, m := range moves {
		c := n
		if i < len(moves)-1 {
			c = n.clone()
		}
		c.do(m)
		e.next[i].move, e.next[i].node, e.next[i].progress = m, c, slices.Contains(due, m)
		e.next[i].hash, buf = c.hash(buf)
	}
	return e, buf
}

// add notes what was found out about a state.
func (s *search) add(from uint32, e expanded, following *[]*node) *finding {
	if e.violation != "" {
		return s.finding(e.violation, from)
	}
	if e.quiet {
		s.quiet = append(s.quiet, from)
	}
	s.starts = append(s.starts, uint32(len(s.next)))
	for _, next := range e.next {
		s.transitions++
		number, known := s.seen[next.hash]
		if !known {
			number = uint32(len(s.origins))
			s.seen[next.hash] = number
			s.origins = append(s.origins, origin{from, next.move})
			*following = append(*following, next.node)
		}
		if next.node.violation != "" {
			return s.finding(next.node.violation, number)
		}
		if next.progress {
			s.next = append(s.next, number)
		}
	}
	return nil
}

// cycle looks for a way to go on for ever without anything that should not
// happen: it takes away all states from which progress leads nowhere, then all
// from which it leads only to those, and so on. What is left can go on.
func (s *search) cycle() *finding {
	states := len(s.starts) - 1
	before := make([]uint32, states+1) // predecessors of i: pred[before[i]:before[i+1]]
	for _, to := range s.next {
		before[to]++
	}
	sum := uint32(0)
	for i, n := range before {
		before[i], sum = sum, sum+n
	}
	pred := make([]uint32, len(s.next))
	fill := slices.Clone(before)
	out := make([]uint32, states)
	var done []uint32
	for i := range states {
		for _, to := range s.next[s.starts[i]:s.starts[i+1]] {
			pred[fill[to]] = uint32(i)
			fill[to]++
		}
		if out[i] = s.starts[i+1] - s.starts[i]; out[i] == 0 {
			done = append(done, uint32(i))
		}
	}
	gone := 0
	for ; gone < len(done); gone++ {
		i := done[gone]
		for _, p := range pred[before[i]:before[i+1]] {
			if out[p]--; out[p] == 0 {
				done = append(done, p)
			}
		}
	}
	if gone == states || s.twoAtOnce {
		return nil
	}
	i := slices.IndexFunc(out, func(n uint32) bool { return n > 0 })
	return s.finding("can go on for ever", uint32(i))
}

func (s *search) finding(violation string, state uint32) *finding {
	steps, _ := s.retrace(state)
	return &finding{violation, steps}
}

// retrace goes the way to a state again. It returns the way in the step
// language, and the state.
func (s *search) retrace(to uint32) (steps []string, n *node) {
	var way []move
	for ; to != 0; to = s.origins[to].from {
		way = append(way, s.origins[to].move)
	}
	slices.Reverse(way)
	n = s.start()
	for range s.units {
		steps = append(steps, "add-unit")
	}
	steps = append(steps, "settle")
	for _, m := range way {
		before := n.clone()
		n.do(m)
		steps = append(steps, strings.Split(describe(before, n, m), "\n")...)
	}
	return steps, n
}

func (s *search) String() string {
	return fmt.Sprintf("%-58s %8d states %9d transitions, depth %3d, %6d at rest,", s.name, len(s.origins), s.transitions, s.depth, len(s.quiet))
}
