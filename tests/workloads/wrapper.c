/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocators in front of the C library's, each a way in which one call becomes another: a preloaded library, or a
 * part of the program. HEADER: bytes put before each block.
 *
 *   HELPER   through a function that both share, which has a large frame
 *   JUMP     by a jump, from the function or from its helper
 *   LOG      with allocations of its own on the way, one before and one after
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef HEADER
#define HEADER 0
#endif

void *__libc_malloc(size_t);
void __libc_free(void *);

static void *(*volatile real_malloc)(size_t) = __libc_malloc;

#ifdef JUMP
/* Written as such: the compiler's options for workloads have no tail calls. */
__asm__(".globl malloc; .type malloc,@function; malloc: .cfi_startproc; jmp to_real; .cfi_endproc;"
	".size malloc,.-malloc; .type to_real,@function; to_real: .cfi_startproc; mov real_malloc(%rip),%rax;"
	"jmp *%rax; .cfi_endproc; .size to_real,.-to_real");
void *calloc(size_t n, size_t size)
{
	void *p = real_malloc(n * size);

	return p ? memset(p, 0, n * size) : p;
}
#else
static void (*volatile real_free)(void *) = __libc_free;
static volatile unsigned long calls;

static void log_call(void)
{
#ifdef LOG
	void *volatile line = real_malloc(40);

	real_free(line);
#endif
}

static __attribute__((noinline)) void *tracked(size_t n)
{
	volatile char text[16384];
	char *p;

	text[calls++ % sizeof(text)] = 1;
	log_call();
	p = real_malloc(n + HEADER);
	log_call();
	return p ? p + HEADER : p;
}

void *malloc(size_t n)
{
	void *p = tracked(n);

	calls++;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = tracked(n * size);

	return p ? memset(p, 0, n * size) : p;
}

void free(void *p)
{
	if (p)
		real_free((char *)p - HEADER);
	calls++;
}

/* Of a block whose size it does not know it keeps 8 bytes. */
void *realloc(void *old, size_t n)
{
	void *p = tracked(n);

	if (p && old) {
		memcpy(p, old, n < 8 ? n : 8);
		free(old);
	}
	return p;
}
#endif
