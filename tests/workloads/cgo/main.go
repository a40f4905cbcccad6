// SPDX-License-Identifier: GPL-2.0-or-later
//
// Calls malloc through cgo, from several depths and goroutines, and says what Go's own runtime knows of the stacks:
//
//	CALLS outermost;...;innermost
package main

/*
#include <stdlib.h>
void *c_deep(int depth, size_t n);
void c_back(int depth);
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
)

var (
	lock   sync.Mutex
	stacks = map[string]int{}
)

// As its caller's stack.
func record() {
	pcs := make([]uintptr, 256)
	pcs = pcs[:runtime.Callers(2, pcs)]
	frames := runtime.CallersFrames(pcs)
	stack := ""
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		stack = f.Function + ";" + stack
	}
	lock.Lock()
	stacks[stack]++
	lock.Unlock()
}

type tree struct {
	left, right *tree
	p           C.int
}

//go:noinline
func level(depth int) {
	if depth > 0 {
		level(depth - 1)
		return
	}
	record()
	C.free(C.c_deep(3, 1000))
}

// Small enough to be inlined.
func (t *tree) inlined() { level(int(t.p)) }

func times(n int, f func()) {
	for i := 0; i < n; i++ {
		f()
	}
}

func recovers() {
	defer func() {
		recover()
		level(1)
	}()
	var t *tree
	t.inlined()
}

//export goBack
func goBack(depth C.int) {
	level(int(depth))
}

func main() {
	times(50, func() { level(2) })
	times(50, (&tree{p: 5}).inlined)
	times(20, recovers)
	var wait sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg := &wait
		wg.Add(1)
		go func() {
			defer wg.Done()
			times(50, func() { level(40) })
		}()
	}
	wait.Wait()
	times(30, func() { C.c_back(3) })
	for stack, n := range stacks {
		fmt.Println(n, stack)
	}
}
