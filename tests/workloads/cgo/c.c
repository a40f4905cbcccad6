/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "_cgo_export.h"

__attribute__((noinline)) void *c_deep(int depth, size_t n)
{
	void *p = depth ? c_deep(depth - 1, n) : malloc(n);

	__asm__ volatile("" ::: "memory");
	return p;
}

/* And back into Go, on the same stack of Go's. */
__attribute__((noinline)) void c_back(int depth)
{
	goBack(depth);
	__asm__ volatile("" ::: "memory");
}
