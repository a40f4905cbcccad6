// SPDX-License-Identifier: GPL-2.0-or-later

//go:build fixed

package main

import (
	"strconv"
	"strings"
)

// Below counts first: one slice of the right size.
func (s *Stock) Below(price int) []Item {
	n := 0
	for i := range s.items {
		if s.items[i].Price < price {
			n++
		}
	}
	found := make([]Item, 0, n)
	for i := range s.items {
		if s.items[i].Price < price {
			found = append(found, s.items[i])
		}
	}
	return found
}

// Label formats numbers without interfaces, in an array on the stack: only the result is allocated.
func (s *Stock) Label(i int) string {
	var room [64]byte
	item := &s.items[i%len(s.items)]
	b := append(room[:0], '#')
	b = strconv.AppendInt(b, int64(item.ID), 10)
	b = append(b, " costs "...)
	b = strconv.AppendInt(b, int64(item.Price), 10)
	return string(b)
}

// Names allocates the result once.
func (s *Stock) Names(n int) string {
	var all strings.Builder
	length := 0
	for i := range s.items[:n] {
		length += len(s.items[i].Name) + 1
	}
	all.Grow(length)
	for i := range s.items[:n] {
		all.WriteString(s.items[i].Name)
		all.WriteByte(';')
	}
	return all.String()
}

// Page keeps its buffer for the next time.
func (s *Stock) Page() int {
	b := s.page[:0]
	for i := range s.items {
		b = append(b, s.items[i].Name...)
		b = append(b, '=')
		b = strconv.AppendInt(b, int64(s.items[i].Price), 10)
		b = append(b, '\n')
	}
	s.page = b
	return len(b)
}
