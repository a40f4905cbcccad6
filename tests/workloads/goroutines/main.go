// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines that allocate: 7 of a closure, with 101, 114, … 179 blocks, 5 of a
// method with 211, … 251, and the first one with 307. Each prints its number, how many blocks it took, and which function
// has made it in which line, "- -" for none: as the runtime itself shows it in a traceback. With an argument it begins
// when there is input.
package main

import (
	"fmt"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

var (
	last [16][]byte
	wait sync.WaitGroup
	mu   sync.Mutex
)

// What a traceback begins with, and what it ends with:
//
//	goroutine 18 [running]:
//	…
//	created by main.spawn
//		/src/main.go:48 +0x6a
func number() (id, creator, line string) {
	var text [4096]byte

	trace := string(text[:runtime.Stack(text[:], false)])
	creator, line = "-", "-"
	if at := strings.Index(trace, "created by "); at >= 0 {
		made := strings.Fields(trace[at:])
		creator, line = made[2], path.Base(strings.Fields(trace[strings.Index(trace[at:], "\n")+at:])[0])
	}
	return strings.Fields(trace)[1], creator, line
}

//go:noinline
func work(i, n int) {
	for k := 0; k < n; k++ {
		last[i] = make([]byte, 10007)
	}
}

func say(n int) {
	id, creator, line := number()
	mu.Lock()
	fmt.Println(id, n, creator, line)
	mu.Unlock()
}

func spawn(i, n int) {
	go func() {
		say(n)
		work(i, n)
		wait.Done()
	}()
}

type pool struct{ n int }

func (p *pool) serve(i int) {
	say(p.n + 10*i)
	work(8+i, p.n+10*i)
	wait.Done()
}

//go:noinline
func (p *pool) start(i int) {
	go p.serve(i)
}

func main() {
	p := &pool{211}

	debug.SetGCPercent(-1)
	if len(os.Args) > 1 {
		os.Stdin.Read(make([]byte, 1))
	}
	wait.Add(12)
	for i := 0; i < 7; i++ {
		spawn(i, 101+13*i)
	}
	for i := 0; i < 5; i++ {
		p.start(i)
	}
	wait.Wait()
	work(15, 307)
	say(307)
}
