/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many small pieces of memory that are given back together. */
#ifndef ALLOCTRACE_BASE_ARENA_H
#define ALLOCTRACE_BASE_ARENA_H

#include <stddef.h>

/* `struct arena a = {.most = BYTES}` is empty. */
struct arena {
	struct arena_chunk *chunks;
	char *at, *end;
	size_t taken, most;	/* bytes; most 0: no limit */
};

/* Zeroed, aligned for anything; n * size is checked for overflow. NULL where it would take more than `most`. */
void *arena_get(struct arena *a, size_t n, size_t size);
void arena_free(struct arena *a);

#endif
