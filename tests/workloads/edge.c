/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The corners of the counting rules, each in a function of its own. No call here is a plain success.
 *
 * usage: edge [-w]
 * On stdout: FUNCTION BYTES CALLS as the program asked for them.
 */
#include "workload.h"

#include <errno.h>

#define EACH(name, calls, statement)				\
	NOINLINE void name(void);				\
	NOINLINE void name(void)				\
	{							\
		for (size_t i = 0; i < (calls); i++) {		\
			statement;				\
		}						\
	}

static volatile size_t none, huge = (size_t)1 << 62, four = 4;

/* Size 0 is an allocation of 0 bytes. */
EACH(zero_malloc, 41, free(opaque(malloc(none))))
EACH(zero_calloc, 43, free(opaque(calloc(none, 8))))
/* calloc(2^62, 4) overflows: it cannot succeed, and is no bytes. */
EACH(overflow_calloc, 47, free(opaque(calloc(huge, four))))
EACH(overflow_reallocarray, 53, free(opaque(reallocarray(NULL, huge, four))))
/* realloc(p, 0) is an event of 0 bytes: at entry it can't be known what the allocator makes of it. The malloc before it
 * is an allocation of 59 bytes. */
EACH(shrink_to_nothing, 61, opaque(realloc(malloc(59), none)))
EACH(free_null, 67, free(opaque(NULL)))

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-w"))
		wait_for_go();
	zero_malloc();
	zero_calloc();
	overflow_calloc();
	overflow_reallocarray();
	shrink_to_nothing();
	free_null();
	say("zero_malloc 0 41\nzero_calloc 0 43\noverflow_calloc 0 0\noverflow_reallocarray 0 0\n"
	    "shrink_to_nothing %d %d\nfree_null 0 0\n", 59 * 61, 2 * 61);
	return 0;
}
