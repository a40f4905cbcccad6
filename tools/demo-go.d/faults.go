// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !fixed

package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// Below grows a slice: each time that it is full, all of it is copied to one of about twice the size.
func (s *Stock) Below(price int) []Item {
	var found []Item
	for i := range s.items {
		if s.items[i].Price < price {
			found = append(found, s.items[i])
		}
	}
	return found
}

// Label boxes its numbers: what fmt takes are interfaces, and the values that these point to are allocated.
func (s *Stock) Label(i int) string {
	item := &s.items[i%len(s.items)]
	return fmt.Sprintf("#%d costs %d", item.ID, item.Price)
}

// Names concatenates strings one by one, and copies with each all that came before.
func (s *Stock) Names(n int) string {
	all := ""
	for i := range s.items[:n] {
		all += s.items[i].Name + ";"
	}
	return all
}

func (i *Item) write(b *bytes.Buffer) {
	b.WriteString(i.Name)
	b.WriteByte('=')
	b.WriteString(strconv.FormatInt(int64(i.Price), 10))
	b.WriteByte('\n')
}

// Page writes to a new buffer each time, and drops it.
func (s *Stock) Page() int {
	var b bytes.Buffer
	for i := range s.items {
		s.items[i].write(&b)
	}
	return b.Len()
}
