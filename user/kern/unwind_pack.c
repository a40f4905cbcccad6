/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows follow each other through the chunks; a bucket that would lie in two of them starts over in the second, with a
 * copy of the row that is in force where the bucket begins:
 *
 *              chunk                                     | next chunk
 *     … | 1a0 | 1d8 | 204 | 230 | 2c8 | (unused) ........ | 2c8 | 30c | 340 | 3f1 | …
 *         bucket 100  ----|                                 bucket 300 ----------|
 *               bucket 200 -----|
 *
 * (of 256 bytes each: bucket 200 begins with 1d8, since that row is in force up to 204.)
 *
 * Wide rules lie between index and rows, at a multiple of their size, so that none lies in two chunks. A row has the
 * number of its wide rule counted over all slabs.
 */
#include "kern/unwind_pack.h"

#include <string.h>

#include "unwind_map.h"

/* A bucket of 2^9 bytes has at most 512 rows and the one before. */
#define SHIFT_MIN 8
#define SHIFT_MAX 9
#define ROWS_PER_BUCKET 6

_Static_assert((1u << SHIFT_MAX) + 1 <= UNWIND_BUCKET_MAX, "a bucket is found in ten halvings");

struct unwind_packing unwind_pack_plan(const struct unwind_table *t)
{
	uint32_t last = t->rows[t->n - 1].pc;
	struct unwind_packing p = {.shift = SHIFT_MIN};
	size_t n, largest;

	while (p.shift < SHIFT_MAX && ((uint64_t)last >> p.shift) > t->n / ROWS_PER_BUCKET)
		p.shift++;
	p.n_index = (last >> p.shift) + 1;
	n = p.n_index + t->n + (t->n_wide + 1) * UNWIND_WIDE_WORDS;
	/* For each border between chunks, what may be left unused before it and the copied row behind. */
	largest = ((size_t)1 << p.shift) + 1;
	if (largest > t->n)
		largest = t->n;
	p.max_words = n + (n / (UNWIND_CHUNK_WORDS - largest) + 2) * (largest + 1);
	return p;
}

/* Where the wide rules begin, if there are any, and where they end. */
static size_t wide_start(const struct unwind_packing *p, uint32_t first)
{
	return p->n_index + (-(first + p->n_index) & (UNWIND_WIDE_WORDS - 1));
}

static size_t wide_end(const struct unwind_table *t, const struct unwind_packing *p, uint32_t first)
{
	return t->n_wide ? wide_start(p, first) + t->n_wide * UNWIND_WIDE_WORDS : p->n_index;
}

/* Rows are written one after the other; a bucket that reaches a border is moved behind it, with its carried row. */
size_t unwind_pack(const struct unwind_table *t, const struct unwind_packing *p, uint32_t first, uint64_t *words)
{
	const size_t wide = wide_start(p, first);
	size_t at = wide_end(t, p, first), begin = at, bucket = 0;
	size_t border = at + UNWIND_CHUNK_WORDS - ((first + at) & (UNWIND_CHUNK_WORDS - 1));
	uint64_t end = (uint64_t)1 << p->shift;

	if (t->n_wide)
		memcpy(&words[wide], t->wide, t->n_wide * sizeof(*t->wide));
	for (size_t i = 0; i < t->n; i++) {
		struct unwind_row row = t->rows[i];

		while (t->rows[i].pc >= end) {
			words[bucket++] = (uint64_t)(at - begin) << 32 | (uint32_t)(first + begin);
			begin = i ? at - 1 : at;
			end += (uint64_t)1 << p->shift;
		}
		if (at == border) {
			memcpy(&words[at], &words[begin], (at - begin) * sizeof(*words));
			at += border - begin;
			begin = border;
			border += UNWIND_CHUNK_WORDS;
		}
		if ((row.kind & 15) == UNWIND_CFA_WIDE)
			unwind_row_set_wide(&row, unwind_row_wide(&row) +
						  (uint32_t)((first + wide) / UNWIND_WIDE_WORDS));
		memcpy(&words[at++], &row, sizeof(*words));
	}
	words[bucket] = (uint64_t)(at - begin) << 32 | (uint32_t)(first + begin);
	return at;
}
