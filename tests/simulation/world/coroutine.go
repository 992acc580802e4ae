package world

import "iter"

// coroutine runs one thing after the other, each up to where it yields, in the
// goroutine of whoever resumes it. It is kept between runs for its stack.
type coroutine struct {
	resume func() (at string, ok bool)
	stop   func() // unwinds what runs: its yield returns false
	body   func(yield func(string) bool)
}

// over is what a coroutine yields when what it runs has ended.
const over = ""

// coroutine returns one that runs the body.
func (w *World) coroutine(body func(yield func(string) bool)) *coroutine {
	if last := len(w.idle) - 1; last >= 0 {
		c := w.idle[last]
		w.idle = w.idle[:last]
		c.body = body
		return c
	}
	c := &coroutine{body: body}
	c.resume, c.stop = iter.Pull(func(yield func(string) bool) {
		for c.body(yield); yield(over); c.body(yield) {
		}
	})
	return c
}
