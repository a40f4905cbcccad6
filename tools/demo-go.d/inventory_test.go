// SPDX-License-Identifier: GPL-2.0-or-later

package main

import "testing"

// Made before any benchmark begins: not a part of one.
var stock = NewStock(200)

func bench(b *testing.B, f func(i int)) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		f(i)
	}
}

func BenchmarkBelow(b *testing.B) { bench(b, func(int) { found = stock.Below(1 << 30) }) }
func BenchmarkLabel(b *testing.B) { bench(b, func(i int) { text = stock.Label(i) }) }
func BenchmarkNames(b *testing.B) { bench(b, func(int) { text = stock.Names(50) }) }
func BenchmarkPage(b *testing.B)  { bench(b, func(int) { size = stock.Page() }) }
func BenchmarkRound(b *testing.B) { bench(b, stock.Round) }
