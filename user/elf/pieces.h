/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges of addresses that may overlap, cut into pieces that do not, so that a look-up is one binary search however a
 * hostile file nests its ranges. Each piece belongs to the range that wins there:
 *
 *     range 0  [----------------------)
 *     range 1        [----)                        pieces:  0 | 1 | 0      (at most two for each range)
 *
 * Space that no range holds needs no piece: what is found there is a range that has ended, as the caller checks.
 */
#ifndef ALLOCTRACE_ELF_PIECES_H
#define ALLOCTRACE_ELF_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ranges 0 … n - 1, by ascending start. */
struct ranges {
	const void *of;
	size_t n;	/* below 2^31 */
	uint64_t (*start)(const void *of, size_t i);
	uint64_t (*end)(const void *of, size_t i);		/* above start */
	bool (*wins)(const void *of, size_t a, size_t b);	/* a strict order: where both are, a is meant */
};

/* `struct pieces p = {0}` is empty. */
struct pieces {
	uint64_t *start;
	uint32_t *range;
	size_t n;	/* 0: no ranges overlap, and they are the pieces */
};

#define PIECES_NONE SIZE_MAX

/* What p held before is freed. */
void pieces_cut(struct pieces *p, const struct ranges *r);
/* The range to be checked for addr, or PIECES_NONE. It starts at or below addr and may have ended. */
size_t pieces_find(const struct pieces *p, const struct ranges *r, uint64_t addr);
void pieces_free(struct pieces *p);

#endif
