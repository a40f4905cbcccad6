/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted pieces of a sorted array, none of them empty: to insert moves no more than one piece. */
#include "model/ranges.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_RANGES 256

struct ranges_chunk {
	size_t n;
	struct range at[CHUNK_RANGES];
};

struct place {
	size_t chunk, i;	/* chunk: r->chunks.n: behind the last one */
};

/* The first range that ends behind the address. */
static struct place find(const struct ranges *r, uint64_t addr)
{
	size_t lo = 0, hi = r->chunks.n;
	struct place p;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct ranges_chunk *c = r->chunks.at[mid];

		if (c->at[c->n - 1].to > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	p = (struct place){lo, 0};
	if (lo == r->chunks.n)
		return p;
	hi = r->chunks.at[lo]->n;
	while (p.i < hi) {
		const size_t mid = p.i + (hi - p.i) / 2;

		if (r->chunks.at[lo]->at[mid].to > addr)
			hi = mid;
		else
			p.i = mid + 1;
	}
	return p;
}

static struct range *range_at(const struct ranges *r, struct place p)
{
	return p.chunk < r->chunks.n ? &r->chunks.at[p.chunk]->at[p.i] : NULL;
}

static void insert_chunk(struct ranges *r, size_t at)
{
	vec_push(&r->chunks, NULL);
	memmove(r->chunks.at + at + 1, r->chunks.at + at, (r->chunks.n - 1 - at) * sizeof(*r->chunks.at));
	r->chunks.at[at] = xcalloc(1, sizeof(**r->chunks.at));
}

/* The upper half goes to a chunk of its own. */
static struct place split_chunk(struct ranges *r, struct place p)
{
	struct ranges_chunk *low, *high;
	const size_t keeps = CHUNK_RANGES / 2;

	insert_chunk(r, p.chunk + 1);
	low = r->chunks.at[p.chunk];
	high = r->chunks.at[p.chunk + 1];
	high->n = low->n - keeps;
	memcpy(high->at, low->at + keeps, high->n * sizeof(*high->at));
	low->n = keeps;
	return p.i > keeps ? (struct place){p.chunk + 1, p.i - keeps} : p;
}

static void insert(struct ranges *r, struct place p, struct range x)
{
	struct ranges_chunk *c;

	if (!r->chunks.n)
		insert_chunk(r, 0);
	if (p.chunk == r->chunks.n) {
		p.chunk--;
		p.i = r->chunks.at[p.chunk]->n;
	}
	if (r->chunks.at[p.chunk]->n == CHUNK_RANGES)
		p = split_chunk(r, p);
	c = r->chunks.at[p.chunk];
	memmove(c->at + p.i + 1, c->at + p.i, (c->n - p.i) * sizeof(*c->at));
	c->at[p.i] = x;
	c->n++;
	r->n++;
}

static void drop(struct ranges *r, struct place p)
{
	struct ranges_chunk *c = r->chunks.at[p.chunk];

	c->n--;
	r->n--;
	memmove(c->at + p.i, c->at + p.i + 1, (c->n - p.i) * sizeof(*c->at));
	if (c->n)
		return;
	free(c);
	r->chunks.n--;
	memmove(r->chunks.at + p.chunk, r->chunks.at + p.chunk + 1, (r->chunks.n - p.chunk) * sizeof(*r->chunks.at));
}

void ranges_free(struct ranges *r)
{
	for (size_t i = 0; i < r->chunks.n; i++)
		free(r->chunks.at[i]);
	vec_free(&r->chunks);
	r->n = 0;
}

void ranges_put(struct ranges *r, struct range x)
{
	insert(r, find(r, x.from), x);
}

/* Of the range at p, what is in [from, to), which is not nothing. Returns how many parts it has more. */
static int take_part(struct ranges *r, struct place p, uint64_t from, uint64_t to)
{
	struct range *x = range_at(r, p), rest = *x;

	if (x->from >= from && x->to <= to) {
		drop(r, p);
		return -1;
	}
	if (x->from < from && x->to > to) {
		x->to = from;
		rest.from = to;
		p.i++;
		insert(r, p, rest);
		return 1;
	}
	if (x->from < from)
		x->to = from;
	else
		x->from = to;
	return 0;
}

uint64_t ranges_take(struct ranges *r, uint64_t from, uint64_t to, uint64_t before_ns,
		     void (*on_taken)(void *arg, uint32_t owner, uint64_t bytes, int parts), void *arg)
{
	uint64_t taken = 0;

	while (from < to) {
		const struct place p = find(r, from);
		const struct range *x = range_at(r, p);
		uint64_t lo, hi;
		uint32_t owner;

		if (!x || x->from >= to)
			break;
		lo = x->from > from ? x->from : from;
		hi = x->to < to ? x->to : to;
		owner = x->owner;
		if (x->since_ns <= before_ns) {
			const int parts = take_part(r, p, lo, hi);

			taken += hi - lo;
			on_taken(arg, owner, hi - lo, parts);
		}
		from = hi;
	}
	return taken;
}

bool ranges_any(const struct ranges *r, uint64_t from, uint64_t to)
{
	const struct range *x = range_at(r, find(r, from));

	return x && from < to && x->from < to;
}

void ranges_each(const struct ranges *r, void (*on_range)(void *arg, const struct range *x), void *arg)
{
	for (size_t i = 0; i < r->chunks.n; i++)
		for (size_t k = 0; k < r->chunks.at[i]->n; k++)
			on_range(arg, &r->chunks.at[i]->at[k]);
}
