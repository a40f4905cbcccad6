/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of alloctrace itself. Out of memory ends the program with one line and status 1: every probe is a file
 * descriptor, so nothing stays behind in the target, and no caller needs a path for a failure it cannot mend.
 */
#ifndef ALLOCTRACE_BASE_MEM_H
#define ALLOCTRACE_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdint.h>

/* What is called before out of memory ends the program; async-signal-safe. */
void mem_before_exit(void (*f)(void));

void *xmalloc(size_t size);
/* For what may be many megabytes: in huge pages where the system has them for the asking, since to be given a small one
 * costs more than most work that is done on its 4 KiB. Only what is touched takes memory. */
void *xmalloc_large(size_t size);
void *xcalloc(size_t n, size_t size);
/* n * size is checked for overflow. */
void *xrealloc_array(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xvasprintf(const char *fmt, va_list ap);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A growable array: `vec_of(struct mapping) maps = {0}; vec_push(&maps, m);`, then maps.at[i], i < maps.n. */
#define vec_of(T) struct { T *at; size_t n, cap; }
#define vec_push(v, x) (vec_grow((v), (v)->n + 1), (v)->at[(v)->n++] = (x))
#define vec_grow(v, want) \
	((v)->at = vec_grow_mem((v)->at, &(v)->cap, (want), sizeof(*(v)->at)))
#define vec_free(v) (free((v)->at), (v)->at = NULL, (v)->n = (v)->cap = 0)
void *vec_grow_mem(void *at, size_t *cap, size_t want, size_t size);

#endif
