// SPDX-License-Identifier: GPL-2.0-or-later

// Allocates on stacks of many shapes, and prints what Go's runtime has recorded of each allocation at rate 1:
// "calls frame;frame;...", the outermost first, each "function file:line". Its own record leaves out blocks of up to 16
// bytes without pointers, and cuts stacks at 32 frames: there are none of either here.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"runtime"
	"sort"
	"strings"
	"sync"
)

// Before any other package allocates.
var _ = func() int { runtime.MemProfileRate = 1; return 0 }()

type node struct {
	next *node
	pad  [5]int64
}

var sink *node
var sinks [64]*node

func leaf(i int) { sinks[i%64] = &node{next: sink} } // inlined

//go:noinline
func outer(i int) { leaf(i) }

func middle(i int) { leaf(i); leaf(i + 1) } // inlined, with what it calls

//go:noinline
func lines(i int) {
	middle(i)
	middle(i)
	outer(i)
}

//go:noinline
func deep(n int) {
	if n == 0 {
		leaf(n)
		return
	}
	deep(n - 1)
}

// Frames of several KiB: goroutines have to move their stacks.
//
//go:noinline
func large(n int) int {
	var room [600]int64
	room[n] = int64(n)
	if n > 0 {
		return large(n-1) + int(room[n])
	}
	leaf(n)
	return int(room[0])
}

type shape interface{ make(i int) }
type square struct {
	n int
	p *node
}
type rounded struct{ square }

//go:noinline
func (s square) make(i int) { leaf(i + s.n) }

//go:noinline
func (r *rounded) other(i int) { leaf(i) }

type stack[T any] struct{ top *item[T] }
type item[T any] struct {
	value T
	next  *item[T]
}

//go:noinline
func (s *stack[T]) push(v T) { s.top = &item[T]{value: v, next: s.top} }

//go:noinline
func deferred(i int) {
	defer func() { leaf(i) }()
	leaf(i)
}

//go:noinline
func panics(i int) {
	defer func() {
		recover()
		leaf(i)
	}()
	var p *node
	leaf(i)
	p.next = nil
}

//go:noinline
func closures(i int) {
	f := func(j int) func() { return func() { leaf(i + j) } }
	f(i)()
}

//go:noinline
func variadic(all ...*node) { sinks[0] = all[0] }

//go:noinline
func sorted(n int) {
	s := make([]*node, n)
	for i := range s {
		s[i] = &node{}
	}
	sort.Slice(s, func(i, j int) bool { leaf(i); return i < j })
}

//go:noinline
func maps(n int) {
	m := map[string]*node{}
	for i := 0; i < n; i++ {
		m[strings.Repeat("x", 20+i)] = &node{}
	}
}

//go:noinline
func channels(n int) {
	c := make(chan *node, 3)
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c <- &node{next: sink}
			large(20)
		}(i)
		<-c
	}
	wg.Wait()
}

func work() {
	for i := 0; i < 101; i++ {
		lines(i)
		deep(i % 11)
		deferred(i)
		panics(i)
		closures(i)
		variadic(&node{}, nil)
	}
	var shapes = []shape{square{3, nil}, &square{4, nil}, rounded{square{5, nil}}, &rounded{square{6, nil}}}
	for i := 0; i < 103; i++ {
		shapes[i%4].make(i)
		(&rounded{}).other(i)
	}
	var a stack[int]
	var b stack[string]
	for i := 0; i < 107; i++ {
		a.push(i)
		b.push("x")
	}
	sorted(13)
	maps(17)
	channels(19)
	once := sync.Once{}
	once.Do(func() { leaf(1) })
}

func show(r *runtime.MemProfileRecord) string {
	var names []string
	frames := runtime.CallersFrames(r.Stack())
	for {
		f, more := frames.Next()
		names = append([]string{fmt.Sprintf("%s %s:%d", f.Function, path.Base(f.File), f.Line)}, names...)
		if !more {
			return strings.Join(names, ";")
		}
	}
}

func main() {
	done := make(chan bool)
	go func() { work(); done <- true }()
	<-done
	work()
	runtime.MemProfileRate = 0
	// Records are published by the second collection after them.
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	n, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, n+50)
	n, _ = runtime.MemProfile(records, true)
	out := bufio.NewWriter(os.Stdout)
	for i := range records[:n] {
		fmt.Fprintln(out, records[i].AllocObjects, show(&records[i]))
	}
	out.Flush()
}
