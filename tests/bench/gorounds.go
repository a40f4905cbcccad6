// SPDX-License-Identifier: GPL-2.0-or-later

// Allocates 11 frames deep as services do: growing slices, strings, values in interfaces. Says ready, waits for a line,
// and prints the ns that an allocation took. Arguments: rounds, and the runtime's MemProfileRate.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

type account struct {
	id      int
	owner   string
	balance int64
}

var (
	rich   []account
	text   string
	boxed  interface{}
	record [64]*account
)

//go:noinline
func allocate(round int) {
	rich = nil
	for i := 0; i < 8; i++ {
		rich = append(rich, account{id: i}) // 4 times: for 1, 2, 4, 8
	}
	for i := 0; i < 20; i++ {
		record[i] = &account{id: i}
	}
	text = ""
	for i := 0; i < 20; i++ {
		text += "some more of it; "
	}
	for i := 0; i < 20; i++ {
		boxed = int64(1000 + round + i)
	}
}

//go:noinline
func handle(depth, round int) {
	if depth == 0 {
		allocate(round)
		return
	}
	handle(depth-1, round)
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	if len(os.Args) > 2 {
		runtime.MemProfileRate, _ = strconv.Atoi(os.Args[2])
	}
	runtime.MemProfile(nil, false) // so that the linker leaves the profiler in
	handle(6, 0)
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for i := 0; i < rounds; i++ {
		handle(6, i)
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	fmt.Printf("ns %.1f\n", float64(took.Nanoseconds())/float64(after.Mallocs-before.Mallocs))
}
