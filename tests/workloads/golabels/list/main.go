// SPDX-License-Identifier: GPL-2.0-or-later

// Labels as Go 1.24 and later keep them, a list of pairs, made by hand for an older one: functions of the names that
// runtime/pprof has, without it.
package main

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

type label struct{ key, value string }

type labelMap struct{ list []label }

var last []byte

//go:linkname setProfLabel runtime/pprof.runtime_setProfLabel
func setProfLabel(labels unsafe.Pointer)

//go:linkname text runtime/pprof.(*labelMap).String
//go:noinline
func text(l *labelMap) string {
	var all []string

	for i, label := range l.list {
		if i < 8 {
			all = append(all, label.key+"="+label.value)
		}
	}
	if len(l.list) > 8 {
		all = append(all, fmt.Sprintf("labels=%d, 8 of them kept", len(l.list)))
	}
	return strings.Join(all, ", ")
}

//go:noinline
func work(n int) {
	for i := 0; i < n; i++ {
		last = make([]byte, 10007)
	}
}

func do(n int, list ...label) {
	l := &labelMap{list}
	setProfLabel(unsafe.Pointer(l))
	work(n)
	setProfLabel(nil)
	fmt.Println(n, text(l))
}

func main() {
	var many []label

	work(41)
	fmt.Println(41, "(no labels)")
	do(101, label{"endpoint", "/api"}, label{"tenant", "7"})
	runtime.GC()
	do(103, label{"endpoint", "/other"})
	for i := 0; i < 8; i++ {
		many = append(many, label{fmt.Sprint("k", i), fmt.Sprint("v", i)})
	}
	do(107, many...)
	do(109, append(many, label{"k8", "v8"})...)
}
