// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maps known numbers of pages, each by a function of its own, gives parts of them back, and prints for each its name,
 * the bytes that it mapped, and those that are left: "by_front<TAB>45056<TAB>32768".
 *
 *     mapper             and ends
 *     mapper -w          says "ready", waits for a line, maps, and waits for the end of its input
 *     mapper -w ROUNDS   says "ready", waits for a line, maps and unmaps so often, and says "ns" and what a pair takes
 *     mapper -s SECONDS  four threads map and unmap for so long; says the calls of mmap and their bytes
 *     mapper -n PAGES    maps so many pages, one by one, and none beside another, and gives half of them back
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "workload.h"

#define P 4096UL
#define THREADS 4
#define ROUNDS 1000
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* What a function was given: as the kernel has it. */
#define MAPPER(name, call)					\
	NOINLINE char *name(char *at, size_t bytes, size_t to);	\
	NOINLINE char *name(char *at, size_t bytes, size_t to)	\
	{							\
		char *p = opaque(call);				\
								\
		(void)at, (void)bytes, (void)to;		\
		return p;					\
	}

#define PLAIN(name) MAPPER(name, mmap(NULL, bytes, RW, ANON, -1, 0))
#define OVER(name) MAPPER(name, mmap(at, bytes, RW, ANON | MAP_FIXED, -1, 0))

static int self;

PLAIN(by_plain)
PLAIN(by_front)
PLAIN(by_end)
PLAIN(by_middle)
PLAIN(by_area)
OVER(by_left)
OVER(by_right)
PLAIN(by_over)
PLAIN(by_before)
PLAIN(by_long)
PLAIN(by_from)
PLAIN(by_room)
PLAIN(by_kept)
PLAIN(by_odd)
PLAIN(by_thread)
PLAIN(by_child)
PLAIN(by_many)
PLAIN(by_scratch)
MAPPER(by_shared, mmap(NULL, bytes, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
MAPPER(by_file, mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, self, 0))
MAPPER(by_file_over, mmap(at, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, self, 0))
MAPPER(by_grow, mremap(at, bytes, to, MREMAP_MAYMOVE))
MAPPER(by_shrink, mremap(at, bytes, to, MREMAP_MAYMOVE))
MAPPER(by_move, mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)to))
MAPPER(by_copy, mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL))
MAPPER(by_shared_grow, mremap(at, bytes, to, MREMAP_MAYMOVE))
MAPPER(by_file_move, mremap(at, bytes, to, MREMAP_MAYMOVE))
MAPPER(by_failing, mmap(NULL, to, RW, ANON, -1, 0))
MAPPER(by_failing_move, mremap(at + 1, bytes, to, MREMAP_MAYMOVE))
MAPPER(by_sbrk, sbrk((intptr_t)bytes))

NOINLINE void by_brk(char *end);
NOINLINE void by_brk(char *end)
{
	if (brk(end))
		_exit(3);
}

NOINLINE char *by_malloc(size_t bytes);
NOINLINE char *by_malloc(size_t bytes)
{
	return opaque(malloc(bytes));
}

static char *good(void *p)
{
	if (p == MAP_FAILED || !p)
		_exit(2);
	return p;
}

static void unmap(char *at, size_t pages)
{
	if (munmap(at, pages * P))
		_exit(4);
}

static void said(const char *name, size_t bytes, size_t left)
{
	say("%s\t%zu\t%zu\n", name, bytes, left);
}

static void parts(void)
{
	char *p;

	good(by_plain(NULL, 7 * P, 0));
	said("by_plain", 7 * P, 7 * P);
	unmap(good(by_front(NULL, 11 * P, 0)), 3);
	said("by_front", 11 * P, 8 * P);
	unmap(good(by_end(NULL, 13 * P, 0)) + 8 * P, 5);
	said("by_end", 13 * P, 8 * P);
	unmap(good(by_middle(NULL, 17 * P, 0)) + 5 * P, 4);
	said("by_middle", 17 * P, 13 * P);
	good(by_odd(NULL, 71 * P - 100, 0));
	said("by_odd", 71 * P, 71 * P);
	/* Two beside each other, in the place of a third; then across both. */
	p = good(by_area(NULL, 43 * P, 0));
	good(by_left(p, 19 * P, 0));
	good(by_right(p + 19 * P, 23 * P, 0));
	unmap(p + 17 * P, 5);
	said("by_area", 43 * P, P);
	said("by_left", 19 * P, 17 * P);
	said("by_right", 23 * P, 20 * P);
	good(by_file_over(good(by_over(NULL, 29 * P, 0)) + 2 * P, 3 * P, 0));
	said("by_over", 29 * P, 26 * P);
}

