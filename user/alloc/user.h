/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator functions that the command line names (--alloc-fn, --free-fn, --object), as rows beside those of the
 * families:
 *
 *     my_alloc(size=1)                  void *my_alloc(size_t size, ...)
 *     pool_calloc(n=2,size=3)           void *pool_calloc(struct pool *, size_t n, size_t size)
 *     my_memalign(size=3,out=1)         int my_memalign(void **block, size_t align, size_t size)
 *     my_realloc(old=1,size=2)
 *     my_free(ptr=1)
 *
 * Instead of the name: a glob, +0x1234 (an address in the file of --object), or module+0x1234, as reports show it.
 */
#ifndef ALLOCTRACE_ALLOC_USER_H
#define ALLOCTRACE_ALLOC_USER_H

#include "alloc/family.h"
#include "base/buf.h"

#define ALLOC_USER_MAX 128	/* functions of the command line */
#define ALLOC_USER_OBJECTS 16

struct alloc_user {
	char *name;		/* of the symbol, or a glob; NULL: it is by vaddr */
	char *module;		/* of module+0x1234; NULL: there is none */
	uint64_t vaddr;
	size_t function;	/* the row's id */
};

/* Takes a function as the command line has it. frees: of --free-fn. 0, or -EINVAL or -ENOSPC with the reason appended
 * to why. */
int alloc_user_add(const char *spec, bool frees, struct buf *why);
/* The functions are looked for in this file (or these) alone: a path, or the last part of one. 0 or -EINVAL,
 * likewise. */
int alloc_user_add_object(const char *file, struct buf *why);
/* What is given fits together. 0 or -EINVAL, likewise. */
int alloc_user_check(struct buf *why);

size_t alloc_user_count(void);
const struct alloc_user *alloc_user(size_t i);
/* Whether the function may be in the file. dev, ino: of its fstat(), 0 if not known. */
bool alloc_user_in(const struct alloc_user *u, const char *path, uint64_t dev, uint64_t ino);
size_t alloc_user_objects(void);
const char *alloc_user_object(size_t i);
/* The file is the i-th object. */
bool alloc_user_is_object(size_t i, const char *path, uint64_t dev, uint64_t ino);

/* Forgets all of them, as at the start; their ids stay in use. For tests. */
void alloc_user_clear(void);

#endif
