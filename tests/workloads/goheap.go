// SPDX-License-Identifier: GPL-2.0-or-later

// Heap profiles as Go programs write them: HEAP by WriteHeapProfile, ALLOCS by Lookup("allocs"), and SERVED as
// /debug/pprof/heap sends it. 307 blocks of 10007 bytes are kept, 1009 of 4099 are not.
package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
)

var (
	kept [][]byte
	last []byte
)

//go:noinline
func keep(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, 10007))
	}
}

//go:noinline
func churn(n int) {
	for i := 0; i < n; i++ {
		last = make([]byte, 4099)
	}
	last = nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func write(path string, what func(io.Writer) error) {
	f, err := os.Create(path)
	check(err)
	check(what(f))
	check(f.Close())
}

func main() {
	if os.Getenv("EXACT") != "" {
		runtime.MemProfileRate = 1
	}
	keep(307)
	churn(1009)
	runtime.GC()
	write(os.Args[1], func(w io.Writer) error { return pprof.WriteHeapProfile(w) })
	write(os.Args[2], func(w io.Writer) error { return pprof.Lookup("allocs").WriteTo(w, 0) })
	server := httptest.NewServer(http.DefaultServeMux)
	reply, err := http.Get(server.URL + "/debug/pprof/heap")
	check(err)
	write(os.Args[3], func(w io.Writer) error { _, err := io.Copy(w, reply.Body); return err })
}
