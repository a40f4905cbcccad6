/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges of addresses that do not overlap, in order: what is mapped of one address space. Parts of them can be taken
 * out, which splits them. A range is found in the logarithm of their number.
 */
#ifndef ALLOCTRACE_MODEL_RANGES_H
#define ALLOCTRACE_MODEL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct range {
	uint64_t from, to;	/* [from, to) */
	uint64_t since_ns;	/* when it was made; parts that are left have the time of the whole */
	uint32_t owner;		/* the caller's */
	uint32_t pad;
};

struct ranges_chunk;

/* `struct ranges r = {0}` is empty. */
struct ranges {
	vec_of(struct ranges_chunk *) chunks;
	size_t n;	/* ranges */
};

void ranges_free(struct ranges *r);
/* Nothing of [from, to) is in it, and from < to. */
void ranges_put(struct ranges *r, struct range x);
/* Takes out what of [from, to) was made at before_ns or earlier. Calls back for each range: how many bytes of it went,
 * and how many parts it has more now (1: it is split, 0: shortened, -1: gone). What is called must not change r.
 * Returns bytes. */
uint64_t ranges_take(struct ranges *r, uint64_t from, uint64_t to, uint64_t before_ns,
		     void (*on_taken)(void *arg, uint32_t owner, uint64_t bytes, int parts), void *arg);
/* Is anything of [from, to) in it? */
bool ranges_any(const struct ranges *r, uint64_t from, uint64_t to);
/* Calls back for each, in order. */
void ranges_each(const struct ranges *r, void (*on_range)(void *arg, const struct range *x), void *arg);

#endif
