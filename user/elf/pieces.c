/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/pieces.h"

#include <stdlib.h>

#include "base/mem.h"

/* The ranges that are open at the present address: a binary heap, the one that wins on top. */
struct heap {
	const struct ranges *r;
	vec_of(uint32_t) items;
};

static bool wins(const struct heap *h, uint32_t a, uint32_t b)
{
	return h->r->wins(h->r->of, a, b);
}

static void heap_push(struct heap *h, uint32_t item)
{
	size_t i = h->items.n;

	vec_push(&h->items, item);
	while (i > 0 && wins(h, item, h->items.at[(i - 1) / 2])) {
		h->items.at[i] = h->items.at[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->items.at[i] = item;
}

static void heap_pop(struct heap *h)
{
	uint32_t item = h->items.at[--h->items.n];
	size_t i = 0, n = h->items.n;

	while (2 * i + 1 < n) {
		size_t child = 2 * i + 1;

		if (child + 1 < n && wins(h, h->items.at[child + 1], h->items.at[child]))
			child++;
		if (!wins(h, h->items.at[child], item))
			break;
		h->items.at[i] = h->items.at[child];
		i = child;
	}
	if (n > 0)
		h->items.at[i] = item;
}

static bool overlap(const struct ranges *r)
{
	for (size_t i = 1; i < r->n; i++)
		if (r->end(r->of, i - 1) > r->start(r->of, i))
			return true;
	return false;
}

void pieces_cut(struct pieces *p, const struct ranges *r)
{
	struct heap open = {.r = r};
	uint64_t at = 0;
	size_t i = 0;

	pieces_free(p);
	if (!overlap(r))
		return;
	p->start = xrealloc_array(NULL, r->n * 2, sizeof(*p->start));
	p->range = xrealloc_array(NULL, r->n * 2, sizeof(*p->range));
	/* Each turn opens or closes a range, so there are at most 2n turns, and at most one piece for each. */
	while (i < r->n || open.items.n > 0) {
		uint32_t top;

		if (!open.items.n)
			at = r->start(r->of, i);
		while (i < r->n && r->start(r->of, i) == at)
			heap_push(&open, (uint32_t)i++);
		while (open.items.n > 0 && r->end(r->of, open.items.at[0]) <= at)
			heap_pop(&open);
		if (!open.items.n)
			continue;
		top = open.items.at[0];
		if (!p->n || p->range[p->n - 1] != top) {
			p->start[p->n] = at;
			p->range[p->n++] = top;
		}
		at = r->end(r->of, top);
		if (i < r->n && r->start(r->of, i) < at)
			at = r->start(r->of, i);
	}
	vec_free(&open.items);
	p->start = xrealloc_array(p->start, p->n, sizeof(*p->start));
	p->range = xrealloc_array(p->range, p->n, sizeof(*p->range));
}

size_t pieces_find(const struct pieces *p, const struct ranges *r, uint64_t addr)
{
	size_t low = 0, high = p->n ? p->n : r->n;

	while (low < high) {	/* ends at the first piece that starts above addr */
		size_t mid = low + (high - low) / 2;

		if ((p->n ? p->start[mid] : r->start(r->of, mid)) <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return PIECES_NONE;
	return p->n ? p->range[low - 1] : low - 1;
}

void pieces_free(struct pieces *p)
{
	free(p->start);
	free(p->range);
	*p = (struct pieces){0};
}
