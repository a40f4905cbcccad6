/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mimalloc's own functions. Most take a heap, and have a twin without one that jumps to them with the thread's. What
 * is an alias of malloc, free or operator new (mi_malloc, mi_free, mi_new) is a row here for programs that are linked
 * without those names. Not here: what calls these functions like any program (mi_strdup, mi_memalign, mi_cfree), and
 * what frees or resizes without an address to tell (mi_heap_destroy, mi_expand).
 */
#include "alloc/families.h"

#define NO ALLOC_NO_ARG
#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ROW(symbol, size, count, old, throws, ...) \
	{.name = (symbol), .shown = (symbol), .size_arg = (size), .count_arg = (count), .old_arg = (old), \
	 .out_arg = NO, .may_throw = (throws), .forwards_to = TO(__VA_ARGS__)}
#define FREE(symbol, ...) \
	{.name = (symbol), .shown = (symbol), .size_arg = NO, .count_arg = NO, .old_arg = 0, .out_arg = NO, \
	 .frees = true, .forwards_to = TO(__VA_ARGS__)}

/* A function and its twin that takes a heap before the other arguments. */
#define TWINS_ALLOC(what, ...) \
	ROW(("mi_heap_" what), 1, NO, NO, false, __VA_ARGS__), \
	ROW("mi_" what, 0, NO, NO, false, ("mi_heap_" what), __VA_ARGS__)
#define TWINS_COUNT(what, ...) \
	ROW("mi_heap_" what, 2, 1, NO, false, __VA_ARGS__), \
	ROW("mi_" what, 1, 0, NO, false, ("mi_heap_" what), __VA_ARGS__)
#define TWINS_REALLOC(what, ...) \
	ROW("mi_heap_" what, 2, NO, 1, false, __VA_ARGS__), \
	ROW("mi_" what, 1, NO, 0, false, ("mi_heap_" what), __VA_ARGS__)
#define TWINS_RECOUNT(what, ...) \
	ROW("mi_heap_" what, 3, 2, 1, false, __VA_ARGS__), \
	ROW("mi_" what, 2, 1, 0, false, ("mi_heap_" what), __VA_ARGS__)

static const struct alloc_function functions[] = {
	TWINS_ALLOC("malloc", "malloc"),
	TWINS_ALLOC("malloc_small", "mi_malloc", "malloc"),
	TWINS_ALLOC("zalloc", "mi_heap_malloc"),
	ROW("mi_zalloc_small", 0, NO, NO, false, "mi_zalloc", "mi_heap_zalloc"),
	TWINS_COUNT("calloc", "mi_heap_zalloc", "calloc"),
	TWINS_COUNT("mallocn", "mi_heap_malloc", "mi_malloc", "malloc"),
	TWINS_REALLOC("realloc", "realloc"),
	TWINS_REALLOC("rezalloc", NULL),
	TWINS_RECOUNT("reallocn", "mi_heap_realloc", "mi_realloc", "realloc"),
	TWINS_RECOUNT("recalloc", "mi_heap_rezalloc"),
	TWINS_ALLOC("malloc_aligned", "mi_heap_malloc_aligned_at", "mi_heap_malloc_small", "mi_heap_malloc"),
	TWINS_ALLOC("malloc_aligned_at", NULL),
	TWINS_ALLOC("zalloc_aligned", "mi_heap_zalloc_aligned_at"),
	TWINS_ALLOC("zalloc_aligned_at", NULL),
	TWINS_COUNT("calloc_aligned", "mi_heap_calloc_aligned_at", "mi_heap_zalloc_aligned"),
	TWINS_COUNT("calloc_aligned_at", "mi_heap_zalloc_aligned_at"),
	TWINS_REALLOC("realloc_aligned", "mi_heap_realloc_aligned_at"),
	TWINS_REALLOC("realloc_aligned_at", NULL),
	TWINS_REALLOC("rezalloc_aligned", "mi_heap_rezalloc_aligned_at"),
	TWINS_REALLOC("rezalloc_aligned_at", NULL),
	TWINS_RECOUNT("recalloc_aligned", "mi_heap_recalloc_aligned_at", "mi_heap_rezalloc_aligned"),
	TWINS_RECOUNT("recalloc_aligned_at", "mi_heap_rezalloc_aligned_at"),
	/* operator new under a name of C: throws, or where it is built as C, aborts. */
	ROW("mi_heap_alloc_new", 1, NO, NO, true, "mi_heap_malloc"),
	ROW("mi_heap_alloc_new_n", 2, 1, NO, true, "mi_heap_alloc_new", "mi_heap_malloc"),
	ROW("mi_new", 0, NO, NO, true, "mi_heap_alloc_new", "mi_malloc", "malloc"),
	ROW("mi_new_n", 1, 0, NO, true, "mi_heap_alloc_new_n", "mi_new", "mi_malloc", "malloc"),
	ROW("mi_new_nothrow", 0, NO, NO, false, "mi_malloc", "malloc"),
	ROW("mi_new_aligned", 0, NO, NO, true, "mi_malloc_aligned"),
	ROW("mi_new_aligned_nothrow", 0, NO, NO, false, "mi_malloc_aligned"),
	ROW("mi_new_realloc", 1, NO, 0, true, "mi_realloc", "realloc"),
	ROW("mi_new_reallocn", 2, 1, 0, true, "mi_new_realloc", "mi_realloc", "realloc"),
	FREE("mi_free", "free"),
	FREE("mi_free_size", "mi_free", "free"),
	FREE("mi_free_aligned", "mi_free", "free"),
	FREE("mi_free_size_aligned", "mi_free_size", "mi_free_aligned", "mi_free", "free"),
};

const struct alloc_family alloc_family_mimalloc = {.name = "mimalloc", .functions = functions, .n = COUNT(functions)};
