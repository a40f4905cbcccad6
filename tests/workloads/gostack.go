// SPDX-License-Identifier: GPL-2.0-or-later

// Its own stacks, as Go's runtime says them: a line for each frame, `pc function file:line`, and an empty one after each
// stack. With inlined calls, methods by interface (wrappers), closures, generic functions and defers among them.
package main

import (
	"fmt"
	"runtime"
	"sort"
	"strings"
)

type shower interface{ show(n int) int }
type value struct{ v int }
type inner struct{ value }

var sink int

//go:noinline
func stack() {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		fmt.Printf("%x %s %s:%d\n", f.PC, f.Function, f.File, f.Line)
		if !more {
			break
		}
	}
	fmt.Println()
}

func leaf(n int) int   { stack(); return n + 1 }
func middle(n int) int { return leaf(n*3) + 1 }
func outer(n int) int  { return middle(n+2) + 2 }

func (v value) show(n int) int { return outer(v.v + n) }

//go:noinline
func deep(n int) int {
	if n > 0 {
		return deep(n-1) + 1
	}
	return outer(n)
}

//go:noinline
func generic[T any](x T, f func(T) int) int { return f(x) }

//go:noinline
func deferred() {
	defer func() { sink += outer(1) }()
	sink++
}

func recovered() {
	defer func() {
		recover()
		outer(2)
	}()
	var p *value
	sink += p.v
}

//go:noinline
func call(s shower) int { return s.show(3) }

func main() {
	sink += outer(1)
	sink += call(value{1})
	sink += call(&inner{value{2}})
	sink += deep(9)
	sink += generic("x", func(s string) int { return outer(len(s)) })
	sink += generic(7, func(i int) int { return middle(i) })
	sort.Slice([]int{2, 1}, func(i, j int) bool { return outer(i) < j })
	strings.Map(func(r rune) rune { leaf(int(r)); return r }, "ab")
	deferred()
	recovered()
	done := make(chan bool)
	go func() { outer(4); done <- true }()
	<-done
}
