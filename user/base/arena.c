/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

#define CHUNK_BYTES (1UL << 20)
#define ALIGNMENT 16

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(ALIGNMENT) char bytes[];
};

static bool grow(struct arena *a, size_t size)
{
	size_t bytes = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;
	struct arena_chunk *chunk;

	if (a->most && (bytes > a->most || a->taken > a->most - bytes))
		return false;
	chunk = xcalloc(1, sizeof(*chunk) + bytes);
	chunk->next = a->chunks;
	a->chunks = chunk;
	a->taken += bytes;
	/* A large piece has a chunk of its own; the one that was begun goes on. */
	if (bytes == size)
		return true;
	a->at = chunk->bytes;
	a->end = chunk->bytes + bytes;
	return true;
}

void *arena_get(struct arena *a, size_t n, size_t size)
{
	void *p;

	if (__builtin_mul_overflow(n, size, &size) || size > PTRDIFF_MAX - ALIGNMENT)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if ((size_t)(a->end - a->at) < size) {
		if (!grow(a, size))
			return NULL;
		if (size > CHUNK_BYTES / 4)
			return a->chunks->bytes;
	}
	p = a->at;
	a->at += size;
	return p;
}

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	a->at = a->end = NULL;
	a->taken = 0;
}
