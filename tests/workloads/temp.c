/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks that live for known times.
 *
 * usage: temp [-w] [-s]
 * On stdout: FUNCTION, how many of its blocks are temporary by a limit of 20 ms or the thread's next allocation, their
 * size, how many it allocated; and the least and the most that those that were freed lived, in ns (0: almost nothing).
 */
#include "workload.h"

#include <pthread.h>

ALLOCATOR(at_once, malloc(size))		/* freed before anything else is allocated */
ALLOCATOR(before_next, malloc(size))		/* the same, but after 60 ms */
ALLOCATOR(kept_60ms, malloc(size))		/* others were allocated in between */
ALLOCATOR(kept_180ms, malloc(size))
ALLOCATOR(pair_first, malloc(size))		/* freed at once, but after pair_second was allocated */
ALLOCATOR(pair_second, malloc(size))
ALLOCATOR(never, malloc(size))			/* freed */
ALLOCATOR(other_thread, malloc(size))	/* freed by another thread after 60 ms, in which both have allocated */

static void *blocks[512], *blocks180[64];

static void rest(unsigned ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static uint64_t first, last;	/* when the first of some blocks, and the last, was allocated */

static void make(void **to, void *(*allocate)(size_t), size_t n, size_t size)
{
	first = now_ns();
	for (size_t i = 0; i < n; i++)
		to[i] = allocate(size);
	last = now_ns();
}

static void drop(void **from, size_t n, const char *name, size_t temporary, size_t size)
{
	const uint64_t least = now_ns() - last;

	for (size_t i = 0; i < n; i++)
		free(from[i]);
	say("%s %zu %zu %zu %llu %llu\n", name, temporary, size, n, (unsigned long long)least,
	    (unsigned long long)(now_ns() - first));
}

static void *freeing(void *arg)
{
	rest(60);
	free(at_once(61));
	drop(blocks, 97, "other_thread", 0, 107);
	return arg;
}

int main(int argc, char **argv)
{
	const bool sleep_after = wait_if_told(argc, argv);
	uint64_t first180, last180;
	pthread_t thread;
	void *p;

	make(blocks180, kept_180ms, 53, 79);
	first180 = first;
	last180 = last;
	for (size_t i = 0; i < 1009; i++)
		free(at_once(61));
	make(blocks, kept_60ms, 211, 67);
	/* The last allocation before the sleep, and the first thing after it: no other in between. */
	p = before_next(71);
	rest(60);
	free(p);
	drop(blocks, 211, "kept_60ms", 0, 67);
	for (size_t i = 0; i < 307; i++) {
		void *q;

		p = pair_first(83);
		q = pair_second(89);
		free(p);
		free(q);
	}
	make(blocks, never, 41, 101);
	make(blocks, other_thread, 97, 107);
	if (pthread_create(&thread, NULL, freeing, NULL))
		return 1;
	at_once(61);
	pthread_join(thread, NULL);
	rest(60);
	first = first180;
	last = last180;
	drop(blocks180, 53, "kept_180ms", 0, 79);
	say("at_once 1010 61 1011 0 0\nbefore_next 1 71 1 60000000 0\npair_first 307 83 307 0 0\n"
	    "pair_second 307 89 307 0 0\nnever 0 101 41 0 0\n");
	if (sleep_after)
		sleep_until_killed();
	return 0;
}
