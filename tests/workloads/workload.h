/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the workloads share. A workload allocates nothing but what it says: it prints with write(2), waits with read(2),
 * and its functions stay functions (NOINLINE), with frame pointers and without tail calls (the compiler's flags).
 */
#ifndef ALLOCTRACE_TESTS_WORKLOAD_H
#define ALLOCTRACE_TESTS_WORKLOAD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

/* Keeps the compiler from seeing what becomes of p. */
static inline void *opaque(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* void *name(size): one block, from an expression that allocates `size` bytes. Calls of the allocator are in functions
 * like these, to be known by their names. */
#define ALLOCATOR(name, allocate)		\
	NOINLINE void *name(size_t size);	\
	NOINLINE void *name(size_t size)	\
	{					\
		return opaque(allocate);	\
	}

/* void *name(old, size): what realloc makes of an old block. */
#define REALLOCATOR(name, allocate)			\
	NOINLINE void *name(void *old, size_t size);	\
	NOINLINE void *name(void *old, size_t size)	\
	{						\
		return opaque(allocate);		\
	}

/* printf to stdout without stdio's buffer. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(125);
}

/* Says "ready" and waits for a line (or the end) on stdin: the moment to attach. */
static inline void wait_for_go(void)
{
	char c;

	say("ready\n");
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

/* For workloads with the options -w, wait_for_go() first, and -s. Whether there was -s: sleep_until_killed() after the
 * work. */
static inline bool wait_if_told(int argc, char **argv)
{
	bool sleep_after = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait_for_go();
		else
			sleep_after = true;
	}
	return sleep_after;
}

static inline void sleep_until_killed(void)
{
	for (;;)
		pause();
}

/* FUNCTION, what it has live in the end, BYTES BLOCKS, and what it allocated in all, BYTES CALLS. */
static inline void row(const char *name, size_t live_blocks, size_t size, size_t calls)
{
	say("%s %zu %zu %zu %zu\n", name, live_blocks * size, live_blocks, calls * size, calls);
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline unsigned long number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (end == s || *end) {
		say("not a number: %s\n", s);
		_exit(2);
	}
	return n;
}

#endif
