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
 */
#include "kern/unwind_pack.h"

#include <string.h>

#include "unwind_map.h"

/* A bucket of 2^9 bytes has at most 512 rows and the one before. */
#define SHIFT_MIN 8
#define SHIFT_MAX 9
#define ROWS_PER_BUCKET 6

_Static_assert((1u << SHIFT_MAX) + 1 <= UNWIND_BUCKET_MAX, "a bucket is found in ten halvings");

struct packer {
	const struct unwind_table *t;
	uint64_t *words;
	uint32_t first;		/* number of words[0] */
	size_t at;		/* words so far */
	size_t next_row;	/* of t, not yet written */
};

/* Number of rows before the one that starts at `end` or after it, beginning the count at row i. */
static size_t rows_until(const struct unwind_table *t, size_t i, uint64_t end)
{
	size_t n = 0;

	while (i + n < t->n && t->rows[i + n].pc < end)
		n++;
	return n;
}

static size_t largest_bucket(const struct unwind_table *t, uint8_t shift)
{
	size_t i = 0, max = 0, n;

	while (i < t->n) {
		n = rows_until(t, i, ((uint64_t)(t->rows[i].pc >> shift) + 1) << shift);
		if (n > max)
			max = n;
		i += n;
	}
	return max + 1;
}

struct unwind_packing unwind_pack_plan(const struct unwind_table *t)
{
	uint32_t last = t->rows[t->n - 1].pc;
	struct unwind_packing p = {.shift = SHIFT_MIN};
	size_t n, largest;

	while (p.shift < SHIFT_MAX && ((uint64_t)last >> p.shift) > t->n / ROWS_PER_BUCKET)
		p.shift++;
	p.n_index = (last >> p.shift) + 1;
	n = p.n_index + t->n;
	/* For each border between chunks, what may be left unused before it and the copied row behind. */
	largest = largest_bucket(t, p.shift);
	p.max_words = n + (n / (UNWIND_CHUNK_WORDS - largest) + 2) * (largest + 1);
	return p;
}

static void put_row(struct packer *k, const struct unwind_row *row)
{
	memcpy(&k->words[k->at++], row, sizeof(*row));
}

static uint64_t put_bucket(struct packer *k, uint64_t end)
{
	size_t n = rows_until(k->t, k->next_row, end);
	/* The row before is in force where the bucket begins, and written last. */
	size_t begin = k->at, carried = k->next_row > 0;
	size_t in_chunk = (k->first + begin - carried) & (UNWIND_CHUNK_WORDS - 1);

	if (in_chunk + carried + n > UNWIND_CHUNK_WORDS) {
		while ((k->first + k->at) & (UNWIND_CHUNK_WORDS - 1))
			k->words[k->at++] = 0;
		begin = k->at + carried;
		if (carried)
			put_row(k, &k->t->rows[k->next_row - 1]);
	}
	for (size_t i = 0; i < n; i++)
		put_row(k, &k->t->rows[k->next_row++]);
	return (uint64_t)(carried + n) << 32 | (uint32_t)(k->first + begin - carried);
}

size_t unwind_pack(const struct unwind_table *t, const struct unwind_packing *p, uint32_t first, uint64_t *words)
{
	struct packer k = {.t = t, .words = words, .first = first, .at = p->n_index};

	for (uint64_t i = 0; i < p->n_index; i++)
		words[i] = put_bucket(&k, (i + 1) << p->shift);
	return k.at;
}
