// SPDX-License-Identifier: GPL-2.0-or-later

// An inventory whose four methods allocate as services often do by mistake (faults.go) or as they should (fixed.go,
// with the build tag "fixed"). What both have in common is here.
package main

import (
	"os"
	"strconv"
)

type Item struct {
	ID, Price int
	Name      string
	Tags      []string
}

type Stock struct {
	items []Item
	page  []byte
}

func NewStock(n int) *Stock {
	s := &Stock{items: make([]Item, n)}
	for i := range s.items {
		s.items[i] = Item{ID: 1000 + i, Price: 1000 + 7*i, Name: "item-" + strconv.Itoa(i)}
	}
	return s
}

var (
	found []Item
	text  string
	size  int
)

// Round does one of each.
func (s *Stock) Round(i int) {
	found = s.Below(1 << 30)
	text = s.Label(i)
	text = s.Names(50)
	size = s.Page()
}

// inventory ROUNDS
func main() {
	rounds := 1
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	s := NewStock(200)
	for i := 0; i < rounds; i++ {
		s.Round(i)
	}
	println("rounds", rounds, "page", size)
}
