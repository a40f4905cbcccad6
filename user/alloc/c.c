/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C family: glibc's names, which every malloc replacement exports too.
 *
 * The order matters where names are aliases of one address (glibc: aligned_alloc is memalign): the first row names
 * the function. forwards_to lists only what counts the same bytes: an aligned_alloc that asks malloc for size +
 * alignment must not hand on its event. pvalloc may: it asks for whole pages, which is what it promises. The names that
 * begin with mi_ are mimalloc's.
 */
#include "alloc/families.h"

#define NO ALLOC_NO_ARG
#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FREE(symbol, ...) \
	{.name = (symbol), .shown = (symbol), .size_arg = NO, .count_arg = NO, .old_arg = 0, .out_arg = NO, \
	 .frees = true, .forwards_to = TO(__VA_ARGS__)}

static const struct alloc_function functions[] = {
	{.name = "malloc", .shown = "malloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO},
	{.name = "calloc", .shown = "calloc", .size_arg = 1, .count_arg = 0, .old_arg = NO, .out_arg = NO,
	 .forwards_to = TO("malloc")},
	{.name = "realloc", .shown = "realloc", .size_arg = 1, .count_arg = NO, .old_arg = 0, .out_arg = NO,
	 .forwards_to = TO("mi_heap_realloc")},
	{.name = "memalign", .shown = "memalign", .size_arg = 1, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .forwards_to = TO("aligned_alloc", "mi_malloc_aligned")},
	{.name = "aligned_alloc", .shown = "aligned_alloc", .size_arg = 1, .count_arg = NO, .old_arg = NO,
	 .out_arg = NO, .forwards_to = TO("memalign", "mi_malloc_aligned")},
	{.name = "posix_memalign", .shown = "posix_memalign", .size_arg = 2, .count_arg = NO, .old_arg = NO,
	 .out_arg = 0, .forwards_to = TO("memalign", "aligned_alloc", "mi_malloc_aligned")},
	{.name = "reallocarray", .shown = "reallocarray", .size_arg = 2, .count_arg = 1, .old_arg = 0, .out_arg = NO,
	 .forwards_to = TO("realloc", "mi_reallocn")},
	{.name = "valloc", .shown = "valloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .page_aligned = true, .forwards_to = TO("memalign", "aligned_alloc", "mi_malloc_aligned")},
	{.name = "pvalloc", .shown = "pvalloc", .size_arg = 0, .count_arg = NO, .old_arg = NO, .out_arg = NO,
	 .page_aligned = true, .forwards_to = TO("memalign", "aligned_alloc", "valloc", "mi_malloc_aligned")},
	FREE("free", NULL),
	FREE("cfree", "free"),
	/* C23. */
	FREE("free_sized", "free"),
	FREE("free_aligned_sized", "free_sized", "free"),
};

const struct alloc_family alloc_family_c = {.name = "C", .functions = functions, .n = COUNT(functions)};
