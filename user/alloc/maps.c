/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of the C library by which a program maps memory itself. None is an allocator's (probe/plan_maps.c). */
#include "alloc/families.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAPS(symbol, what) \
	{.name = (symbol), .shown = (symbol), .size_arg = ALLOC_NO_ARG, .count_arg = ALLOC_NO_ARG, \
	 .old_arg = ALLOC_NO_ARG, .out_arg = ALLOC_NO_ARG, .maps = (what)}

static const struct alloc_function functions[] = {
	MAPS("mmap", ALLOC_MAPS_MMAP),
	MAPS("mmap64", ALLOC_MAPS_MMAP),
	MAPS("mremap", ALLOC_MAPS_MREMAP),
	MAPS("munmap", ALLOC_MAPS_MUNMAP),
	MAPS("brk", ALLOC_MAPS_BRK),
	MAPS("sbrk", ALLOC_MAPS_SBRK),
};

const struct alloc_family alloc_family_maps = {.name = "mapping", .functions = functions, .n = COUNT(functions)};
