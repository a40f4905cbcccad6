/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jemalloc's own functions, which take their options as one argument. Others have taken them over: tcmalloc has
 * sdallocx. xallocx is not among them: it resizes a block in place and returns a size, never an address.
 */
#include "alloc/families.h"

#define NO ALLOC_NO_ARG
#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct alloc_function functions[] = {
	{.name = "mallocx", .shown = "mallocx", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO},
	{.name = "rallocx", .shown = "rallocx", .size_arg = 1, .count_arg = NO, .old_arg = 0, .out_arg = NO},
	{.name = "dallocx", .shown = "dallocx", .size_arg = NO, .count_arg = NO, .old_arg = 0, .out_arg = NO,
	 .frees = true, .forwards_to = TO("free")},
	{.name = "sdallocx", .shown = "sdallocx", .size_arg = NO, .count_arg = NO, .old_arg = 0, .out_arg = NO,
	 .frees = true, .forwards_to = TO("dallocx", "free")},
};

const struct alloc_family alloc_family_jemalloc = {.name = "jemalloc", .functions = functions, .n = COUNT(functions)};
