// SPDX-License-Identifier: GPL-2.0-or-later

// A program that keeps memory: 307 blocks of 10007 bytes by a function, 101 of 3001 by one that is inlined into another,
// 53 of 50021 by a method that is called through an interface, 211 by goroutines; 1009 of 4099 are given up. With RATE its
// runtime records one allocation in so many bytes. It writes what these records say to the file of its argument, as
// /debug/pprof/heap?debug=1 serves it, says that it is ready, and ends with its input.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
)

type keeper interface{ keep(n int) }

type shelf struct{ kept [][]byte }

type library struct{ shelf }

var (
	kept  [][]byte
	lists [][]string
	last  []byte
	mu    sync.Mutex
)

func (s *shelf) keep(n int) {
	for i := 0; i < n; i++ {
		s.kept = append(s.kept, make([]byte, 50021))
	}
}

//go:noinline
func hold(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, 10007))
	}
}

func block() []byte { return make([]byte, 3001) }

//go:noinline
func inlines(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, block())
	}
}

//go:noinline
func deep(n int) {
	if n > 0 {
		deep(n - 1)
		return
	}
	mu.Lock()
	lists = append(lists, make([]string, 701))
	mu.Unlock()
}

//go:noinline
func churn(n int) {
	for i := 0; i < n; i++ {
		last = make([]byte, 4099)
	}
	last = nil
}

func main() {
	var wait sync.WaitGroup
	var k keeper = &library{shelf{make([][]byte, 0, 53)}}

	if rate, err := strconv.Atoi(os.Getenv("RATE")); err == nil {
		runtime.MemProfileRate = rate
	}
	// No collection but those below: one that begins in an allocation would add what it needs to that one's record.
	debug.SetGCPercent(-1)
	kept = make([][]byte, 0, 307+101)
	lists = make([][]string, 0, 211)
	hold(307)
	inlines(101)
	k.keep(53)
	for i := 0; i < 211; i++ {
		wait.Add(1)
		go func(depth int) {
			deep(depth)
			wait.Done()
		}(i % 53)
	}
	wait.Wait()
	churn(1009)
	// What is counted comes to the records that count with the second collection.
	runtime.GC()
	runtime.GC()
	file, err := os.Create(os.Args[1])
	if err == nil {
		err = pprof.Lookup("heap").WriteTo(file, 1)
	}
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString("ready\n")
	os.Stdin.Read(make([]byte, 1))
	runtime.KeepAlive(k)
}