static void moves(void)
{
	char *p;

	good(by_grow(good(by_before(NULL, 31 * P, 0)), 31 * P, 37 * P));
	said("by_before", 31 * P, 0);
	said("by_grow", 37 * P, 37 * P);
	good(by_shrink(good(by_long(NULL, 41 * P, 0)), 41 * P, 5 * P));
	said("by_long", 41 * P, 0);
	said("by_shrink", 5 * P, 5 * P);
	p = good(by_room(NULL, 53 * P, 0));
	good(by_move(good(by_from(NULL, 47 * P, 0)), 47 * P, (size_t)p));
	said("by_from", 47 * P, 0);
	said("by_room", 53 * P, 6 * P);
	said("by_move", 47 * P, 47 * P);
	good(by_copy(good(by_kept(NULL, 59 * P, 0)), 59 * P, 0));
	said("by_kept", 59 * P, 59 * P);
	said("by_copy", 59 * P, 59 * P);
	good(by_shared_grow(good(by_shared(NULL, 61 * P, 0)), 61 * P, 67 * P));
	said("by_shared", 61 * P, 0);
	said("by_shared_grow", 67 * P, 67 * P);
	good(by_file_move(good(by_file(NULL, 2 * P, 0)), 2 * P, 3 * P));
}

static void failures(void)
{
	char *p = good(by_scratch(NULL, 7 * P, 0));

	if (by_failing(NULL, 0, 0) != MAP_FAILED || by_failing(NULL, 0, 1UL << 60) != MAP_FAILED ||
	    by_failing_move(p, P, 2 * P) != MAP_FAILED || !munmap(p + 1, P))
		_exit(5);
	unmap(p, 7);
}

static void heap_end(void)
{
#ifndef NO_BRK
	char *end;

	good(by_sbrk(NULL, 73 * P + 1, 0));
	if (sbrk(-8 * (intptr_t)P) == (void *)-1)
		_exit(6);
	said("by_sbrk", 73 * P + 1, 65 * P + 1);
	end = sbrk(0);
	by_brk(end + 79 * P);
	by_brk(end + 70 * P);
	said("by_brk", 79 * P, 70 * P);
#endif
}

static pthread_barrier_t barrier;

/* An address that one has unmapped, another one gets at once. */
static void *work(void *arg)
{
	const size_t keep = (size_t)arg;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < ROUNDS; i++)
		unmap(good(by_thread(NULL, 3 * P, 0)), 3);
	unmap(good(by_thread(NULL, 3 * P, 0)) + P, keep);
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, (void *)1UL))
			_exit(7);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	said("by_thread", THREADS * (ROUNDS + 1) * 3 * P, THREADS * 2 * P);
}

static void *allocate(void *arg)
{
	(void)arg;
	return by_malloc(100);
}

/* By mmap, of one block and of a thread's arena; and by brk. */
static void heap(void)
{
	pthread_t t;
	char *large = good(by_malloc(4 << 20));

	good(by_malloc(5 << 20));
	good(by_malloc(60000));
	free(large);
	if (pthread_create(&t, NULL, allocate, NULL))
		_exit(8);
	pthread_join(t, NULL);
}

/* What a child gives back is still the parent's. */
static void child(void)
{
	char *p = good(by_scratch(NULL, 2 * P, 0));
	pid_t pid = fork();

	if (!pid) {
		unmap(p, 2);
		good(by_child(NULL, 83 * P, 0));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	said("by_child", 83 * P, 0);
	unmap(p, 2);
}

static void many(size_t n)
{
	char **pages = (char **)good(mmap(NULL, n * sizeof(char *), RW, ANON, -1, 0));

	/* What is of another kind is no neighbour to the kernel. */
	for (size_t i = 0; i < n; i++)
		pages[i] = good(by_many(NULL, P, 0));
	for (size_t i = 0; i < n; i += 2)
		unmap(pages[i], 1);
	said("by_many", n * P, n / 2 * P);
}

static void rounds(size_t n)
{
	struct timespec from, to;

	wait_for_go();
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t i = 0; i < n; i++)
		unmap(good(by_thread(NULL, 3 * P, 0)), 3);
	clock_gettime(CLOCK_MONOTONIC, &to);
	say("ns %.1f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)n);
}

static volatile bool over;

static void *storm(void *arg)
{
	size_t *calls = arg;

	while (!over) {
		unmap(good(by_thread(NULL, 3 * P, 0)), 3);
		++*calls;
	}
	return NULL;
}

static void storms(unsigned int seconds)
{
	size_t calls[THREADS] = {0}, all = 0;
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, storm, &calls[i]))
			_exit(9);
	sleep(seconds);
	over = true;
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all += calls[i];
	}
	said("by_thread", all * 3 * P, 0);
}

int main(int argc, char **argv)
{
	const bool waits = argc > 1 && !strcmp(argv[1], "-w");
	char c;

	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (argc > 2) {
		if (waits)
			rounds(strtoul(argv[2], NULL, 0));
		else if (!strcmp(argv[1], "-s"))
			storms((unsigned int)atoi(argv[2]));
		else
			many(strtoul(argv[2], NULL, 0));
		return 0;
	}
	if (waits)
		wait_for_go();
	parts();
	moves();
	failures();
	heap_end();
	threads();
	child();
	heap();
	if (waits)
		while (read(STDIN_FILENO, &c, 1) > 0)
			;
	return 0;
}
