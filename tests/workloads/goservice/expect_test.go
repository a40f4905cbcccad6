// SPDX-License-Identifier: GPL-2.0-or-later

// What the faulty methods of tools/demo-go.d request from Go's runtime in a round, computed from capacities and
// lengths: lines of "WHERE CALLS BYTES". It lies beside them when it is compiled.
package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"unsafe"
)

type counter struct{ calls, bytes int }

func (c *counter) add(bytes int) {
	c.calls++
	c.bytes += bytes
}

// A slice that grows requests the whole of its size class.
func class(bytes int) int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, c := range m.BySize {
		if int(c.Size) >= bytes {
			return int(c.Size)
		}
	}
	panic("a slice of more than all classes")
}

func below(c map[string]*counter) {
	var found []Item
	for _, item := range stock.items {
		before := cap(found)
		found = append(found, item)
		if cap(found) != before {
			c["below"].add(class(cap(found) * int(unsafe.Sizeof(item))))
		}
	}
}

func names(c map[string]*counter) {
	n := 0
	for _, item := range stock.items[:50] {
		n += len(item.Name) + 1
		c["names"].add(n)
	}
}

func page(c map[string]*counter) {
	var b bytes.Buffer
	for _, item := range stock.items {
		price := strconv.FormatInt(int64(item.Price), 10)
		c["price"].add(len(price))
		for _, part := range []struct{ where, text string }{
			{"name", item.Name}, {"equals", "="}, {"price", price}, {"end", "\n"},
		} {
			before := b.Cap()
			b.WriteString(part.text)
			if b.Cap() != before {
				c[part.where].add(b.Cap())
			}
		}
	}
}

func TestExpected(t *testing.T) {
	c := map[string]*counter{}
	for _, where := range []string{"below", "names", "name", "equals", "price", "end", "boxed"} {
		c[where] = new(counter)
	}
	below(c)
	names(c)
	page(c)
	c["boxed"].add(8)
	c["boxed"].add(8)
	for where, n := range c {
		fmt.Println(where, n.calls, n.bytes)
	}
}
