// SPDX-License-Identifier: GPL-2.0-or-later
//
// Allocates, in size classes, what it says: blocks of 1024, 24 and 48 bytes as often as asked for, from one function
// each; or none but blocks of 112. Then it waits. Its runtime's sampler has the rate of $RATE from the start (nothing:
// Go's own).
//
// usage: gosamples BLOCKS SMALLS [112]
//
// On stdout: "ready" and "done", each waiting for a line of stdin; before that FUNCTION BYTES CALLS.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
)

type item struct {
	next  *item
	value [5]uint64
}

var (
	_     = setRate()
	bytes []byte
	words *[3]uint64
	items *item
	input = bufio.NewReader(os.Stdin)
)

func setRate() bool {
	if rate, err := strconv.Atoi(os.Getenv("RATE")); err == nil {
		runtime.MemProfileRate = rate
	}
	return true
}

//go:noinline
func block(n int) { bytes = make([]byte, n) }

//go:noinline
func small() { words = new([3]uint64) }

//go:noinline
func linked() { items = &item{next: items} }

func wait(what string) {
	fmt.Println(what)
	input.ReadString('\n')
}

func main() {
	blocks, _ := strconv.Atoi(os.Args[1])
	smalls, _ := strconv.Atoi(os.Args[2])
	size := 1024
	if len(os.Args) > 3 {
		size = 112
	}
	// What asks for heap profiles: the linker leaves the sampler out of programs that do not.
	if len(os.Args) > 4 {
		pprof.WriteHeapProfile(os.Stdout)
	}
	// The first sample is as far away as Go's own rate has it, on each P.
	runtime.GOMAXPROCS(1)
	for i := 0; i < 16<<10; i++ {
		block(1000)
	}
	wait("ready")
	for i := 0; i < blocks; i++ {
		block(size - 12)
		if i < smalls {
			small()
			linked()
		}
		if i%1000 == 0 {
			items = nil
		}
	}
	fmt.Println("main.block", blocks*size, blocks)
	fmt.Println("main.small", smalls*24, smalls)
	fmt.Println("main.linked", smalls*48, smalls)
	wait("done")
}
