/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Touches pages in the function that calls these, not in one of its own. */
#ifndef ALLOCTRACE_TESTS_PAGES_H
#define ALLOCTRACE_TESTS_PAGES_H

#include <stddef.h>

#define PAGE 4096UL
#define HUGE (2UL << 20)
#define NOINLINE __attribute__((noinline, noclone))

static inline __attribute__((always_inline)) void touch(volatile char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static inline __attribute__((always_inline)) int look(const volatile char *p, size_t pages)
{
	int sum = 0;

	for (size_t i = 0; i < pages; i++)
		sum += p[i * PAGE];
	return sum;
}

#endif
