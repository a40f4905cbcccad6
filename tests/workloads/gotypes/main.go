// SPDX-License-Identifier: GPL-2.0-or-later

// Allocates things of each kind of type, a prime number of each; prints "calls bytes type", as reports show the type.
// Nothing else in it allocates any of these types.
package main

import (
	"fmt"
	"os"
	"reflect"
)

type Account struct {
	ID    int
	Owner *Account
	Pad   [37]byte
}

type Plain struct {
	A, B, C int64
}

type Pair[T any] struct {
	First, Second T
	next          *Pair[T]
}

type Stringer interface{ Name() string }

type Inner struct{ n [7]int64 }

func (i Inner) Name() string {
	sinkBytes = make([]byte, 1013)
	return "inner"
}

// Its method is called through a wrapper that the compiler makes.
type Outer struct {
	Inner
	x int64
}

var (
	sinkAccount *Account
	sinkSlice   []Account
	sinkPlain   []Plain
	sinkAny     interface{}
	sinkBytes   []byte
	sinkString  string
	sinkRunes   []rune
	sinkMap     map[Plain]*Account
	sinkChan    chan Plain
	sinkPtrChan chan *Account
	sinkPair    *Pair[Plain]
	sinkValue   reflect.Value
	sinkFunc    func() int
	sinkArray   *[1021]int16
)

type row struct {
	calls, bytes int
	name         string
}

//go:noinline
func object(n int) {
	for i := 0; i < n; i++ {
		sinkAccount = &Account{ID: i}
	}
}

//go:noinline
func slice(n int) {
	for i := 0; i < n; i++ {
		sinkSlice = make([]Account, 3)
	}
}

//go:noinline
func grown(n int) {
	for i := 0; i < n; i++ {
		sinkPlain = append([]Plain(nil), Plain{1, 2, 3})
	}
}

//go:noinline
func boxed(n int) {
	for i := 0; i < n; i++ {
		sinkAny = uint16(1000 + i)
	}
}

//go:noinline
func boxedStruct(n int) {
	for i := 0; i < n; i++ {
		sinkAny = Plain{int64(i), 2, 3}
	}
}

//go:noinline
func joined(n int, s, t string) {
	for i := 0; i < n; i++ {
		sinkString = s + t
	}
}

//go:noinline
func runes(n int, s string) {
	for i := 0; i < n; i++ {
		sinkRunes = []rune(s)
	}
}

//go:noinline
func channels(n int) {
	for i := 0; i < n; i++ {
		sinkChan = make(chan Plain, 5)
	}
}

//go:noinline
func pointerChannels(n int) {
	for i := 0; i < n; i++ {
		sinkPtrChan = make(chan *Account, 9)
	}
}

//go:noinline
func generic(n int) {
	for i := 0; i < n; i++ {
		sinkPair = &Pair[Plain]{}
	}
}

//go:noinline
func reflected(n int) {
	t := reflect.ArrayOf(211, reflect.TypeOf((*Plain)(nil)).Elem())
	for i := 0; i < n; i++ {
		sinkValue = reflect.New(t)
	}
}

//go:noinline
func array(n int) {
	for i := 0; i < n; i++ {
		sinkArray = new([1021]int16)
	}
}

//go:noinline
func wrapped(n int, s Stringer) {
	for i := 0; i < n; i++ {
		sinkString = s.Name()
	}
}

func main() {
	object(101)
	slice(103)
	grown(107)
	boxed(109)
	boxedStruct(113)
	joined(127, os.Args[0], " and some more")
	runes(131, "fifty characters, which do not fit into a buffer, so")
	channels(137)
	pointerChannels(139)
	generic(149)
	reflected(151)
	array(157)
	wrapped(163, &Outer{})
	// The bytes of a channel are those of its buffer and of 96 for itself.
	for _, r := range []row{
		{101, 101 * 56, "main.Account"},
		{103, 103 * 168, "[]main.Account"},
		{107, 107 * 24, "[]main.Plain"},
		{109, 109 * 2, "uint16 (boxed)"},
		{113, 113 * 24, "main.Plain (boxed)"},
		{137, 137 * (96 + 5*24), "chan main.Plain"},
		// Two calls each: itself, and its buffer.
		{2 * 139, 139 * (96 + 9*8), "chan *main.Account"},
		{149, 149 * 56, "main.Pair[main.Plain]"},
		{151, 151 * 211 * 24, "(reflect)"},
		{157, 157 * 2042, "[1021]int16"},
	} {
		fmt.Println(r.calls, r.bytes, r.name)
	}
}
