/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C family: glibc's names, which every malloc replacement exports too.
 *
 * The order matters where names are aliases of one address (glibc: aligned_alloc is memalign): the first row names
 * the function. forwards_to lists only what counts the same bytes: an aligned_alloc that asks malloc for size +
 * alignment must not hand on its event. pvalloc may: it asks for whole pages, which is what it promises.
 */
#include "alloc/families.h"

#define NO ALLOC_NO_ARG
#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct alloc_function functions[] = {
	{.name = "malloc", .shown = "malloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO},
	{.name = "calloc", .shown = "calloc", .size_arg = 1, .count_arg = 0, .old_arg = NO, .out_arg = NO,
	 .forwards_to = TO("malloc")},
	{.name = "realloc", .shown = "realloc", .size_arg = 1, .count_arg = NO, .old_arg = 0, .out_arg = NO},
	{.name = "memalign", .shown = "memalign", .size_arg = 1, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .forwards_to = TO("aligned_alloc")},
	{.name = "aligned_alloc", .shown = "aligned_alloc", .size_arg = 1, .count_arg = NO, .old_arg = NO,
	 .out_arg = NO, .forwards_to = TO("memalign")},
	{.name = "posix_memalign", .shown = "posix_memalign", .size_arg = 2, .count_arg = NO, .old_arg = NO,
	 .out_arg = 0, .forwards_to = TO("memalign", "aligned_alloc")},
	{.name = "reallocarray", .shown = "reallocarray", .size_arg = 2, .count_arg = 1, .old_arg = 0, .out_arg = NO,
	 .forwards_to = TO("realloc")},
	{.name = "valloc", .shown = "valloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .page_aligned = true, .forwards_to = TO("memalign", "aligned_alloc")},
	{.name = "pvalloc", .shown = "pvalloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .page_aligned = true, .forwards_to = TO("memalign", "aligned_alloc", "valloc")},
};

const struct alloc_family alloc_family_c = {.name = "C", .functions = functions, .n = COUNT(functions)};
