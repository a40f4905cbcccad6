/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prime counts of prime sizes by every allocation function, each through two chains of callers:
 *
 *     worker -> left -> use_malloc -> malloc
 *     worker -> right -> use_malloc -> malloc
 *
 * usage: primes [-w] [-s] [-r ROUNDS] [THREADS]
 *   -w  says "ready" and waits for a line on stdin before it allocates (its threads exist by then)
 *   -s  sleeps until it is killed after its work
 *   -r  does it all that often, 300 ms after the time before
 *
 * On stdout, for the whole process:  left use_malloc BYTES CALLS  … and at last  total BYTES CALLS.
 */
#include "workload.h"

#include <malloc.h>
#include <pthread.h>

#define MAX_THREADS 64

typedef void (*use_fn)(size_t calls, size_t size);

#define USE(name, allocate)				\
	NOINLINE void name(size_t calls, size_t size);	\
	NOINLINE void name(size_t calls, size_t size)	\
	{						\
		for (size_t i = 0; i < calls; i++)	\
			free(opaque(allocate));		\
	}

static void *by_posix_memalign(int failed, void *p)
{
	return failed ? NULL : p;
}

USE(use_malloc, malloc(size))
USE(use_calloc, calloc(3, size))
USE(use_realloc, realloc(NULL, size))
USE(use_reallocarray, reallocarray(NULL, 5, size))
USE(use_aligned_alloc, aligned_alloc(64, size))
USE(use_memalign, memalign(32, size))
USE(use_valloc, valloc(size))
#ifndef NO_PVALLOC
/* Not freed: jemalloc has no pvalloc, so that the block is libc's and free() is not. */
NOINLINE void use_pvalloc(size_t calls, size_t size);
NOINLINE void use_pvalloc(size_t calls, size_t size)
{
	for (size_t i = 0; i < calls; i++)
		opaque(pvalloc(size));
}
#endif

NOINLINE void use_posix_memalign(size_t calls, size_t size);
NOINLINE void use_posix_memalign(size_t calls, size_t size)
{
	for (size_t i = 0; i < calls; i++) {
		void *p = NULL;
		int failed = posix_memalign(&p, 128, size);

		free(opaque(by_posix_memalign(failed, p)));
	}
}

/* One block that grows and shrinks: every call counts with its new size. */
NOINLINE void use_regrow(size_t calls, size_t size);
NOINLINE void use_regrow(size_t calls, size_t size)
{
	void *p = NULL;

	for (size_t i = 0; i < calls; i++)
		p = opaque(realloc(p, i % 2 ? size : 2 * size));
	free(p);
}

struct row {
	use_fn use;
	const char *name;
	size_t factor;	/* bytes asked for by a call: factor * size (calloc's and reallocarray's count) */
	struct {
		size_t calls, size;
	} left, right;
};

static const struct row rows[] = {
	{use_malloc, "use_malloc", 1, {1009, 61}, {503, 1277}},
	{use_calloc, "use_calloc", 3, {307, 29}, {151, 311}},
	{use_realloc, "use_realloc", 1, {211, 37}, {101, 1013}},
	{use_reallocarray, "use_reallocarray", 5, {97, 41}, {59, 211}},
	{use_posix_memalign, "use_posix_memalign", 1, {89, 113}, {53, 1123}},
	{use_aligned_alloc, "use_aligned_alloc", 1, {83, 4096}, {47, 64}},
	{use_memalign, "use_memalign", 1, {79, 139}, {43, 1571}},
	{use_valloc, "use_valloc", 1, {73, 149}, {41, 5003}},
#ifndef NO_PVALLOC
	{use_pvalloc, "use_pvalloc", 1, {71, 151}, {37, 4999}},
#endif
	/* 2 * size in calls 0, 2, 4, …: see bytes_of() */
	{use_regrow, "use_regrow", 1, {67, 157}, {31, 10007}},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static size_t bytes_of(const struct row *row, size_t calls, size_t size)
{
	if (row->use == use_regrow)
		return calls / 2 * size + (calls - calls / 2) * 2 * size;
	return calls * size * row->factor;
}

NOINLINE void left(const struct row *row);
NOINLINE void left(const struct row *row)
{
	row->use(row->left.calls, row->left.size);
}

NOINLINE void right(const struct row *row);
NOINLINE void right(const struct row *row)
{
	row->use(row->right.calls, row->right.size);
}

NOINLINE void worker(void);
NOINLINE void worker(void)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		left(&rows[i]);
		right(&rows[i]);
	}
}

static pthread_barrier_t start;
static size_t rounds = 1;

static void *thread_main(void *arg)
{
	pthread_barrier_wait(&start);
	worker();
	for (size_t i = 1; i < rounds; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
		worker();
	}
	return arg;
}

static void report(size_t times)
{
	size_t bytes = 0, calls = 0;

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *r = &rows[i];
		size_t l = bytes_of(r, r->left.calls, r->left.size) * times;
		size_t n = bytes_of(r, r->right.calls, r->right.size) * times;

		say("left %s %zu %zu\nright %s %zu %zu\n", r->name, l, r->left.calls * times, r->name, n,
		    r->right.calls * times);
		bytes += l + n;
		calls += (r->left.calls + r->right.calls) * times;
	}
	say("total %zu %zu\n", bytes, calls);
}

int main(int argc, char **argv)
{
	static pthread_t threads[MAX_THREADS];
	bool wait = false, sleep_after = false;
	size_t n = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (!strcmp(argv[i], "-s"))
			sleep_after = true;
		else if (!strcmp(argv[i], "-r") && i + 1 < argc)
			rounds = number(argv[++i]);
		else
			n = number(argv[i]);
	}
	if (!n || n > MAX_THREADS || !rounds)
		return 2;
	/* The main thread is one of the n. */
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (size_t i = 1; i < n; i++) {
		if (pthread_create(&threads[i], NULL, thread_main, NULL))
			return 1;
	}
	if (wait)
		wait_for_go();
	thread_main(NULL);
	for (size_t i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
	report(n * rounds);
	if (sleep_after)
		sleep_until_killed();
	return 0;
}
