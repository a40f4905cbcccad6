// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines that allocate: 7 of a function that is inlined into its caller, with 101, 114, … 179 blocks, 5 of a
// method with 211, … 251, and the first one with 307. Each prints its number, how many blocks it took, and by which
// function, called or inlined, it was made; the number is what the runtime itself shows in a traceback.
// With an argument it begins when there is input.
package main

import (
	"fmt"
	"os"
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

func number() string {
	var text [64]byte

	return strings.Fields(string(text[:runtime.Stack(text[:], false)]))[1]
}

//go:noinline
func work(i, n int) {
	for k := 0; k < n; k++ {
		last[i] = make([]byte, 10007)
	}
}

func say(n int, creator string) {
	mu.Lock()
	fmt.Println(number(), n, creator)
	mu.Unlock()
}

func spawn(i, n int) {
	go func() {
		say(n, "main.spawn")
		work(i, n)
		wait.Done()
	}()
}

type pool struct{ n int }

func (p *pool) serve(i int) {
	say(p.n+10*i, "main.(*pool).start")
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
	say(307, "-")
}
