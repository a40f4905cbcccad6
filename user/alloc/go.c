/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go's runtime: every allocation of Go code comes to mallocgc(size, type, needzero), once. From Go 1.27 on compiled
 * code calls the functions behind it directly, one for each class of sizes, which mallocgc itself calls as well: where
 * a program has those, they are probed in its place (probe/plan_go.c), and reports call them by its name.
 */
#include "alloc/families.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct alloc_function functions[] = {
	{.name = "runtime.mallocgc", .shown = "runtime.mallocgc", .size_arg = 0, .count_arg = ALLOC_NO_ARG,
	 .old_arg = ALLOC_NO_ARG, .out_arg = ALLOC_NO_ARG, .is_go = true},
};

const struct alloc_family alloc_family_go = {.name = "Go", .functions = functions, .n = COUNT(functions)};
