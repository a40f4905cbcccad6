/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process samples itself, and tells by USDT probes (probe/plan_usdt.c). No function has these names: places in
 * code do.
 */
#include "alloc/families.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct alloc_function functions[] = {
	{.name = "otel_memory:alloc", .shown = "otel_memory:alloc", .size_arg = 1, .count_arg = ALLOC_NO_ARG,
	 .old_arg = ALLOC_NO_ARG, .out_arg = ALLOC_NO_ARG, .is_usdt = true},
	{.name = "otel_memory:free", .shown = "otel_memory:free", .size_arg = ALLOC_NO_ARG, .count_arg = ALLOC_NO_ARG,
	 .old_arg = 0, .out_arg = ALLOC_NO_ARG, .frees = true, .is_usdt = true},
};

const struct alloc_family alloc_family_usdt = {.name = "USDT", .functions = functions, .n = COUNT(functions)};
