/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tcmalloc has beside the names of C and C++. Its tc_malloc, tc_new and so on are those names' aliases, at the
 * same addresses, and need no rows.
 */
#include "alloc/families.h"

#define NO ALLOC_NO_ARG
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct alloc_function functions[] = {
	{.name = "tc_malloc_skip_new_handler", .shown = "tc_malloc_skip_new_handler", .size_arg = 0, .count_arg = NO,
	 .old_arg = NO, .out_arg = NO},
};

const struct alloc_family alloc_family_tcmalloc = {.name = "tcmalloc", .functions = functions, .n = COUNT(functions)};
