// SPDX-License-Identifier: GPL-2.0-or-later

// Allocations under labels: blocks of 10007 bytes, and for each set of labels a line "calls labels" as it is to be
// shown. Sets come and go while the collector runs, so that their memory is used again.
package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"sort"
	"strings"
	"sync"
)

var (
	last  [][]byte
	mu    sync.Mutex
	wait  sync.WaitGroup
	calls = map[string]int{}
)

//go:noinline
func work(n int) {
	for i := 0; i < n; i++ {
		block := make([]byte, 10007)
		mu.Lock()
		last[0] = block
		mu.Unlock()
	}
}

func count(shown string, n int) {
	mu.Lock()
	calls[shown] += n
	mu.Unlock()
	work(n)
}

func do(ctx context.Context, shown string, n int, pairs ...string) {
	pprof.Do(ctx, pprof.Labels(pairs...), func(context.Context) { count(shown, n) })
}

func many(n int) (pairs []string, shown string) {
	var all []string

	for i := 0; i < n; i++ {
		key, value := fmt.Sprintf("k%02d", (i*7)%n), fmt.Sprintf("v%d", i)
		pairs = append(pairs, key, value)
		all = append(all, key+"="+value)
	}
	sort.Strings(all)
	return pairs, strings.Join(all, ", ")
}

func main() {
	bg := context.Background()
	last = make([][]byte, 1)
	count("(no labels)", 41)
	do(bg, "endpoint=/api, tenant=7", 101, "tenant", "7", "endpoint", "/api")
	do(bg, "endpoint=/api, tenant=7", 13, "endpoint", "/api", "tenant", "7")
	// A goroutine has those of the one that made it.
	pprof.Do(bg, pprof.Labels("endpoint", "/go"), func(ctx context.Context) {
		wait.Add(1)
		go func() {
			count("endpoint=/go", 53)
			do(ctx, "endpoint=/go, inner=yes", 59, "inner", "yes")
			do(ctx, "endpoint=/other", 61, "endpoint", "/other")
			wait.Done()
		}()
		wait.Wait()
		count("endpoint=/go", 7)
	})
	pairs, shown := many(8)
	do(bg, shown, 67, pairs...)
	pairs, _ = many(9)
	do(bg, "labels=9, 0 of them kept", 71, pairs...)
	do(bg, strings.Repeat("k", 32)+"…="+strings.Repeat("v", 64)+"…", 73, strings.Repeat("k", 33), strings.Repeat("v", 65))
	do(bg, strings.Repeat("k", 32)+"="+strings.Repeat("v", 64), 79, strings.Repeat("k", 32), strings.Repeat("v", 64))
	do(bg, "empty=", 83, "empty", "")
	do(bg, `esc="a\x0a\x1b[31m`, 89, "esc", "\"a\n\x1b[31m")
	for i := 0; i < 300; i++ {
		do(bg, fmt.Sprintf("request=%d", i%10), 1, "request", fmt.Sprint(i%10))
		if i%50 == 0 {
			runtime.GC()
		}
	}
	count("(no labels)", 1)
	for shown, n := range calls {
		fmt.Println(n, shown)
	}
}
