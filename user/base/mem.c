/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


#define HUGE_PAGE ((size_t)2 << 20)

static void (*before_exit)(void);

void mem_before_exit(void (*f)(void))
{
	before_exit = f;
}

static void out_of_memory(void) __attribute__((noreturn));
static void out_of_memory(void)
{
	static const char text[] = "alloctrace: out of memory\n";

	/* Nothing here may allocate, so no stdio and no atexit handlers. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	if (before_exit)
		before_exit();
	_exit(1);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xmalloc_large(size_t size)
{
	void *p;

	if (size < HUGE_PAGE || size > SIZE_MAX - HUGE_PAGE)
		return xmalloc(size);
	size = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	p = aligned_alloc(HUGE_PAGE, size);
	if (!p)
		out_of_memory();
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = n && size ? calloc(n, size) : calloc(1, 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory();
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	return s;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

void *vec_grow_mem(void *at, size_t *cap, size_t want, size_t size)
{
	size_t more = *cap ? *cap : 8;

	if (want <= *cap)
		return at;
	while (more < want)
		if (__builtin_mul_overflow(more, (size_t)2, &more))
			out_of_memory();
	at = xrealloc_array(at, more, size);
	*cap = more;
	return at;
}
