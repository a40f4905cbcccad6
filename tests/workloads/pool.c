/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program with allocators of its own: a pool whose chunks come from malloc, with functions of every shape. Its blocks
 * are freed but for every third one of pool_get. Says FUNCTION BYTES CALLS, FUNCTION being the caller of the pool's.
 *
 *     pool -w     waits for a line on stdin first
 */
#include "workload.h"

#define CHUNK 65536

struct pool {
	char *at, *end;
};

void *pool_get(struct pool *p, size_t size);
void *pool_zero(size_t n, struct pool *p, size_t size);
int pool_aligned(struct pool *p, size_t align, size_t size, void **out);
void *pool_again(struct pool *p, void *old, size_t size);
void pool_put(struct pool *p, void *block);

/* The chunk is a part of this call's work, and no event. */
NOINLINE void *pool_get(struct pool *p, size_t size)
{
	char *at;

	if ((size_t)(p->end - p->at) < size + 16) {
		p->at = malloc(CHUNK);
		p->end = p->at + CHUNK;
	}
	at = p->at;
	p->at += (size + 15) & ~15ul;
	return at;
}

NOINLINE void *pool_zero(size_t n, struct pool *p, size_t size)
{
	void *block = pool_get(p, n * size);

	memset(block, 0, n * size);
	return opaque(block);
}

NOINLINE int pool_aligned(struct pool *p, size_t align, size_t size, void **out)
{
	*out = align > 1024 ? NULL : pool_get(p, size);
	return *out ? 0 : 12;
}

NOINLINE void *pool_again(struct pool *p, void *old, size_t size)
{
	void *block = pool_get(p, size);

	if (old)
		memcpy(block, old, 8);
	return opaque(block);
}

NOINLINE void pool_put(struct pool *p, void *block)
{
	__asm__ volatile("" : : "r"(p), "r"(block) : "memory");
}

static struct pool pool;

ALLOCATOR(use_get, pool_get(&pool, size))
NOINLINE void *use_zero(size_t n, size_t size);
NOINLINE void *use_zero(size_t n, size_t size)
{
	return opaque(pool_zero(n, &pool, size));
}

REALLOCATOR(use_again, pool_again(&pool, old, size))

NOINLINE void *use_aligned(size_t align, size_t size);
NOINLINE void *use_aligned(size_t align, size_t size)
{
	void *block;

	return opaque(pool_aligned(&pool, align, size, &block) ? NULL : block);
}

int main(int argc, char **argv)
{
	size_t bytes[4] = {0}, kept = 0, n_kept = 0;

	wait_if_told(argc, argv);
	for (size_t i = 0; i < 997; i++) {
		void *a = use_get(i + 8), *b = use_zero(i % 11 + 2, 7), *c = use_again(NULL, 24), *d;

		c = use_again(c, 3 * i + 8);
		d = use_aligned(64, i + 1);
		use_aligned(4096, 5);	/* fails */
		bytes[0] += i + 8;
		bytes[1] += (i % 11 + 2) * 7;
		bytes[2] += 24 + 3 * i + 8;
		bytes[3] += i + 1;
		if (i % 3) {
			pool_put(&pool, a);
		} else {
			kept += i + 8;
			n_kept++;
		}
		pool_put(&pool, b);
		pool_put(&pool, c);
		pool_put(&pool, d);
	}
	say("use_get %zu 997\nuse_zero %zu 997\nuse_again %zu 1994\n", bytes[0], bytes[1], bytes[2]);
	say("use_aligned %zu 997\n", bytes[3]);
	say("kept %zu %zu\n", kept, n_kept);
	return 0;
}
