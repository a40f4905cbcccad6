/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

#define CHUNK_LEAST (16UL << 10)
#define CHUNK_MOST (1UL << 20)
#define ALIGNMENT 16

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(ALIGNMENT) char bytes[];
};

/* As much as there is already, so that a small arena stays small. */
static size_t chunk_size(const struct arena *a)
{
	return a->taken < CHUNK_LEAST ? CHUNK_LEAST : a->taken < CHUNK_MOST ? a->taken : CHUNK_MOST;
}

static struct arena_chunk *grow(struct arena *a, size_t bytes)
{
	struct arena_chunk *chunk;

	if (a->most && (bytes > a->most || a->taken > a->most - bytes))
		return NULL;
	chunk = xcalloc(1, sizeof(*chunk) + bytes);
	chunk->next = a->chunks;
	a->chunks = chunk;
	a->taken += bytes;
	return chunk;
}

void *arena_get(struct arena *a, size_t n, size_t size)
{
	struct arena_chunk *chunk;
	void *p;

	if (__builtin_mul_overflow(n, size, &size) || size > PTRDIFF_MAX - ALIGNMENT)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if ((size_t)(a->end - a->at) < size) {
		const size_t bytes = chunk_size(a);
		const bool apart = size > bytes / 4;

		chunk = grow(a, apart ? size : bytes);
		if (!chunk)
			return NULL;
		/* A large piece has a chunk of its own; the one that was begun goes on. */
		if (apart)
			return chunk->bytes;
		a->at = chunk->bytes;
		a->end = chunk->bytes + bytes;
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
