/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library with an allocator of its own, which is loaded late: use() calls it. */
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone))

NOINLINE void *late_alloc(size_t size);
NOINLINE void *late_alloc(size_t size)
{
	static char pool[1 << 20];
	static size_t used;
	char *p = pool + used;

	used = (used + size) % (sizeof(pool) / 2);
	return p;
}

void use(size_t size, size_t calls);
void use(size_t size, size_t calls)
{
	for (size_t i = 0; i < calls; i++)
		__asm__ volatile("" : : "r"(late_alloc(size)) : "memory");
}
